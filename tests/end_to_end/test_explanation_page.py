"""docs/explanation.md does what it says, with a tiny encoder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_wine

PAGE = Path(__file__).parents[2] / "docs" / "explanation.md"
FOLDER = Path("data/08_reporting/wine/probe/source_tiny/seed_0")
FILES = ("explanation.csv", "importance.csv", "explanation.png")
# Another encoder has other numbers, and finds other columns important.
FOUND = ["barolo", "grignolino", "barbera", "dark", "light", "colour", *load_wine().feature_names, r"-?\d[\d.e-]*"]


@pytest.fixture(scope="module")
def blocks():
    """Content of the fenced blocks of the page by language, with the tiny encoder."""
    text = PAGE.read_text(encoding="utf-8").replace("method=probe", "method=probe,source=tiny")
    text = text.replace("probe/seed_0", "probe/source_tiny/seed_0").replace("wine, probe,", "wine, probe, source tiny,")
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
    return {language: [content for other, content in found if other == language] for language, _ in found}


def said(project, program):
    """What a program says; it must not fail."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "COLUMNS": "400", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    outcome = subprocess.run(program, cwd=project, env=os.environ | own, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def words(text):
    """Without what another encoder finds."""
    return re.sub("|".join(FOUND), "#", text).split()


def test_the_page_can_be_followed(blocks, project):
    (make, again), (program,), (line, head, strongest) = blocks["bash"], blocks["python"], blocks["text"]
    assert words(line) == words(said(project, ["bash", "-ec", make]).strip().splitlines()[-1].split("] ")[1])
    written = (project / FOLDER / "importance.csv").read_text()
    assert words(head) == words("\n".join(written.splitlines()[:4]))
    test_rows = {name: (project / FOLDER / name).read_bytes() for name in FILES}

    assert "What predictions rest on" in (project / FOLDER / "run.html").read_text()
    assert "3 rows of new_wine.csv explained" in said(project, ["bash", "-ec", again])
    assert words(strongest) == words(said(project, [sys.executable, "-c", program]))
    assert {name: (project / FOLDER / name).read_bytes() for name in FILES} == test_rows
    assert (project / FOLDER / "explanation-new_wine.png").is_file()
