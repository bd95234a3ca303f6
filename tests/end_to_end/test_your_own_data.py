"""The pages of own data do what they say: their commands are run unchanged, but with a tiny encoder and one epoch."""

import re

import pytest
import yaml

from fenced_blocks import blocks

pytestmark = pytest.mark.slow

NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")
FIRST = "Five minutes: from a CSV to predictions"
MADE = ["bash", "bash", "text"]  # a file, its task, and what is said of it


def tiny(script):
    """Commands with the tiny encoder and one epoch."""
    # A solved start would show pictures of the series to the tiny encoder, which reads text.
    start, differs = (",start=random", "start_random-source_tiny") if "gestures" in script else ("", "source_tiny")
    epochs = "" if "choose" in script else ",training.epochs=1"
    script = re.sub(r"(kedro run .*--params \S+)", rf"\1,source=tiny{epochs}{start}", script)
    return script.replace("/seed_0/", f"/{differs}/seed_0/")  # where results of another source and start are


def without_numbers(text):
    """Words with single blanks between; training with another encoder gives other numbers."""
    return " ".join(NUMBER.sub("#", text).split())


def follow(project, said, found):
    """Run blocks of bash and compare what they print with the blocks of text."""
    script = printed = ""
    for language, content in found:
        if language == "bash":
            script, printed = content, said(project, "bash", tiny(content))
        elif "tasks new" in script:
            assert printed == content
        elif "predict=" in script:
            lines, shown = printed.splitlines()[-len(content.splitlines()) :], content.splitlines()
            assert [line.split(",")[0] for line in lines] == [line.split(",")[0] for line in shown]
            assert lines[0] == shown[0]
        else:
            # What is kept is another encoder's; a source and a start that are not the task's own are named.
            score = content.split(" Selected:")[0]
            assert without_numbers(score) in without_numbers(re.sub(", (start random|source tiny)", "", printed))


@pytest.fixture
def few_candidates(project):
    """`choose` compares the two fastest candidates."""
    candidates = {"table": {"folds": 5, "methods": ["probe", "logistic_regression"]}}
    (project / "conf" / "local" / "learners.yml").write_text(yaml.safe_dump({"choose": {"candidates": candidates}}))


@pytest.mark.parametrize(
    ("page", "section", "languages"),
    [
        ("start.md", FIRST, [*MADE, *["bash", "text"] * 2, "bash"]),
        ("series.md", "Arrays", [*MADE, *["bash", "text"] * 2]),
        ("series.md", "A point in each row", MADE),
        ("fields.md", "From arrays to predictions", [*MADE, *["bash", "text"] * 2]),
    ],
)
@pytest.mark.usefixtures("few_candidates")
def test_a_page_can_be_followed(project, said, page, section, languages):
    found = blocks(page, section)
    assert [language for language, _ in found] == languages
    follow(project, said, found)


def test_the_page_of_tables_goes_on_with_the_file_of_the_start(project, said):
    follow(project, said, blocks("start.md", FIRST)[:3])
    (_, shown), *_ = blocks("task_file.md")
    assert (project / "conf" / "local" / "tasks" / "wine.yml").read_text() == shown
    found = blocks("tables.md")[:2]
    assert [language for language, _ in found] == ["bash", "text"]
    follow(project, said, found)


def test_a_path_that_does_not_exist_ends_in_one_message(project, kedro):
    (project / "conf" / "local" / "tasks" / "mine.yml").write_text(
        "mine: {title: mine, raw: {files: [mine.csv]}, reader: {name: table}, samples: {all: 4}, input: {shape: [2]},"
        " output: {kind: classification, shape: [2]}}"
    )
    (project / "mine2.csv").touch()
    outcome = kedro(project, "--pipelines=ingest", "--params", "task=mine,source=tiny")
    assert outcome.code == 1
    assert "no 'mine.csv' in" in outcome.err and "there are mine2.csv" in outcome.err
    assert "Traceback" not in outcome.err
