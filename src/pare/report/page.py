"""One HTML page that needs no network: text, sortable tables and SVG figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

NONE = "none"  # of a cell without a value


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: its text.
        below: a second, smaller line.
        sort: what its column is sorted by; empty cells come last.
        kind: a class of the style sheet: ``number``, ``best``, ``missing`` or ``quoted``.
        tip: shown under the mouse.
    """

    text: str
    below: str = ""
    sort: float | str = ""
    kind: str = ""
    tip: str = ""


def number_cell(value: float, text: str) -> Cell:
    """A number in a format; a word where there is none."""
    if math.isnan(value):
        return Cell(NONE, kind="number missing")
    return Cell(format(value, text), sort=value, kind="number")


@dataclass(frozen=True)
class Table:
    """A table, sortable by each column.

    Attributes:
        title: the heading; may be empty.
        notes: what to know before reading it.
        head: one cell a column.
        rows: as many cells each.
        files: files with the same content, next to the page.
    """

    title: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    files: Sequence[str] = ()


@dataclass(frozen=True)
class Plot:
    """A figure with its caption.

    Attributes:
        title: the heading.
        svg: an SVG element made by this project; it enters the page as it is.
        caption: what to know before reading it.
        files: files with figure and data, next to the page.
    """

    title: str
    svg: str
    caption: str
    files: Sequence[str] = ()

    @property
    def markup(self) -> Markup:
        """The SVG element, not escaped."""
        return Markup(self.svg)


@dataclass(frozen=True)
class Section:
    """A part of the page: text, then figures, then tables."""

    anchor: str
    title: str
    text: Sequence[str] = ()
    commands: Sequence[str] = ()
    plots: Sequence[Plot] = field(default_factory=list)
    tables: Sequence[Table] = field(default_factory=list)


def render_page(title: str, lead: str, warnings: Sequence[str], sections: Sequence[Section]) -> str:
    """The page as HTML; all given text is escaped.

    Args:
        title: the heading.
        lead: what the page shows, in one sentence.
        warnings: why results do not compare, or are missing.
        sections: the rest, in order.
    """
    environment = Environment(
        loader=PackageLoader("pare.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("page.html")
    return template.render(title=title, lead=lead, warnings=warnings, sections=sections)
