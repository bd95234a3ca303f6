"""The fenced blocks of a page in docs/, which tests run and compare with what is printed."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
Block = tuple[str, str]  # language and content


def blocks(page: str, section: str = "") -> list[Block]:
    """Those of a page, or of a section of it, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if section:
        (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)


def by_language(page: str) -> dict[str, list[str]]:
    """The contents of the blocks of each language, in order."""
    found = blocks(page)
    return {language: [content for other, content in found if other == language] for language, _ in found}
