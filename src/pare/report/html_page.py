"""One HTML page that needs no network: text, sortable tables and figures."""

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from pare.config.words import spread_text

if TYPE_CHECKING:
    import pandas as pd

NONE = "none"  # text for a missing value
ARROWS = {"lower": "↓", "higher": "↑"}


def ours_text(mean: float, std: float, seeds: int) -> str:
    """Mean ± standard deviation, and the number of seeds in brackets."""
    return f"{spread_text(mean, std)} ({seeds})"


def heading_text(cell: "pd.Series") -> str:
    """The metric of a column, its unit, and which way is better."""
    unit = f" [{cell['unit']}]" if cell["unit"] else ""
    return f"{cell['title']}{unit}\u00a0{ARROWS[cell['direction']]}"  # the arrow never alone on a line


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: its text.
        below: a second, smaller line.
        sort: what its column is sorted by; empty cells come last.
        kind: a class of the style sheet: ``number``, ``best``, ``missing`` or ``quoted``.
        tip: shown under the mouse.
        link: a file that the text leads to.
    """

    text: str
    below: str = ""
    sort: float | str = ""
    kind: str = ""
    tip: str = ""
    link: str = ""


def number_cell(value: float | None, text: str = ".4g", kind: str = "number") -> Cell:
    """A number in a format; ``none`` for a missing one."""
    if value is None or math.isnan(value):
        return Cell(NONE, kind=f"{kind} missing")
    return Cell(format(value, text), sort=value, kind=kind)


@dataclass(frozen=True)
class Table:
    """A table, sortable by each column.

    Attributes:
        title: the heading; may be empty.
        notes: what to know before reading it; all but the first are folded.
        head: one cell a column.
        rows: as many cells each.
        files: files with the same content, next to the page.
        folded: whether only the title is shown until it is clicked.
    """

    title: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    files: Sequence[str] = ()
    folded: bool = False


@dataclass(frozen=True)
class Plot:
    """A figure with its caption.

    Attributes:
        title: the heading.
        element: an element made by this project; it enters the page as it is.
        caption: what to know before reading it.
        files: files with figure and data, next to the page.
        wide: whether it has the page's whole width.
    """

    title: str
    element: str
    caption: str
    files: Sequence[str] = ()
    wide: bool = False

    @property
    def markup(self) -> Markup:
        """The element, not escaped."""
        return Markup(self.element)


def picture(title: str, png: bytes, caption: str, file: str) -> Plot:
    """A PNG picture as part of the page itself.

    Args:
        title: the heading.
        png: content of the picture.
        caption: what to know before looking at it.
        file: the same picture, next to the page.
    """
    data = b64encode(png).decode()
    return Plot(title, f'<img alt="{escape(title)}" src="data:image/png;base64,{data}">', caption, [file], wide=True)


@dataclass(frozen=True)
class Section:
    """A part of the page: text, of which all but the first paragraph is folded, then figures, then tables."""

    anchor: str
    title: str
    text: Sequence[str] = ()
    commands: Sequence[str] = ()
    plots: Sequence[Plot] = field(default_factory=list)
    tables: Sequence[Table] = field(default_factory=list)


def render_page(
    title: str, lead: str, warnings: Sequence[str], sections: Sequence[Section], remarks: Sequence[str] = ()
) -> str:
    """The page as HTML; all given text is escaped.

    Args:
        title: the heading.
        lead: what the page shows, in one sentence.
        warnings: why results do not compare, or are missing.
        sections: the rest, in order.
        remarks: less urgent warnings, folded.
    """
    environment = Environment(
        loader=PackageLoader("pare.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("html_page.html")
    return template.render(title=title, lead=lead, warnings=warnings, remarks=remarks, sections=sections)
