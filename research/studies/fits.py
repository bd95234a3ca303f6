"""The yardstick: fits of methods and rivals on data sets cut into several splits; their means, ranks and tests.

`yardstick.py` makes the fits, one line of ``research/data/fits/KIND.csv`` each. A method with its settings is a
*system*. Two systems are compared over the pairs of a data set and a split that both have: first the mean over the
splits of a data set, then data sets are the units (Demšar, *Statistical Comparisons of Classifiers over Multiple Data
Sets*, JMLR 2006).
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pare.config import PareError
from pare.evaluation.metrics import METRICS, MetricSpec
from pare.paper.report.method_statistics import complete_block, paired_tests, ranking, relative_differences
from pare.report.html_page import ARROWS

REFERENCES = ("pare", "probe")  # what the others are compared with: the first that was fitted
PROBE = "probe"  # is the solved start, and so cannot leave it
RANDOM_START = "start=random"
WHOLE = 1.0
DECIMALS = 12  # means of the same numbers in another order differ in the last bits
COLUMNS = {
    "data": str,
    "split": int,
    "fraction": float,
    "method": str,
    "settings": str,
    "validation": float,
    "kept": str,
    "test": float,
    "cpu_seconds": float,
}
TEXTS = ("settings", "kept")  # may be empty
KEY = ["data", "split", "fraction", "method", "settings"]


@dataclass(frozen=True)
class Kind:
    """How data sets of a kind are measured.

    Attributes:
        metric: a key of `METRICS`.
        one_scale: whether metrics of different data sets have one scale. Otherwise their differences are taken
            relative to their mean, and the mean over data sets says less than the mean rank.
    """

    metric: str
    one_scale: bool = True

    @property
    def spec(self) -> MetricSpec:
        """Title, unit and direction of the metric."""
        return METRICS[self.metric]

    @property
    def heading(self) -> str:
        """The metric, its unit, and which way is better."""
        return f"{self.spec.label}\u00a0{ARROWS[self.spec.direction]}"  # the arrow never alone on a line


KINDS = {
    "tables": Kind("auroc_ovo"),
    "numbers": Kind("rmse", one_scale=False),  # in the units of each target
    "series": Kind("error_percent"),
    "images": Kind("error_percent"),
    "fields": Kind("relative_l2", one_scale=False),  # over decades
}


def read_fits(path: Path) -> pd.DataFrame:
    """Read the fits of one kind.

    Returns:
        One line a fit: ``data``, ``split``, ``fraction`` (share of the training rows), ``method``, ``settings``,
        ``validation`` and ``test`` (metrics; missing while not scored), ``kept`` (``start``, ``epoch 3``, or shares of
        a choice), ``cpu_seconds``, and ``system``, the method with its settings.

    Raises:
        PareError: where a column is missing, a number is none, or a fit has two lines.
    """
    try:
        # A name such as "None" is a text, an empty field is none.
        fits = pd.read_csv(path, usecols=list(COLUMNS), dtype=COLUMNS, keep_default_na=False, na_values=[""])
    except (ValueError, OSError) as error:
        raise PareError(f"{path} has no fits: {error}; expected the columns {', '.join(COLUMNS)}.") from error
    fits = fits.fillna(dict.fromkeys(TEXTS, ""))
    doubled = fits[fits.duplicated(KEY)]
    if len(doubled):
        line = " ".join(map(str, doubled[KEY].iloc[0]))
        raise PareError(f"{path} has two lines for {line.strip()}; remove one of them.")
    return fits.assign(system=(fits["method"] + " " + fits["settings"]).str.strip())


def find_reference(systems: Iterable[Hashable]) -> str:
    """The system that the others are compared with: the first of `REFERENCES`, else the first by name."""
    names = sorted({*map(str, systems)})
    return next(name for name in (*REFERENCES, *names) if name in names)


def scores(fits: pd.DataFrame, fraction: float = WHOLE, value: str = "test") -> pd.DataFrame:
    """The metrics of all scored fits on a share of the training rows.

    Args:
        fits: as from `read_fits`.
        fraction: of the training rows.
        value: the column that is taken.

    Returns:
        Index (task, seed), the data set and the split; a column a system; missing where a fit is.
    """
    scored = fits[(fits["fraction"] == fraction) & fits["test"].notna()]
    wide = scored.pivot(index=["data", "split"], columns="system", values=value)
    return wide.rename_axis(index=["task", "seed"])


def common(values: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The systems and pairs that are ranked at once: every system has a fit of every pair.

    As `complete_block`, but each pair counts and not each data set: a system with one split does not take the other
    splits from all.

    Args:
        values: as from `scores`.
        reference: a system that is always among them; alone where no other shares a pair with it.
    """
    block = complete_block(values.reset_index(drop=True).rename_axis("task"), reference)
    return values[[reference]].dropna() if block.empty else values.iloc[block.index][[*block]]


def by_data_set(values: pd.DataFrame) -> pd.DataFrame:
    """Means over the splits: a line a data set (``task``), a column a system."""
    return values.groupby("task").mean().round(DECIMALS)


def ranked(frame: pd.DataFrame, kind: str, reference: str, fraction: float = WHOLE) -> pd.DataFrame:
    """Quality, rank and time of the systems that are ranked at once, all over the same pairs.

    Args:
        frame: fits of one kind, as from `read_fits`.
        kind: a key of `KINDS`.
        reference: a system that is always among them.
        fraction: of the training rows.

    Returns:
        A line a system, the best mean rank first: ``mean`` of the metric over splits and then over data sets,
        ``mean_rank`` over data sets (1 is best, ties share), and ``cpu_seconds`` of a fit, mean over splits, median
        over data sets.
    """
    block = common(scores(frame, fraction), reference)
    means = by_data_set(block)
    ranks = ranking(means.map(KINDS[kind].spec.error))["mean_rank"]
    seconds = scores(frame, fraction, "cpu_seconds").loc[block.index, block.columns]
    both = {"mean": means.mean(), "mean_rank": ranks, "cpu_seconds": by_data_set(seconds).median()}
    return pd.DataFrame(both).rename_axis("system").loc[ranks.index]


def summary(frame: pd.DataFrame, kind: str, reference: str, fraction: float = WHOLE) -> pd.DataFrame:
    """Compare every system with a reference, over the pairs of a data set and a split that both have.

    Args:
        frame: fits of one kind, as from `read_fits`.
        kind: a key of `KINDS`.
        reference: the system that the others are compared with; it has a scored fit.
        fraction: of the training rows.

    Returns:
        A line a system, the best mean rank first: ``mean``, its metric, and ``reference_mean``, the reference's over
        the same pairs, means over splits and then over data sets; ``mean_rank`` over the data sets that all ranked
        systems have (see `ranked`; missing for the others); ``won``, ``level`` and ``lost``, numbers of data sets where
        it is better, equal or worse than the reference; ``p`` of Wilcoxon's signed-rank test over data sets, two-sided,
        and ``p_holm``, corrected for the number of systems; ``data_sets`` and ``pairs``, over how many; ``cpu_seconds``
        of a fit, mean over splits, median over data sets. Without a common pair all but the counts are missing.
    """
    values, seconds = scores(frame, fraction), scores(frame, fraction, "cpu_seconds")
    errors = values.map(KINDS[kind].spec.error)
    systems = [*map(str, values)]
    lines = pd.DataFrame([_means(values, seconds, system, reference) for system in systems], index=values.columns)
    tests = paired_tests(pd.concat([_differences(errors, system, reference, kind) for system in systems]))
    counts = tests[["losses", "ties", "wins"]].set_axis(["won", "level", "lost"], axis=1)  # wins are the reference's
    p = tests[["wilcoxon", "wilcoxon_holm"]].set_axis(["p", "p_holm"], axis=1)
    ranks = ranked(frame, kind, reference, fraction)["mean_rank"]
    whole = lines.join(ranks).join(counts.astype("Int64")).join(p).sort_values("mean_rank", kind="stable")
    return whole[[*lines.columns[:2], "mean_rank", *counts, *p, *lines.columns[2:]]]


def _means(values: pd.DataFrame, seconds: pd.DataFrame, system: str, reference: str) -> dict[str, float]:
    both = values[list({system, reference})].dropna()
    means = by_data_set(both).mean()
    return {
        "mean": means[system],
        "reference_mean": means[reference],
        "data_sets": both.index.unique("task").size,
        "pairs": len(both),
        "cpu_seconds": by_data_set(seconds.loc[both.index])[system].median(),
    }


def _differences(errors: pd.DataFrame, system: str, reference: str, kind: str) -> pd.DataFrame:
    """One line a data set, as `relative_differences` has them; none of the reference itself."""
    means = by_data_set(errors[list({system, reference})].dropna())
    pairs = relative_differences(means.assign(seed=0).set_index("seed", append=True), reference)
    if KINDS[kind].one_scale:
        pairs["difference"] = (pairs["error"] - pairs["reference_error"]).round(DECIMALS)
    return pairs


def start_kept(fits: pd.DataFrame) -> pd.DataFrame:
    """How often a training kept the solved start.

    Args:
        fits: as from `read_fits`.

    Returns:
        Index (system, fraction): ``kept``, a number of fits, and ``fits``, out of how many; of methods with epochs that
        begin at it.
    """
    solved = (fits["method"] != PROBE) & ~fits["settings"].str.contains(RANDOM_START, regex=False)
    trained = fits[fits["kept"].str.fullmatch(r"start|epoch \d+") & solved]
    started = trained.assign(kept=trained["kept"] == "start").groupby(["system", "fraction"])
    return started.agg(kept=("kept", "sum"), fits=("kept", "size"))
