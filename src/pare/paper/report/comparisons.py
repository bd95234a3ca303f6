"""Our methods compared: profiles, ranks, paired tests and costs."""

from collections.abc import Mapping, Sequence

import pandas as pd

from pare.config import Library
from pare.config.words import counted
from pare.paper.report.method_statistics import (
    COSTS,
    Comparison,
    compare,
    costs,
    errors_by_pair,
    paired_tests,
    performance_profile,
    ranking,
    relative_costs,
    relative_differences,
)
from pare.paper.report.report_figures import Files, Style, cost_figure, difference_figure, profile_figure
from pare.paper.report.table_config import ReportConfig
from pare.report.html_page import Cell, Section, Table, number_cell

FEW_TASKS = 5
EVERYTHING = "all tasks"


def comparison_sections(
    config: ReportConfig, frame: pd.DataFrame, library: Library, style: dict[str, Style], files: Files
) -> list[Section]:
    """Ranking, pairs and costs of the methods that share tasks.

    Args:
        config: names the reference, with which every method is compared.
        frame: all runs, one or more.
        library: tasks and their suites.
        style: colour, line and marker of each method.
        files: to which tables and figures are added.
    """
    errors = errors_by_pair(frame)
    suites = _suites(errors, library)
    groups = {EVERYTHING: errors}
    if suites.nunique() > 1:
        groups |= {str(suite): some for suite, some in errors.groupby(suites.to_numpy())}
    comparisons = [compare(some, config.reference, group) for group, some in groups.items()]
    comparisons = [one for one in comparisons if one.group == EVERYTHING or len(one.errors) > 1]
    return [
        _ranking_section(comparisons, config.reference, style, files),
        _paired_section(errors, config.reference, style, files),
        _cost_section(frame, config.reference, style, files),
    ]


def _suites(errors: pd.DataFrame, library: Library) -> pd.Series:
    """The suite of each (task, seed)."""
    tasks = errors.index.get_level_values("task")
    known = {task: library.task(task).suite if task in library.tasks else "other tasks" for task in tasks.unique()}
    return pd.Series([known[task] for task in tasks], index=errors.index, dtype=str)


def _ranking_section(
    comparisons: Sequence[Comparison], reference: str, style: dict[str, Style], files: Files
) -> Section:
    text = [
        "Only pairs of a task and a seed for which every compared method has a run, means over these seeds. A method "
        f"that shares too few tasks with {reference} is left out. An error is the test metric, or one minus it where "
        "higher is better. Variants (METHOD-VARIANT) have values of their own and are not compared here."
    ]
    shown = [comparison for comparison in comparisons if not comparison.errors.empty]
    if not shown:
        return Section("methods", "Methods", [*text, f"No method shares a task and a seed with {reference} yet."])
    plots, tables = [], []
    for comparison in shown:
        name = _file_name(comparison.group)
        profile = performance_profile(comparison.ratios)
        tasks = len(comparison.errors)
        figure = profile_figure(profile, tasks, style)
        caption = f"{_basis(comparison)}. A curve nearer to the top left is better."
        title = f"Performance profiles, {comparison.group}"
        plots.append(files.add_figure(f"profile_{name}", figure, title, profile.reset_index(), caption))
        tables.append(_ranking_table(comparison, name, files))
    return Section("methods", "Methods", text, plots=plots, tables=tables)


def _file_name(group: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in group.lower())


def _basis(comparison: Comparison) -> str:
    tasks = list(comparison.errors.index)
    named = f" ({', '.join(tasks)})" if len(tasks) <= FEW_TASKS else ""
    few = "; so few tasks say little" if len(tasks) < FEW_TASKS else ""
    return f"{counted(len(tasks), 'task')}{named}, {counted(comparison.pairs, 'pair')} of task and seed{few}"


def _ranking_table(comparison: Comparison, name: str, files: Files) -> Table:
    ranks = ranking(comparison.errors)
    notes = [f"{_basis(comparison)}. Rank 1 is best; ties share a win and the mean of their ranks."]
    if comparison.left_out:
        notes.append(f"Left out: {', '.join(comparison.left_out)}.")
    head = [Cell("method"), Cell("wins ↑"), Cell("mean rank ↓"), Cell("tasks")]
    rows = _method_rows(ranks, {"wins": ".0f", "mean_rank": ".2f", "tasks": ".0f"})
    paths = files.add_table(f"ranking_{name}", ranks.reset_index())
    return Table(f"Wins and mean ranks, {comparison.group}", head, rows, notes, paths)


def _method_rows(frame: pd.DataFrame, formats: Mapping[str, str]) -> list[list[Cell]]:
    """A row for each method: its name, and its numbers in their formats, by the name of their column."""
    return [
        [Cell(str(method), sort=str(method)), *(number_cell(line[key], text) for key, text in formats.items())]
        for method, line in frame.iterrows()
    ]


def _paired_section(errors: pd.DataFrame, reference: str, style: dict[str, Style], files: Files) -> Section:
    differences = relative_differences(errors, reference)
    text = [
        f"Every pair of a task and a seed that a method has in common with {reference}. The difference of the two "
        "errors is divided by their mean, so that tasks of any scale can be compared; it lies between "
        "−200\u00a0% and 200\u00a0%.",
        "P values are two-sided. Seeds of one task share its data, so they are not independent, and the p values hold "
        "for these tasks only. With n pairs without a tie, no p is below 2^(1−n): 0.25 for 3, 0.03 for 6.",
    ]
    if differences.empty:
        return Section("pairs", "Pairs", [f"No method shares a task and a seed with {reference} yet."])
    tests = paired_tests(differences)
    figure = difference_figure(differences, reference, style)
    title = f"Each method against {reference}"
    caption = "One point a task and seed, a bar at the median; the mouse shows which."
    plot = files.add_figure("differences", figure, title, differences, caption)
    return Section("pairs", "Pairs", text, plots=[plot], tables=[_tests_table(tests, reference, files)])


def _tests_table(tests: pd.DataFrame, reference: str, files: Files) -> Table:
    head = [
        Cell("method"),
        Cell("tasks"),
        Cell("pairs"),
        Cell(f"{reference} better"),
        Cell("equal"),
        Cell(f"{reference} worse"),
        Cell("median difference [%]", tip=f"positive: {reference} is better"),
        Cell("p, Wilcoxon signed-rank"),
        Cell("p, Wilcoxon, Holm", tip="corrected for the number of methods"),
        Cell("p, sign test"),
    ]
    formats = dict.fromkeys(("tasks", "pairs", "wins", "ties", "losses"), ".0f") | {"median": "+.1f"}
    formats |= dict.fromkeys(("wilcoxon", "wilcoxon_holm", "sign"), ".3g")
    rows = _method_rows(tests.assign(median=100 * tests["median"]), formats)
    return Table(f"Tests against {reference}", head, rows, files=files.add_table("paired_tests", tests.reset_index()))


def _cost_section(frame: pd.DataFrame, reference: str, style: dict[str, Style], files: Files) -> Section:
    by_task = costs(frame)
    shared = by_task[by_task.groupby("task")["method"].transform("size") > 1]
    if shared.empty:
        return Section("cost", "Cost", ["No two methods ran on the same task yet."])
    text = ["Tasks on which at least two methods ran, means over the seeds of each."]
    devices = sorted(set(shared["device"]))
    if len(devices) > 1:
        text.append(f"Runs on different devices ({', '.join(devices)}) do not compare in time or memory.")
    plots = [
        files.add_figure(
            f"cost_{cost}",
            cost_figure(shared, cost, style),
            f"Error over {called}",
            shared[["task", "method", "seeds", "device", cost, "error", "ratio"]],
            "One point a task and method; the mouse shows which.",
        )
        for cost, called in COSTS.items()
        if shared[cost].notna().any()
    ]
    return Section("cost", "Cost", text, plots=plots, tables=[_cost_table(shared, reference, files)])


def _cost_table(shared: pd.DataFrame, reference: str, files: Files) -> Table:
    relative = relative_costs(shared, reference)
    head = [Cell("method"), Cell("tasks"), *(Cell(f"{what} ÷ {reference} ↓") for what in ("error", *COSTS.values()))]
    formats = {"tasks": ".0f"} | dict.fromkeys(("error", *COSTS), ".3g")
    rows = _method_rows(relative.drop(index=reference, errors="ignore"), formats)
    notes = [f"Geometric means over the tasks that a method and {reference} both ran on the same device."]
    return Table("Relative cost", head, rows, notes, files.add_table("relative_costs", relative.reset_index()))
