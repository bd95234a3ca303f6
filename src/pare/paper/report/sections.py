"""The content of the report's page, and of the files next to it."""

from collections.abc import Sequence

import pandas as pd

from pare.config import Library
from pare.config.raw import OWN_FILES
from pare.config.words import counted
from pare.paper.report.comparisons import comparison_sections
from pare.paper.report.method_statistics import as_errors, performance_profile, performance_ratios
from pare.paper.report.paper_tables import (
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
from pare.paper.report.report_figures import Files, Style, profile_figure, styles
from pare.paper.report.table_config import PaperTable, ReportConfig, Summary
from pare.report.html_page import NONE, Cell, Plot, Section, Table, number_cell, render_page
from pare.report.results import Results, differing_conditions
from pare.report.run_tables import SEEDS, results_table, run_cell

MOST_COLUMNS = 12  # a wider table has its tasks in rows
LEAD = (
    "Our runs next to the figures of “Enhancing Cross-Modal Fine-Tuning with Gradually Intermediate Modality "
    "Generation” (ICML 2024)."
)
AGAIN = "kedro run --pipelines=report"
RUNS_COLUMNS = (
    *("task", "method", "test", "constant baseline", "paper's metric", "validation", "training rows", "test rows"),
    *("epochs", "selected", "source", "protocol", "training time [s]", "peak memory [MiB]"),
)


def write_report(config: ReportConfig, results: Results, library: Library) -> dict[str, str]:
    """Make the page and all files next to it.

    Args:
        config: the paper's tables and our methods for them.
        results: all runs.
        library: tasks and learners.

    Returns:
        The text of each file by its path; the page, ``report.html``, is the last.
    """
    frame, files = results.frame, Files()
    style = _styles(config, frame, library)
    sections = [
        *_own_section(frame, library),
        _state_section(config, frame, library),
        *([] if frame.empty else comparison_sections(config, frame, library, style, files)),
        _paper_section(config, frame, library, files),
        *([] if frame.empty else [_runs_section(frame, library, files)]),
    ]
    warnings = [*results.warnings, *_simulated_warning(frame)]
    page = render_page("PaRe: report of all runs", LEAD, warnings, sections, differing_conditions(frame))
    return files.texts | {"report.html": page}


def _styles(config: ReportConfig, frame: pd.DataFrame, library: Library) -> dict[str, Style]:
    """The reference first, then the other methods that ran, in the order of conf/base/learners.yml."""
    ran = set(frame["method"])
    known = [name for name in library.learners if name in ran and name != config.reference]
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
    env = f" --env {library.environment}" if library.differs else ""
    return f"kedro run{env} --params task={task},method={method},seed=0"


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


# The user's own tasks


def _own_section(frame: pd.DataFrame, library: Library) -> list[Section]:
    """Results of tasks of the user's own, the best of each first; none where there are none."""
    listed = [name for name in frame["task"].unique() if name in library.tasks]
    own = [name for name in listed if library.task(name).raw.origin == OWN_FILES]
    if not own:
        return []
    tables = [results_table(frame[frame["task"] == name], library.task(name).title) for name in own]
    text = f"{SEEDS} The best method is first; its name leads to the page of its first run."
    return [Section("own", "Your tasks", [text], tables=tables)]


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
        tip = f"{cell['title'] if not cell['measured_as'] else cell['measured_as']}, {counted(cell['seeds'], 'seed')}"
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
        f"{SEEDS} Other columns are means, or all values that occur. "
        "Constant baseline: the same prediction for every sample. Selected: the epoch with the best validation "
        "metric, or the solved start, where no epoch was clearly better."
    ]
    paths = files.add_table("runs", frame.drop(columns="page"))
    table = Table("", [Cell(name) for name in RUNS_COLUMNS], rows, notes, paths)
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
        run_cell(runs),
        Cell(ours_text(mean, std, len(runs)), heading_text(first), mean, "number"),
        number_cell(runs["constant_prediction"].mean(), ".4g"),
        Cell("yes" if same else "no", sort="yes" if same else "no"),
        number_cell(runs["validation"].mean(), ".4g"),
        *(_values(runs, key, kind="number") for key in counts),
        _values(runs, "kept"),
        _values(runs, "source", "proxy"),
        _values(runs, "protocol", "precision", "device"),
        number_cell(runs["train_seconds"].mean(), ".1f"),
        number_cell(runs["peak_memory_mb"].mean(), ".0f"),
    ]


def _values(runs: pd.DataFrame, key: str, *below: str, kind: str = "") -> Cell:
    """All values of one column that occur, and below them those of others."""
    first, *others = (_occurring(runs[column]) for column in (key, *below))
    return Cell(first, ", ".join(text for text in others if text != NONE), "" if first == NONE else first, kind)


def _occurring(values: pd.Series) -> str:
    texts = sorted({f"{value:g}" if isinstance(value, float) else str(value) for value in values.dropna()})
    return ", ".join(texts) or NONE
