"""docs/export.md does what it says, with a tiny encoder; the file is used where torch cannot be imported."""

import json
import re
import socket
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from fenced_blocks import by_language

pytestmark = pytest.mark.slow

NUMBER = re.compile(r"\d+(\.\d*)?(e-\d+)?")
WITHOUT_TORCH = "import sys; sys.modules['torch'] = sys.modules['pare'] = None\n"
MODEL = Path("data/06_models/wine/probe/source_tiny/seed_0/model.onnx")
PREDICTED = Path("data/07_model_output/wine/probe/source_tiny/seed_0/new_rows/new_wine.csv")


def tiny(content):
    """A block with the tiny encoder."""
    content = content.replace("method=probe", "method=probe,source=tiny")
    content = content.replace("probe/seed_0", "probe/source_tiny/seed_0")
    return content.replace('"probe", "pre', '"probe", "source": "tiny", "pre')


def words(text):
    """Without numbers, which are those of another encoder."""
    return NUMBER.sub("#", text).split()


@pytest.fixture
def served(project, running):
    """A server on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def serve(command):
        process = running(project, command.replace("8000", str(port)))
        for _ in range(600):
            try:
                return urlopen(f"http://127.0.0.1:{port}/health") and port
            except URLError:
                assert process.poll() is None
                time.sleep(0.2)
        raise TimeoutError

    return serve


def test_the_file_is_written_and_used_without_torch_and_the_server_predicts(project, said, kedro_command, served):
    found = {language: [*map(tiny, contents)] for language, contents in by_language("export.md").items()}
    (make, serve, ask), (told, answer, response) = found["bash"], found["text"]
    last = said(project, "bash", make).strip().splitlines()[-1]
    assert words(last.split("model.onnx")[1]) == words(told.split("model.onnx")[1])
    assert str(MODEL) in last and (project / MODEL).stat().st_size < 2e6

    (program,) = found["python"]
    assert len(program[program.index("session") :].splitlines()) <= 20
    used = kedro_command(project, "-c", WITHOUT_TORCH + program, program=(sys.executable,))
    assert words(used.out) == words(answer), used.err

    port = served(serve.strip())
    answered = json.loads(said(project, "bash", ask.replace("8000", str(port))))
    assert answered.keys() == json.loads(response).keys()
    assert answered["status"] == "success"
    lines = (project / PREDICTED).read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == json.loads(answer.split("]")[0].replace("'", '"') + "]")
