"""docs/your_own_data.md does what it says: its commands are run unchanged, but with a tiny encoder and one epoch."""

import re

import pytest

from fenced_blocks import blocks

TINY = ",source=tiny,training.epochs=1"
NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


def tiny(script):
    """Commands with the tiny encoder and one epoch."""
    # A solved start would show pictures of the series to the tiny encoder, which reads text.
    start, differs = (",start=random", "start_random-source_tiny") if "gestures" in script else ("", "source_tiny")
    script = re.sub(r"(kedro run .*--params \S+)", rf"\1{TINY}{start}", script)
    return script.replace("/seed_0/", f"/{differs}/seed_0/")  # where results of another source and start are


def without_numbers(text):
    """Words with single blanks between; training with another encoder gives other numbers."""
    return " ".join(NUMBER.sub("#", text).split())


WHOLE = ["bash", "bash", "text", "yaml", "bash", "text", "bash", "text"]


@pytest.mark.parametrize(
    ("section", "languages"),
    [
        ("A table", WHOLE),
        ("A series of several channels", WHOLE),
        ("Series of different lengths", WHOLE[:3]),
        ("A field", WHOLE),
    ],
)
def test_the_page_can_be_followed(project, said, section, languages):
    script = printed = ""
    checked = []
    for language, content in blocks("your_own_data.md", section):
        checked.append((language, "tasks new" in script, "kedro run" in script))
        if language == "bash":
            script, printed = content, said(project, "bash", tiny(content))
        elif language == "yaml":
            (name,) = re.findall(r"^(\w+):$", content, re.MULTILINE)
            assert (project / "conf" / "local" / "tasks" / f"{name}.yml").read_text() == content
        elif "tasks new" in script:
            assert printed == content
        elif "predict=" in script:
            found, shown = printed.splitlines()[-len(content.splitlines()) :], content.splitlines()
            assert [line.split(",")[0] for line in found] == [line.split(",")[0] for line in shown]
            assert found[0] == shown[0]
        else:
            # What is kept is another encoder's; a source and a start that are not the task's own are named.
            score = content.split(" Selected:")[0]
            assert without_numbers(score) in without_numbers(re.sub(", (start random|source tiny)", "", printed))
    assert [language for language, *_ in checked] == languages


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
