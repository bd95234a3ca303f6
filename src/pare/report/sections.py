"""The content of the report's page, and of the files next to it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from pare.config import Library
from pare.report.config import PaperTable, ReportConfig, Summary
from pare.report.figures import Style, cost_figure, difference_figure, profile_figure, styles, svg_text
from pare.report.page import Cell, Plot, Section, Table, render_page
from pare.report.results import Results, differing_conditions
from pare.report.statistics import (
    COSTS,
    Comparison,
    as_errors,
    compare,
    costs,
    errors_by_pair,
    paired_tests,
    performance_profile,
    performance_ratios,
    ranking,
    relative_costs,
    relative_differences,
)
from pare.report.tables import (
    EXPLANATION,
    SIMULATED,
    SUMMARY_EXPLANATION,
    best_cells,
    cell_text,
    fill_table,
    heading_text,
    metric_notes,
    ours_text,
    summarise_table,
    summary_heads,
    summary_markdown,
    summary_texts,
    table_markdown,
)

FEW_TASKS = 5
EVERYTHING = "all tasks"
NONE = "none"
MOST_COLUMNS = 12  # a wider table has its tasks in rows
LEAD = (
    "Our runs next to the figures of “Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate Modality "
    "Generation” (ICML 2024)."
)
AGAIN = "kedro run --pipelines=report"
RUNS_COLUMNS = (
    *("task", "method", "test", "constant baseline", "paper's metric", "validation", "training rows", "test rows"),
    *("epochs", "source", "protocol", "training time [s]", "peak memory [MiB]"),
)


@dataclass
class Files:
    """Texts of the files next to the page, by their path."""

    texts: dict[str, str] = field(default_factory=dict)

    def add_table(self, name: str, frame: pd.DataFrame, markdown: str = "") -> list[str]:
        """Keep a table as CSV, and as Markdown where that is given; the files' paths."""
        files = {f"tables/{name}.csv": frame.to_csv(index=False)}
        if markdown:
            files[f"tables/{name}.md"] = markdown
        self.texts |= files
        return list(files)

    def add_figure(self, name: str, figure: Figure, title: str, data: pd.DataFrame, caption: str) -> Plot:
        """Keep a figure as SVG with its data as CSV; the figure for the page."""
        svg = svg_text(figure, f"{name}: {title}")
        files = {f"figures/{name}.svg": svg, f"figures/{name}.csv": data.to_csv(index=False)}
        self.texts |= files
        return Plot(title, svg, caption, list(files))


def write_report(config: ReportConfig, results: Results, library: Library) -> dict[str, str]:
    """Make the page and all files next to it.

    Args:
        config: the paper's tables and our methods for them.
        results: all runs.
        library: tasks, methods and baselines.

    Returns:
        The text of each file by its path; the page, ``report.html``, is the last.
    """
    frame, files = results.frame, Files()
    style = _styles(config, frame, library)
    sections = [
        _state_section(config, frame, library),
        *([] if frame.empty else _comparison_sections(config, frame, library, style, files)),
        _paper_section(config, frame, library, files),
        *([] if frame.empty else [_runs_section(frame, library, files)]),
    ]
    warnings = [*results.warnings, *differing_conditions(frame), *_simulated_warning(frame)]
    page = render_page("PaRe: report of all runs", LEAD, warnings, sections)
    return files.texts | {"report.html": page}


def _styles(config: ReportConfig, frame: pd.DataFrame, library: Library) -> dict[str, Style]:
    """The reference first, then the methods and baselines that ran, in the order of their files."""
    ran = set(frame["method"])
    known = [name for name in (*library.methods, *library.baselines) if name in ran and name != config.reference]
    return styles([config.reference, *known, *sorted(ran - set(known) - {config.reference})])


def _simulated_warning(frame: pd.DataFrame) -> list[str]:
    tasks = sorted(set(frame.loc[frame["simulated"].astype(bool), "task"]))
    if not tasks:
        return []
    return [
        f"Simulated, not the publisher's files: {', '.join(tasks)}. The paper's figures are on the publisher's data, "
        "of another size and with another encoder, so ours and the paper's do not compare directly."
    ]


def _command(task: str, method: str, library: Library) -> str:
    pipeline = "baseline" if method in library.baselines else "pare_train"
    env = f" --env {library.environment}" if library.differs else ""
    return f"kedro run --pipelines={pipeline}{env} --params task={task},method={method},seed=0"


def _state_section(config: ReportConfig, frame: pd.DataFrame, library: Library) -> Section:
    example = _command("darcy_flow", config.reference, library)
    if frame.empty:
        text = (
            "Nothing has been run yet, or nothing was evaluated: there is no "
            "data/08_reporting/<task>/<method>/seed_<n>/metrics.json. Run something, then make this page again:"
        )
        return Section("state", "State", [text], [example, AGAIN])
    counts = {what: frame[key].nunique() for what, key in (("tasks", "task"), ("methods", "method"), ("seeds", "seed"))}
    text = f"{len(frame)} runs: {', '.join(f'{count} {what}' for what, count in counts.items())}. "
    text += "“Not run”: there is no such run yet; the mouse over the cell shows the command. Afterwards:"
    return Section("state", "State", [text], [AGAIN])


# Comparisons of methods


def _comparison_sections(
    config: ReportConfig, frame: pd.DataFrame, library: Library, style: dict[str, Style], files: Files
) -> list[Section]:
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
    return f"{_count(len(tasks), 'task')}{named}, {_count(comparison.pairs, 'pair')} of task and seed{few}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _ranking_table(comparison: Comparison, name: str, files: Files) -> Table:
    ranks = ranking(comparison.errors)
    notes = [f"{_basis(comparison)}. Rank 1 is best; ties share a win and the mean of their ranks."]
    if comparison.left_out:
        notes.append(f"Left out: {', '.join(comparison.left_out)}.")
    head = [Cell("method"), Cell("wins ↑"), Cell("mean rank ↓"), Cell("tasks")]
    rows = [
        [Cell(str(method), sort=str(method)), *(_number(line[key], text) for key, text in _RANK_TEXTS.items())]
        for method, line in ranks.iterrows()
    ]
    paths = files.add_table(f"ranking_{name}", ranks.reset_index())
    return Table(f"Wins and mean ranks, {comparison.group}", head, rows, notes, paths)


_RANK_TEXTS = {"wins": ".0f", "mean_rank": ".2f", "tasks": ".0f"}


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
    rows = []
    for method, line in tests.assign(median=100 * tests["median"]).iterrows():
        numbers = [
            *(_number(line[key], ".0f") for key in ("tasks", "pairs", "wins", "ties", "losses")),
            _number(line["median"], "+.1f"),
            *(_number(line[key], ".3g") for key in ("wilcoxon", "wilcoxon_holm", "sign")),
        ]
        rows.append([Cell(str(method), sort=str(method)), *numbers])
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
    rows = [
        [
            Cell(str(method), sort=str(method)),
            _number(line["tasks"], ".0f"),
            *(_number(line[key], ".3g") for key in ("error", *COSTS)),
        ]
        for method, line in relative.drop(index=reference, errors="ignore").iterrows()
    ]
    notes = [f"Geometric means over the tasks that a method and {reference} both ran on the same device."]
    return Table("Relative cost", head, rows, notes, files.add_table("relative_costs", relative.reset_index()))


# The paper's tables


def _paper_section(config: ReportConfig, frame: pd.DataFrame, library: Library, files: Files) -> Section:
    plots, tables = [], []
    for name, table in config.tables.items():
        cells = fill_table(table, frame, library)
        paths = files.add_table(name, cells, table_markdown(table.title, table.note, cells))
        if table.summary:
            tables.append(_summary_table(table.summary, cells, files))
        tables.append(_paper_table(table, cells, library, paths))
        if table.profile:
            plots.append(_quoted_profile(name, table, cells, files))
    return Section("paper", "The paper's tables", [EXPLANATION, SIMULATED], plots=plots, tables=tables)


def _quoted_profile(name: str, table: PaperTable, cells: pd.DataFrame, files: Files) -> Plot:
    """The profile of the paper's figures, of the rows and columns without gaps."""
    errors = as_errors(cells["metric"], cells["paper"])
    rows = [row.paper for row in table.rows if row.figures is not None]
    wide = cells.assign(error=errors).pivot(index="column", columns="row", values="error")[rows].dropna()
    profile = performance_profile(performance_ratios(wide))
    figure = profile_figure(profile, len(wide), styles(rows[::-1]))  # the paper's own method is its last
    caption = f"Quoted: the paper's figures on {len(wide)} tasks; it has no run of this project."
    return files.add_figure(f"profile_{name}_quoted", figure, table.profile, profile.reset_index(), caption)


def _paper_table(table: PaperTable, cells: pd.DataFrame, library: Library, paths: Sequence[str]) -> Table:
    shown = cells.assign(best=best_cells(cells))
    row_heads = {str(row): _row_head(group.iloc[0]) for row, group in shown.groupby("row", sort=False)}
    column_heads = {str(column): _column_head(group.iloc[0]) for column, group in shown.groupby("column", sort=False)}
    inside = {(cell["row"], cell["column"]): _paper_cell(cell, library) for _, cell in shown.iterrows()}
    notes = [*([table.note] if table.note else []), *metric_notes(cells)]
    if len(column_heads) <= MOST_COLUMNS:
        head = [Cell("row"), *column_heads.values()]
        rows = [[row_heads[row], *(inside[row, column] for column in column_heads)] for row in row_heads]
    else:
        head = [Cell("task"), *row_heads.values()]
        rows = [[column_heads[column], *(inside[row, column] for row in row_heads)] for column in column_heads]
    return Table(table.title, head, rows, notes, paths)


def _row_head(cell: pd.Series) -> Cell:
    return Cell(cell["row"], cell["method"] or "quoted", sort=cell["row"])


def _column_head(cell: pd.Series) -> Cell:
    below = f"{heading_text(cell)}{' · simulated' if cell['simulated'] else ''}"
    return Cell(cell["column"], below, sort=cell["column"])


def _paper_cell(cell: pd.Series, library: Library) -> Cell:
    ours, paper = cell_text(cell)
    below = f"paper {paper}" if paper else ""
    if cell["status"] == "run":
        tip = f"{cell['title'] if not cell['measured_as'] else cell['measured_as']}, {_count(cell['seeds'], 'seed')}"
        return Cell(ours, below, cell["mean"], "number best" if cell["best"] else "number", tip)
    if cell["status"] == "quoted":
        return Cell(below, kind="number quoted")  # ours alone are sorted: the two do not compare
    tip = "" if cell["variant"] else _command(cell["task"], cell["method"], library)
    return Cell(ours, below, kind="number missing", tip=tip)


def _summary_table(summary: Summary, cells: pd.DataFrame, files: Files) -> Table:
    values = summarise_table(cells, summary)
    flat = values.set_axis(["_".join(column) for column in values.columns], axis=1)
    markdown = summary_markdown(summary.title, values, summary.baseline)
    paths = files.add_table(summary.name, flat.rename_axis("row").reset_index(), markdown)
    head = [Cell("row"), *(Cell(what, side) for side, what in summary_heads(summary.baseline))]
    rows = [
        [
            Cell(str(row), sort=str(row)),
            *(Cell(text, sort=_sortable(text), kind="number") for text in summary_texts(line)),
        ]
        for row, line in values.iterrows()
    ]
    return Table(summary.title, head, rows, [SUMMARY_EXPLANATION], paths)


def _sortable(text: str) -> float | str:
    return float(text) if text[-1].isdigit() else ""


# All runs


def _runs_section(frame: pd.DataFrame, library: Library, files: Files) -> Section:
    groups = frame.groupby(["task", "name", "metric"], sort=True)
    rows = [_runs_row(runs, library) for _, runs in groups]
    notes = [
        "Mean ± standard deviation over seeds, their number in brackets; other columns are means, or all values that "
        "occur. Constant baseline: the same prediction for every sample."
    ]
    table = Table("", [Cell(name) for name in RUNS_COLUMNS], rows, notes, files.add_table("runs", frame))
    return Section("runs", "All runs", tables=[table])


def _runs_row(runs: pd.DataFrame, library: Library) -> list[Cell]:
    first = runs.iloc[0]
    task = library.task(first["task"]) if first["task"] in library.tasks else None
    same = task is not None and first["metric"] == (task.paper_metric or task.metric)
    mean, std = runs["test"].mean(), runs["test"].std()
    simulated = "simulated" if runs["simulated"].any() else ""
    counts = ("n_train", "n_test", "epochs")
    return [
        Cell(first["task"], simulated, first["task"]),
        Cell(first["name"], sort=first["name"]),
        Cell(ours_text(mean, std, len(runs)), heading_text(first), mean, "number"),
        _number(runs["constant_prediction"].mean(), ".4g"),
        Cell("yes" if same else "no", sort="yes" if same else "no"),
        _number(runs["validation"].mean(), ".4g"),
        *(_values(runs, key, kind="number") for key in counts),
        _values(runs, "source", "proxy"),
        _values(runs, "protocol", "precision", "device"),
        _number(runs["train_seconds"].mean(), ".1f"),
        _number(runs["peak_memory_mb"].mean(), ".0f"),
    ]


def _values(runs: pd.DataFrame, key: str, *below: str, kind: str = "") -> Cell:
    """All values of one column that occur, and below them those of others."""
    first, *others = (_occurring(runs[column]) for column in (key, *below))
    return Cell(first, ", ".join(text for text in others if text != NONE), "" if first == NONE else first, kind)


def _occurring(values: pd.Series) -> str:
    texts = sorted({f"{value:g}" if isinstance(value, float) else str(value) for value in values.dropna()})
    return ", ".join(texts) or NONE


def _number(value: float, text: str) -> Cell:
    if math.isnan(value):
        return Cell(NONE, kind="number missing")
    return Cell(format(value, text), sort=value, kind="number")
