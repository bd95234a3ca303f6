"""Tables in Markdown."""

from collections.abc import Sequence


def grid(lines: Sequence[Sequence[str]]) -> str:
    """A table whose first line is its head."""
    head, *rows = [[text.replace("|", "\\|") for text in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])
