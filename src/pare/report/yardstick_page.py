"""The page of the yardstick, and the files next to it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from pare.config.words import counted
from pare.report.figures import Style, fraction_figure, styles, time_figure
from pare.report.files import Files
from pare.report.page import NONE, Cell, Plot, Section, Table, number_cell, render_page
from pare.report.tables import ARROWS, ours_text
from pare.report.yardstick import (
    KINDS,
    WHOLE,
    Yardstick,
    best_systems,
    by_data_set,
    by_fraction,
    common,
    find_reference,
    ranked,
    scores,
    start_kept,
    summary,
)

PAGE = "yardstick.html"
LEAD = (
    "Methods and rivals with their defaults, or the settings after their names, on data that need no network, each cut "
    "into several splits."
)
SCORE = "python benchmarks/yardstick.py score    # compares predictions with the test rows"
NEW_FITS = "python benchmarks/yardstick.py try"
AGAIN = "kedro run --pipelines=report"
SUMMARY_TEXTS = {
    **{"mean": "#.4g", "reference_mean": "#.4g", "mean_rank": ".2f", "won": ".0f", "level": ".0f", "lost": ".0f"},
    **{"p": ".3g", "p_holm": ".3g", "data_sets": ".0f", "pairs": ".0f", "cpu_seconds": ".3g"},
}
RANK = f"rank\u00a0{ARROWS['lower']}"


def yardstick_section(yardstick: Yardstick) -> list[Section]:
    """What the report says of the yardstick: a line a kind, which leads to its page; none where there are no fits."""
    if not yardstick.fits:
        return []
    head = [Cell(name) for name in ("kind", "data sets", "systems", "fits")]
    rows = [
        [
            Cell(kind, sort=kind, link=f"{PAGE}#{kind}"),
            *(number_cell(fits[key].nunique(), "d") for key in ("data", "system")),
            number_cell(len(fits), "d"),
        ]
        for kind, fits in yardstick.fits.items()
    ]
    text = "Methods against rivals, with data sets as units; a kind's name leads to its part of the page."
    return [Section("yardstick", "Yardstick", [text], tables=[Table("", head, rows)])]


def write_yardstick(yardstick: Yardstick) -> dict[str, str]:
    """Make the page and all files next to it.

    Args:
        yardstick: all fits.

    Returns:
        The text of each file by its path; the page, ``yardstick.html``, is the last; nothing where there are no fits.
    """
    if not yardstick.fits:
        return {}
    files = Files()
    sections = [_kind_section(kind, fits, files) for kind, fits in yardstick.fits.items()]
    page = render_page("PaRe: yardstick", LEAD, yardstick.warnings, [_making_section(yardstick), *sections])
    return files.texts | {PAGE: page}


def _kind_section(kind: str, fits: pd.DataFrame, files: Files) -> Section:
    if not scores(fits).empty:
        return _Part(kind, fits, files).section()
    text = f"{counted(len(fits), 'fit')}; none that learnt from all training rows is scored yet."
    return Section(kind, kind.capitalize(), [text], [SCORE])


def _making_section(yardstick: Yardstick) -> Section:
    text = (
        "Each fit is a line of docs/yardstick/KIND.csv. These commands make the fits that are missing, and this page; "
        "benchmarks/yardstick.yml has forms of several such lines."
    )
    runs = [line for kind, fits in yardstick.fits.items() for line in _run_commands(kind, fits)]
    return Section("making", "How it was made", [text], [*runs, SCORE, AGAIN])


def _run_commands(kind: str, fits: pd.DataFrame) -> Iterator[str]:
    """A command for all methods with the same settings, number of splits and shares of the training rows."""
    methods = fits.assign(splits=fits["split"] + 1).groupby(["settings", "method"], sort=False)
    asked = methods.agg(splits=("splits", "max"), fractions=("fraction", _listed)).reset_index()
    for (settings, splits, fractions), group in asked.groupby(["settings", "splits", "fractions"], sort=False):
        names, some = " ".join(group["method"]), f" --set {settings}" if settings else ""
        yield f"{NEW_FITS} {kind} {names} --splits {splits} --fractions {fractions}{some}"


def _listed(numbers: pd.Series) -> str:
    return " ".join(f"{number:g}" for number in sorted(set(numbers)))


@dataclass(frozen=True)
class _Part:
    """The part of the page that shows one kind.

    Attributes:
        kind: a key of `KINDS`.
        fits: of that kind, at least one of them scored and from all training rows.
        files: to which tables and figures are added.
    """

    kind: str
    fits: pd.DataFrame
    files: Files

    @cached_property
    def values(self) -> pd.DataFrame:
        return scores(self.fits)

    @cached_property
    def reference(self) -> str:
        return find_reference(self.values)

    @cached_property
    def block(self) -> pd.DataFrame:
        return common(self.values, self.reference)

    @cached_property
    def fractions(self) -> pd.DataFrame:
        return by_fraction(self.fits, self.reference)

    @cached_property
    def summary(self) -> pd.DataFrame:
        return summary(self.fits, self.kind, self.reference)

    @property
    def heading(self) -> str:
        return KINDS[self.kind].heading

    @property
    def style(self) -> dict[str, Style]:
        return styles([self.reference, *sorted(set(self.fits["system"]) - {self.reference})])

    @property
    def several(self) -> bool:
        """Whether some pair has a fit at each of several fractions."""
        return not self.fractions.empty and self.fractions.columns.unique("fraction").size > 1

    def section(self) -> Section:
        kept = start_kept(self.fits)
        plots = [*([self.time_plot()] if self.block.shape[1] > 1 else [])]
        tables = [self.summary_table(), self.data_table()]
        if self.several:
            plots.append(self.fraction_plot())
            tables.append(self.fraction_table())
        if not kept.empty:
            tables.append(self.kept_table(kept))
        return Section(self.kind, self.kind.capitalize(), self.text(), plots=plots, tables=tables)

    def text(self) -> list[str]:
        systems, sets = (self.fits[key].nunique() for key in ("system", "data"))
        size = f"{counted(len(self.fits), 'fit')} of {counted(systems, 'system')} on {counted(sets, 'data set')}"
        unscored = self.fits["test"].isna().sum()
        waiting = f", {unscored} of them not scored yet and not shown" if unscored else ""
        missing = f" {self.reference} has no split with scored fits on each of several shares of the training rows yet."
        metric = f"The metric, {self.heading}, is that of the test rows."
        return [f"{size}{waiting}. {metric}{'' if self.several else missing}"]

    def left_out(self) -> str:
        names = self.values.columns.difference(self.block.columns)
        few = "share too few pairs with these"
        return f" Left out, since they {few}: {', '.join(names)}." if len(names) else ""

    def time_plot(self) -> Plot:
        points = ranked(self.fits, self.kind, self.reference)
        means = KINDS[self.kind].one_scale
        label = f"mean {self.heading if means else RANK}"
        figure = time_figure(points, "mean" if means else "mean_rank", label, self.style)
        caption = f"Means over {_basis(self.block)}; seconds are the median over data sets.{self.left_out()}"
        name = f"yardstick_{self.kind}_time"
        return self.files.add_figure(name, figure, "Quality against time", points.reset_index(), caption)

    def summary_table(self) -> Table:
        head = [
            Cell("system"),
            Cell(f"mean {self.heading}"),
            Cell(f"{self.reference}'s mean", "same pairs"),
            Cell(f"mean {RANK}"),
            *(Cell(name, "data sets") for name in ("won", "level", "lost")),
            Cell("p", "Wilcoxon"),
            Cell("p", "Wilcoxon, Holm"),
            Cell("data sets"),
            Cell("pairs"),
            Cell("CPU seconds", "of a fit"),
        ]
        rows = [
            [
                Cell(str(system), "reference" if system == self.reference else "", str(system)),
                *(_summary_cell(line[key], text) for key, text in SUMMARY_TEXTS.items()),
            ]
            for system, line in self.summary.astype(float).iterrows()
        ]
        paths = self.files.add_table(f"yardstick_{self.kind}_summary", self.summary.reset_index())
        return Table(f"Against {self.reference}", head, rows, [*self.summary_notes()], paths)

    def summary_notes(self) -> Iterator[str]:
        yield (
            f"Each system against {self.reference}, over the pairs of a data set and a split that both have; the last "
            "columns say over how many. Compare the two means of a line: those of different lines may be over "
            "different pairs."
        )
        ranks = f"Mean rank, 1 is best: over {_basis(self.block)}, which all ranked systems have."
        yield ranks + self.left_out()
        yield (
            "Means are over the splits of a data set, then over data sets. P values are two-sided, with data sets as "
            "units: with n of them without a tie no p is below 2^(1−n), 0.25 for 3 and 0.03 for 6. Holm: corrected for "
            "the number of systems. CPU seconds: mean over splits, median over data sets."
        )
        if not KINDS[self.kind].one_scale:
            yield (
                "Data sets have metrics of different scales: the largest decide the mean, so look at ranks first. The "
                "test is of differences divided by their mean."
            )

    def data_table(self) -> Table:
        best, systems = best_systems(self.values, self.kind), [*map(str, self.summary.index)]
        rows = [
            [Cell(str(name), sort=str(name)), *(_data_cell(splits[system], first[system]) for system in systems)]
            for (name, splits), (_, first) in zip(self.values.groupby("task"), best.iterrows(), strict=True)
        ]
        notes = [
            "Mean ± standard deviation over splits, their number in brackets. Bold: the best of the systems that have "
            "every split of the data set."
        ]
        whole = self.fits[self.fits["fraction"] == WHOLE]
        long = whole.groupby(["data", "system"])["test"].agg(["mean", "std", "count"])
        paths = self.files.add_table(f"yardstick_{self.kind}_data", long.reset_index())
        return Table("By data set", [Cell("data set"), *map(Cell, systems)], rows, notes, paths)

    def fraction_plot(self) -> Plot:
        means = self.fraction_means().T
        figure = fraction_figure(means, f"mean {self.heading}", self.style)
        caption = f"Means over {_basis(self.fractions)}, which have a fit at every share."
        name = f"yardstick_{self.kind}_fractions"
        return self.files.add_figure(name, figure, "Fewer training rows", means.reset_index(), caption)

    def fraction_means(self) -> pd.DataFrame:
        """A line a system, in the order of the summary; a column a fraction."""
        means = by_data_set(self.fractions).mean().unstack("fraction")
        return means.loc[[system for system in self.summary.index if system in means.index]]

    def fraction_table(self) -> Table:
        means = self.fraction_means()
        head = [Cell("system"), *(Cell(f"{fraction:.4g}", self.heading) for fraction in means)]
        rows = [
            [Cell(str(system), sort=str(system)), *(number_cell(mean, "#.4g") for mean in line)]
            for system, line in means.iterrows()
        ]
        basis = _basis(self.fractions)
        notes = [f"Mean metric by share of the training rows, over {basis}, which have a fit at every share."]
        paths = self.files.add_table(f"yardstick_{self.kind}_fractions", means.reset_index())
        return Table("By share of the training rows", head, rows, notes, paths)

    def kept_table(self, kept: pd.DataFrame) -> Table:
        counts = {key: (line["kept"], line["fits"]) for key, line in kept.iterrows()}
        systems, fractions = kept.index.unique("system"), sorted(kept.index.unique("fraction"))
        head = [Cell("system"), *(Cell(f"{fraction:.4g}", "of the training rows") for fraction in fractions)]
        rows = [
            [Cell(system, sort=system), *(_kept_cell(counts.get((system, fraction))) for fraction in fractions)]
            for system in systems
        ]
        notes = ["Fits of methods with epochs that kept the solved start, since no epoch was clearly better."]
        paths = self.files.add_table(f"yardstick_{self.kind}_kept", kept.reset_index())
        return Table("Solved start kept", head, rows, notes, paths)


def _basis(pairs: pd.DataFrame) -> str:
    sets = pairs.index.unique("task").size
    return f"{counted(sets, 'data set')}, {counted(len(pairs), 'pair')} of data set and split"


def _summary_cell(value: float, text: str) -> Cell:
    """Empty where there is nothing to compare: the reference, or too few pairs for a rank."""
    return Cell("", kind="number") if math.isnan(value) else number_cell(value, text)


def _data_cell(splits: pd.Series, best: object) -> Cell:
    if not splits.count():
        return Cell(NONE, kind="number missing")
    mean = splits.mean()
    return Cell(ours_text(mean, splits.std(), splits.count()), sort=mean, kind="number best" if best else "number")


def _kept_cell(counts: tuple[int, int] | None) -> Cell:
    if counts is None:
        return Cell(NONE, kind="number missing")
    kept, fits = counts
    return Cell(f"{kept} of {fits}", sort=kept / fits, kind="number")
