"""docs/export.md does what it says, with a tiny encoder; the file is used where torch cannot be imported."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
NUMBER = re.compile(r"\d+(\.\d*)?(e-\d+)?")
WITHOUT_TORCH = "import sys; sys.modules['torch'] = sys.modules['pare'] = None\n"
MODEL = Path("data/06_models/wine/probe/source_tiny/seed_0/model.onnx")
PREDICTED = Path("data/07_model_output/wine/probe/source_tiny/seed_0/new_rows/new_wine.csv")


@pytest.fixture(scope="module")
def blocks():
    """Content of the fenced blocks of the page by language, with the tiny encoder."""
    text = PAGE.read_text(encoding="utf-8").replace("method=probe", "method=probe,source=tiny")
    text = text.replace("probe/seed_0", "probe/source_tiny/seed_0").replace(
        '"probe", "pre', '"probe", "source": "tiny", "pre'
    )
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
    return {language: [content for other, content in found if other == language] for language, _ in found}


@pytest.fixture
def environment(project):
    """Where the commands of the page run."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "COLUMNS": "400", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return {"cwd": project, "env": os.environ | own, "text": True}


def said(program, environment):
    """What a program says; it must not fail."""
    outcome = subprocess.run(program, capture_output=True, check=False, **environment)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def words(text):
    """Without numbers, which are those of another encoder."""
    return NUMBER.sub("#", text).split()


@pytest.fixture
def served(environment):
    """A server on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def serve(command):
        process = subprocess.Popen(["bash", "-c", f"exec {command.replace('8000', str(port))}"], **environment)
        processes.append(process)
        for _ in range(600):
            try:
                return urlopen(f"http://127.0.0.1:{port}/health") and port
            except URLError:
                assert process.poll() is None
                time.sleep(0.2)
        raise TimeoutError

    processes: list = []
    yield serve
    for process in processes:
        process.terminate()
        process.wait()


def test_the_file_is_written_and_used_without_torch_and_the_server_predicts(blocks, environment, project, served):
    (make, serve, ask), (told, answer, response) = blocks["bash"], blocks["text"]
    last = said(["bash", "-ec", make], environment).strip().splitlines()[-1]
    assert words(last.split("model.onnx")[1]) == words(told.split("model.onnx")[1])
    assert str(MODEL) in last and (project / MODEL).stat().st_size < 2e6

    (program,) = blocks["python"]
    assert len(program[program.index("session") :].splitlines()) <= 20
    assert words(said([sys.executable, "-c", WITHOUT_TORCH + program], environment)) == words(answer)

    port = served(serve.strip())
    found = said(["bash", "-ec", ask.replace("8000", str(port))], environment)
    assert json.loads(found).keys() == json.loads(response).keys()
    assert json.loads(found)["status"] == "success"
    lines = (project / PREDICTED).read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == json.loads(answer.split("]")[0].replace("'", '"') + "]")
