"""Comparisons of methods over many tasks: performance profiles (paper, figure 3), ranks, paired tests, costs.

Everything is computed from errors, lower is better. A metric that is better when higher becomes an error by its own
rule, `MetricSpec.as_error`; AUROC as one minus its value.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest, wilcoxon

from pare.evaluation.metrics import find_metric
from pare.report.results import plain_runs

COSTS = {"train_seconds": "training time", "peak_memory_mb": "memory"}


def errors_by_pair(results: pd.DataFrame) -> pd.DataFrame:
    """Errors of the plain runs of every method, side by side.

    Args:
        results: one line a run, see `pare.report.results.Results`; variants are left out. Of a task whose runs were
            measured differently, only those with its most frequent metric count.

    Returns:
        Index (task, seed), a column a method; missing where a run is.
    """
    plain = plain_runs(results)
    usual = plain.groupby("task")["metric"].agg(lambda names: names.mode().iloc[0])
    plain = plain[plain["metric"] == plain["task"].map(usual)]
    errors = as_errors(plain["metric"], plain["test"])
    return plain.assign(error=errors).pivot(index=["task", "seed"], columns="method", values="error")


def as_errors(metrics: pd.Series, values: pd.Series) -> pd.Series:
    """Values of metrics, given by name, as errors: lower is better.

    Raises:
        PareError: for a metric that is unknown.
    """
    errors = [find_metric(name).error(value) for name, value in zip(metrics, values, strict=True)]
    return pd.Series(errors, index=values.index, dtype=float)


def complete_block(errors: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The pairs and methods that are compared at once: every method has a run of every pair.

    Methods join the reference in the order of the number of tasks that they share with it, each if the number of
    methods times that of common tasks does not fall.

    Args:
        errors: index (task, seed), a column a method.
        reference: a method that is always among them.

    Returns:
        Part of the errors without a gap; empty where no two methods share a pair.
    """
    if reference not in errors:
        return errors.iloc[:0, :0]
    shared = errors[errors[reference].notna()]
    tasks = shared.notna().groupby("task").any().sum().drop(reference).sort_values(ascending=False, kind="stable")
    block, size = shared.iloc[:0][[reference]], 1
    for method in tasks.index[tasks > 0]:
        wider = shared[[*block.columns, method]].dropna()
        wider_size = wider.index.unique("task").size * wider.shape[1]
        if wider_size >= size:
            block, size = wider, wider_size
    return block


def performance_ratios(errors: pd.DataFrame) -> pd.DataFrame:
    """Each error over the smallest of its row: 1 for the best, infinite where only the best is 0.

    Args:
        errors: tasks in rows, methods in columns, without gaps.
    """
    best = errors.min(axis=1)
    return errors.div(best, axis=0).mask(errors.eq(best, axis=0), 1.0)


def performance_profile(ratios: pd.DataFrame) -> pd.DataFrame:
    """Share of the tasks that each method solves within a factor τ of the best (Dolan & Moré, 2002).

    Args:
        ratios: tasks in rows, methods in columns.

    Returns:
        Index ``tau``, every finite ratio that occurs and 1; a column a method, shares from 0 to 1. Between two τ the
        share of the smaller holds.
    """
    finite = ratios.to_numpy()[np.isfinite(ratios.to_numpy())]
    taus = pd.Index(np.unique(np.append(finite, 1.0)), name="tau")
    return pd.DataFrame({method: [(ratios[method] <= tau).mean() for tau in taus] for method in ratios}, index=taus)


def ranking(errors: pd.DataFrame) -> pd.DataFrame:
    """Wins and mean ranks, best mean rank first; ties share a win, and the mean of their ranks.

    Args:
        errors: tasks in rows, methods in columns, without gaps.

    Returns:
        By method: ``wins``, ``mean_rank``, ``tasks``.
    """
    return (
        pd.DataFrame(
            {
                "wins": errors.eq(errors.min(axis=1), axis=0).sum(),
                "mean_rank": errors.rank(axis=1).mean(),
                "tasks": len(errors),
            }
        )
        .rename_axis("method")
        .sort_values("mean_rank", kind="stable")
    )


@dataclass(frozen=True)
class Comparison:
    """Methods that ran on the same tasks and seeds.

    Attributes:
        group: a suite, or all tasks.
        errors: means over the common seeds, tasks in rows, methods in columns; empty where there is nothing to compare.
        pairs: number of common (task, seed).
        left_out: methods that ran on too few of these tasks.
    """

    group: str
    errors: pd.DataFrame
    pairs: int
    left_out: list[str]

    @property
    def ratios(self) -> pd.DataFrame:
        """Errors over the best of their task."""
        return performance_ratios(self.errors)


def compare(errors: pd.DataFrame, reference: str, group: str) -> Comparison:
    """Compare as many methods on as many tasks as have all runs, see `complete_block`.

    Args:
        errors: index (task, seed), a column a method.
        reference: a method that is always among them.
        group: what the tasks have in common.
    """
    block = complete_block(errors, reference)
    ran = errors.columns[errors.notna().any()]
    return Comparison(group, block.groupby("task").mean(), len(block), sorted(ran.difference(block.columns)))


def relative_differences(errors: pd.DataFrame, reference: str) -> pd.DataFrame:
    """How much larger the error of each method is than the reference's, over the mean of the two.

    It lies between −2 and 2, is 0 where both are equal (both 0 included), and orders pairs as the logarithm of the
    errors' ratio does, so tasks of any scale can be put together.

    Args:
        errors: index (task, seed), a column a method.
        reference: the method that the others are compared with.

    Returns:
        A line for each pair that both have: ``method``, ``task``, ``seed``, ``error``, ``reference_error`` and
        ``difference``, positive where the reference is better.
    """
    if reference not in errors:
        return pd.DataFrame(columns=["method", "task", "seed", "error", "reference_error", "difference"])
    others = errors.drop(columns=reference).reset_index()
    pairs = others.melt(["task", "seed"], var_name="method", value_name="error").dropna()
    pairs = pairs.merge(errors[reference].dropna().rename("reference_error").reset_index())
    both = (pairs["error"] + pairs["reference_error"]) / 2
    pairs["difference"] = ((pairs["error"] - pairs["reference_error"]) / both).where(both != 0, 0.0)
    pairs = pairs.sort_values(["method", "task", "seed"], ignore_index=True)
    return pairs[["method", "task", "seed", "error", "reference_error", "difference"]]


def paired_tests(differences: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's signed-rank test and the sign test of each method against the reference.

    Args:
        differences: as from `relative_differences`.

    Returns:
        By method: ``tasks``, ``pairs``, how often the reference is better, equal or worse (``wins``, ``ties``,
        ``losses``), the ``median`` difference, two-sided p values ``wilcoxon`` and ``sign``, and ``wilcoxon_holm``,
        Holm's correction for the number of methods.
    """
    lines = [_paired_test(str(method), pairs) for method, pairs in differences.groupby("method")]
    columns = ["tasks", "pairs", "wins", "ties", "losses", "median", "wilcoxon", "sign"]
    tests = pd.DataFrame(lines, columns=["method", *columns]).set_index("method")
    return tests.assign(wilcoxon_holm=holm(tests["wilcoxon"].to_numpy(float)))


def _paired_test(method: str, pairs: pd.DataFrame) -> dict[str, object]:
    d = pairs["difference"].to_numpy(float)
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    return {
        "method": method,
        "tasks": pairs["task"].nunique(),
        "pairs": len(d),
        "wins": wins,
        "ties": len(d) - wins - losses,
        "losses": losses,
        "median": float(np.median(d)),
        # Without a difference neither test is defined; there is no evidence of a difference.
        "wilcoxon": float(wilcoxon(d[d != 0]).pvalue) if wins + losses else 1.0,
        "sign": binomtest(wins, wins + losses).pvalue if wins + losses else 1.0,
    }


def holm(p: np.ndarray) -> np.ndarray:
    """P values that control the chance of any false finding among them (Holm, 1979), ``(tests,)``."""
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def costs(results: pd.DataFrame) -> pd.DataFrame:
    """What each method costs and reaches on each task.

    Args:
        results: one line a run; variants are left out.

    Returns:
        A line for each task and method, means over its seeds: ``error``, ``ratio`` (the error over the best method's
        on that task), ``train_seconds``, ``peak_memory_mb``, ``seeds`` and ``device``.
    """
    errors = errors_by_pair(results).groupby("task").mean()
    sides = {"error": errors, "ratio": performance_ratios(errors)}
    long = [
        side.reset_index().melt("task", var_name="method", value_name=name).dropna() for name, side in sides.items()
    ]
    runs = plain_runs(results).groupby(["task", "method"])
    means = runs.agg(
        train_seconds=("train_seconds", "mean"),
        peak_memory_mb=("peak_memory_mb", "mean"),
        seeds=("seed", "size"),
        device=("device", lambda names: "/".join(sorted(set(names.dropna())))),
    )
    return long[0].merge(long[1]).merge(means.reset_index())


def relative_costs(by_task: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Geometric means, over the tasks that both ran on the same device, of each method's costs over the reference's.

    Args:
        by_task: as from `costs`.
        reference: the method that the others are compared with.

    Returns:
        By method: ``tasks``, and the ratios ``error``, ``train_seconds`` and ``peak_memory_mb``; a ratio is
        missing where a method has no such number, or an error is 0.
    """
    mine = by_task[by_task["method"] == reference]
    both = by_task.merge(mine, on=["task", "device"], suffixes=("", "_reference"))
    columns = ["error", *COSTS]
    for column in columns:
        numbers = both[[column, f"{column}_reference"]].astype(float)
        both[column] = np.log((numbers[column] / numbers[f"{column}_reference"]).where((numbers > 0).all(axis=1)))
    groups = both.groupby("method")
    return pd.DataFrame({"tasks": groups["task"].nunique(), **{c: np.exp(groups[c].mean()) for c in columns}})
