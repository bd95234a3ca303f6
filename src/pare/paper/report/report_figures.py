"""Figures of the report, as SVG with a tooltip at each point; lines and markers differ, so black and white suffices."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator, PercentFormatter

from pare.report.html_page import Plot

SVG = "http://www.w3.org/2000/svg"
TIP = "tip: "
# Okabe and Ito's colours: distinct for the colour-blind, and of different lightness.
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX<>*p"
COST_LABELS = {"train_seconds": "training time [s]", "peak_memory_mb": "peak memory [MiB]"}
# Where a name may lie, in points from what it names, the best first; a long one must not move the axes.
PLACES: list[tuple[tuple[int, int], dict[str, Any]]] = [
    ((dx, dy), {"ha": ha, "va": va, "fontsize": "small", "in_layout": False})
    for dx, ha in ((8, "left"), (-8, "right"), (0, "center"))
    for dy, va in ((0, "center"), (8, "bottom"), (-8, "top"))
    if dx or dy
]
WIDE = 5.0  # values that far apart, as a ratio, need a logarithmic axis


@dataclass(frozen=True)
class Style:
    """How a method is drawn, the same in all figures."""

    color: str
    linestyle: str | tuple[int, tuple[int, ...]]
    marker: str


def styles(methods: Sequence[str]) -> dict[str, Style]:
    """A style for each method; no two of the first 385 are the same."""
    return {
        name: Style(COLOURS[i % len(COLOURS)], LINES[i % len(LINES)], MARKERS[i % len(MARKERS)])
        for i, name in enumerate(methods)
    }


def profile_figure(profile: pd.DataFrame, tasks: int, style: dict[str, Style]) -> Figure:
    """Performance profiles: share of the tasks over the factor τ to the best (paper, figure 3).

    Args:
        profile: as from `pare.paper.report.method_statistics.performance_profile`.
        tasks: number of tasks.
        style: colour, line and marker of each method.
    """
    figure, ax = _figure(6.4, 3.9)
    taus = profile.index.to_numpy()
    end = 1 + (taus[-1] - 1) * 1.05 if taus[-1] > 1 else 1.1
    for method in profile:
        drawn, shares = style[str(method)], profile[method].to_numpy()
        (line,) = ax.plot(
            [*taus, end],
            [*shares, shares[-1]],
            color=drawn.color,
            linestyle=drawn.linestyle,
            drawstyle="steps-post",
        )
        ax.plot([], [], color=drawn.color, linestyle=drawn.linestyle, **_hollow(drawn), label=method)
        _tip(line, f"{method}: best on {shares[0]:.0%} of {tasks} tasks")
        rises = np.flatnonzero(np.diff(shares, prepend=-1))  # a marker where the curve begins and at each step
        for i in rises:
            (point,) = ax.plot(taus[i], shares[i], color=drawn.color, **_hollow(drawn))
            _tip(point, f"{method}: within {taus[i]:.3g} times the best on {shares[i]:.0%} of {tasks} tasks")
    if end > WIDE:
        _log(ax, "x")
    ax.set(xlim=(1 / end**0.02, end), ylim=(-0.03, 1.05))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("τ: test error ÷ the best method's on that task (1 = best)")
    ax.set_ylabel("tasks solved within τ (higher is better)")
    _legend(ax)
    return figure


def difference_figure(differences: pd.DataFrame, reference: str, style: dict[str, Style]) -> Figure:
    """Differences of each method from the reference, one point a task and seed, a bar at their median.

    Args:
        differences: as from `pare.paper.report.method_statistics.relative_differences`.
        reference: the method that the others are compared with.
        style: colour, line and marker of each method.
    """
    methods = list(dict.fromkeys(differences["method"]))
    figure, ax = _figure(6.4, 1.3 + 0.42 * len(methods))
    for row, method in enumerate(reversed(methods)):
        pairs = differences[differences["method"] == method].sort_values("difference")
        spread = np.linspace(-0.22, 0.22, len(pairs)) if len(pairs) > 1 else [0.0]
        for (_, pair), shift in zip(pairs.iterrows(), spread, strict=True):
            drawn = style[method]
            (point,) = ax.plot(100 * pair["difference"], row + shift, color=drawn.color, **_hollow(drawn))
            errors = f"{method} {pair['error']:.4g}, {reference} {pair['reference_error']:.4g}"
            _tip(point, f"{pair['task']}, seed {pair['seed']}: {errors}")
        median = 100 * pairs["difference"].median()
        (bar,) = ax.plot([median, median], [row - 0.36, row + 0.36], color="black", linewidth=2.5)
        _tip(bar, f"{method}: median {median:+.1f} %")
    ax.axvline(0, color="0.5", linewidth=0.8)
    ax.set_yticks(range(len(methods)), list(reversed(methods)))
    ax.set_ylim(-0.6, len(methods) - 0.4)
    ax.set_xlabel(f"error − error of {reference}, over their mean [%]  (right of 0: {reference} is better)")
    return figure


def cost_figure(costs: pd.DataFrame, cost: str, style: dict[str, Style]) -> Figure:
    """What each method reaches over what it costs, one point a task and method.

    Args:
        costs: as from `pare.paper.report.method_statistics.costs`.
        cost: a key of `COST_LABELS`.
        style: colour, line and marker of each method.
    """
    figure, ax = _figure(6.4, 3.9)
    shown = costs[np.isfinite(costs["ratio"]) & (costs[cost] > 0)]
    for method, group in shown.groupby("method"):
        drawn = style[str(method)]
        ax.plot([], [], color=drawn.color, linestyle="", **_hollow(drawn), label=method)
        for _, one in group.iterrows():
            (point,) = ax.plot(one[cost], one["ratio"], color=drawn.color, **_hollow(drawn))
            _tip(point, f"{method} on {one['task']}: {COST_LABELS[cost]} {one[cost]:.4g}, {one['ratio']:.3g} × best")
    for axis, values in (("x", shown[cost]), ("y", shown["ratio"])):
        if not values.empty and values.max() > WIDE * values.min():
            _log(ax, axis)
    ax.set_xlabel(f"{COST_LABELS[cost]} (lower is better)")
    ax.set_ylabel("test error ÷ the best on that task\n(lower is better)")
    _legend(ax)
    return figure


def svg_text(figure: Figure, name: str) -> str:
    """The figure as an SVG element, for a page with others or a file of its own.

    Args:
        figure: its artists marked by this module become elements with a tooltip.
        name: what it shows, for readers that do not see; also keeps its internal names from those of other figures.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(buffer.getvalue())
    root.set("role", "img")
    root.set("aria-label", name)
    used = set(re.findall(r"#([\w-]+)", buffer.getvalue()))
    for element in list(root.iter()):
        given = element.get("id", "")
        if given.startswith(TIP):
            title = ElementTree.Element(f"{{{SVG}}}title")
            title.text = given.removeprefix(TIP)
            element.insert(0, title)
        if given not in used:
            element.attrib.pop("id", None)
    return ElementTree.tostring(root, encoding="unicode")


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    ax = figure.subplots()
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax


def _log(ax: Axes, axis: str) -> None:
    """A logarithmic axis with numbers as one writes them, also where it spans less than a decade."""
    ax.set_xscale("log") if axis == "x" else ax.set_yscale("log")
    one = ax.xaxis if axis == "x" else ax.yaxis
    one.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    one.set_minor_locator(NullLocator())
    one.set_minor_formatter(NullFormatter())


def _hollow(style: Style) -> dict[str, Any]:
    """Markers that do not hide what lies below."""
    return {"marker": style.marker, "fillstyle": "none"}


def _legend(ax: Axes) -> None:
    # Outside, because curves and points may lie anywhere inside.
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small", frameon=False, handlelength=3)


def _tip(artist: Artist, text: str) -> None:
    artist.set_gid(TIP + text)


@dataclass
class Files:
    """Texts of the files next to the page, by their path."""

    texts: dict[str, str] = field(default_factory=dict)

    def add_table(self, name: str, frame: pd.DataFrame, markdown: str = "") -> list[str]:
        """Add a table as CSV, and as Markdown if that is given; returns the files' paths."""
        files = {f"tables/{name}.csv": frame.to_csv(index=False)}
        if markdown:
            files[f"tables/{name}.md"] = markdown
        self.texts |= files
        return list(files)

    def add_figure(self, name: str, figure: Figure, title: str, data: pd.DataFrame, caption: str) -> Plot:
        """Add a figure as SVG with its data as CSV; returns the figure for the page."""
        svg = svg_text(figure, f"{name}: {title}")
        files = {f"figures/{name}.svg": svg, f"figures/{name}.csv": data.to_csv(index=False)}
        self.texts |= files
        return Plot(title, svg, caption, list(files))
