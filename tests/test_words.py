"""Words: a description is a noun phrase with its noun, and sentences of pages are short."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CODE = sorted([*(PROJECT / "src" / "pare").rglob("*.py"), *(PROJECT / "conf").rglob("*.yml")])
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
HEADLESS = re.compile(r"(?:[:#] |description=\")of (?!course)")
LONGEST = 40  # words of a sentence


def sentences(text: str) -> list[str]:
    """The prose of a page, without code, tables, links' targets and headings."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    blocks, lines = [], [*text.splitlines(), ""]
    block: list[str] = []
    for line in lines:
        starts = re.match(r"\s*([-*+]|\d+\.) ", line)
        if not line.strip() or starts or line.lstrip().startswith(("|", "#", ">", "<")):
            blocks.append(" ".join(block))
            block = []
        if line.strip() and not line.lstrip().startswith(("|", "#", "<")):
            block.append(line.strip())
    return [part for block in blocks for part in re.split(r"(?<=[.!?:;])\s+", block) if part]


def test_no_description_begins_without_its_noun():
    """`penalties: ridge penalties to try`, never `penalties: of the heads`."""
    found = []
    for path in CODE:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, (before, line) in enumerate(zip(["", *lines], lines, strict=False), 1):
            goes_on = line.lstrip().startswith("# of ") and before.lstrip().startswith("#")
            if HEADLESS.search(line) and not goes_on:
                found.append(f"{path.relative_to(PROJECT)}:{number}: {line.strip()}")
    assert found == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_sentence_of_a_page_is_longer_than_forty_words(path):
    long = [text for text in sentences(path.read_text(encoding="utf-8")) if len(text.split()) > LONGEST]
    assert long == []


def test_a_long_sentence_is_found_across_lines_and_none_in_code():
    words = " ".join(["word"] * 25)
    assert [len(text.split()) for text in sentences(f"{words}\n{words}.\n")] == [50]
    assert sentences(f"```bash\n{words} {words}\n```\n") == []
