"""What all figures share: an empty one with its heading, the slice and the range of what is drawn."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

Array = NDArray[Any]

DPI = 150
MOST_ROWS = 3  # in a figure with a row for each channel or number
SLICE = "middle slice along the first axis"


def titled_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure, in inches, whose labels do not overlap, under a heading of as many lines as it needs."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06)
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    figure.suptitle(plain(textwrap.fill(title, int(9 * figure.get_figwidth()))))
    return figure


def plain(text: str) -> str:
    """A text, such as the name of a user's class, for matplotlib, which reads what is between dollar signs as TeX."""
    return text.replace("$", r"\$")


def short(name: str, most: int = 28) -> str:
    """A name, cut where it is long, for matplotlib."""
    return plain(name if len(name) <= most else f"{name[: most - 1]}…")


def message_figure(text: str) -> Figure:
    """A sentence instead of a figure that has nothing to show."""
    figure = Figure(figsize=(6, 1))
    figure.text(0.5, 0.5, plain(text), ha="center", va="center")
    return figure


def middle_slice(fields: Array) -> Array:
    """The `SLICE` of what has three axes, ``(…, D, H, W)`` to ``(…, H, W)``."""
    return fields[..., fields.shape[-3] // 2, :, :]


def value_range(*fields: Array) -> tuple[float, float]:
    """Least and greatest value that is finite; 0 and 1 where there is none."""
    values = np.concatenate([field[np.isfinite(field)] for field in fields])
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
