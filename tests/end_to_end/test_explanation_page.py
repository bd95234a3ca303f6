"""docs/explanation.md does what it says, with a tiny encoder."""

import re
from pathlib import Path

import pytest
from sklearn.datasets import load_wine

from fenced_blocks import by_language

pytestmark = pytest.mark.slow

FOLDER = Path("data/08_reporting/wine/probe/source_tiny/seed_0")
FILES = ("explanation.csv", "importance.csv", "explanation.png")
# Another encoder has other numbers, and finds other columns important.
FOUND = ["barolo", "grignolino", "barbera", "dark", "light", "colour", *load_wine().feature_names, r"-?\d[\d.e-]*"]


def tiny(content):
    """A block with the tiny encoder."""
    content = content.replace("method=probe", "method=probe,source=tiny").replace(", probe,", ", probe, source tiny,")
    return content.replace("probe/seed_0", "probe/source_tiny/seed_0")


def words(text):
    """Without what another encoder finds."""
    return re.sub("|".join(FOUND), "#", text).split()


def test_the_page_can_be_followed(project, said):
    found = {language: [*map(tiny, contents)] for language, contents in by_language("explanation.md").items()}
    (make, again), (program,), (line, head, strongest) = found["bash"], found["python"], found["text"]
    assert words(line) == words(said(project, "bash", make).strip().splitlines()[-1].split("] ")[1])
    written = (project / FOLDER / "importance.csv").read_text()
    assert words(head) == words("\n".join(written.splitlines()[:4]))
    test_rows = {name: (project / FOLDER / name).read_bytes() for name in FILES}

    assert "What predictions rest on" in (project / FOLDER / "run.html").read_text()
    assert "3 rows of new_wine.csv explained" in said(project, "bash", again)
    assert words(strongest) == words(said(project, "python", program))
    assert {name: (project / FOLDER / name).read_bytes() for name in FILES} == test_rows
    assert (project / FOLDER / "explanation-new_wine.png").is_file()
