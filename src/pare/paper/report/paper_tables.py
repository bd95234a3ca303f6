"""The paper's tables, with our results next to its figures."""

import math
from collections.abc import Sequence

import pandas as pd

from pare.config import Library, Task
from pare.config.run import TASK
from pare.config.words import number_text
from pare.evaluation.metrics import METRICS
from pare.paper.report.table_config import Column, PaperTable, Row, Summary
from pare.report.html_page import heading_text, ours_text


def grid(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the first line is its head."""
    head, *rows = [[text.replace("|", "\\|") for text in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def fill_table(table: PaperTable, results: pd.DataFrame, library: Library) -> pd.DataFrame:
    """Put our results into a table of the paper.

    Args:
        table: rows, columns and figures of the paper.
        results: one line a run, see `pare.report.results.Results`.
        library: the tasks.

    Returns:
        One line a cell: ``row`` (the paper's name), ``method`` (ours, with its variant; empty where the row is only
        quoted), ``column``, ``task``, ``variant``, ``metric`` with ``title``, ``unit`` and ``direction``, ``mean``,
        ``std`` (of samples; missing with one seed) and ``seeds`` of our runs, ``paper`` (its figure), ``measured_as``
        (the title of our metric where it is not the paper's), ``simulated`` (ours, or ours if it were run) and
        ``status``: ``run``, ``not run`` or ``quoted``.
    """
    tasks = {column.task: library.task(column.task) for column in table.columns}
    return pd.DataFrame(
        [
            _cell(row, column, number, results, tasks[column.task])
            for row in table.rows
            for number, column in enumerate(table.columns)
        ]
    )


def _cell(row: Row, column: Column, number: int, results: pd.DataFrame, task: Task) -> dict[str, object]:
    published = task.paper_metric or task.metric
    variant = row.variant or column.variant
    runs = _runs(results, column.task, row.method, variant, published)
    test = runs["test"]
    spec = METRICS[published]
    other = not runs.empty and runs["metric"].iloc[0] != published
    return {
        "row": row.paper,
        "method": "" if row.method is None else f"{row.method}-{variant}" if variant else row.method,
        "column": column.heading,
        "task": column.task,
        "variant": variant,
        "metric": published,
        "title": spec.title,
        "unit": spec.unit,
        "direction": spec.direction,
        "mean": test.mean(),
        "std": test.std(),  # sample standard deviation: NaN for one seed
        "seeds": len(runs),
        "paper": math.nan if row.figures is None or row.figures[number] is None else row.figures[number],
        "measured_as": runs["title"].iloc[0] if other else "",
        "simulated": task.raw.active.simulated if runs.empty else bool(runs["simulated"].any()),
        "status": "quoted" if row.method is None else "not run" if runs.empty else "run",
    }


def _runs(results: pd.DataFrame, task: str, method: str | None, variant: str, metric: str) -> pd.DataFrame:
    """The runs of a cell that have one metric, the paper's if there are such."""
    runs = results[(results["task"] == task) & (results["method"] == method) & (results["variant"] == variant)]
    runs = runs[~runs["differs"].str.startswith(TASK)]  # runs on the user's own data or settings
    # A variant may itself choose another source; where runs of it differ in more, the ones that differ least count.
    runs = runs[runs["differs"] == (min(runs["differs"], key=len, default="") if variant else "")]
    metrics = set(runs["metric"])
    return runs if len(metrics) < 2 else runs[runs["metric"] == (metric if metric in metrics else sorted(metrics)[0])]


def best_cells(cells: pd.DataFrame) -> pd.Series:
    """Whether each of our cells is the best of two or more with the same metric in its column, ``(cells,)``."""
    best = pd.Series(False, index=cells.index)
    for (_, _), group in cells[cells["status"] == "run"].groupby(["column", "measured_as"]):
        if len(group) > 1:
            means = group["mean"]
            best[means.index] = means == (means.min() if group["direction"].iloc[0] == "lower" else means.max())
    return best


def summarise_table(cells: pd.DataFrame, summary: Summary) -> pd.DataFrame:
    """How often each row is best, its mean, and its mean difference from the baseline (paper, table 3).

    Args:
        cells: a filled table whose columns all have one metric.
        summary: names the baseline.

    Returns:
        Rows indexed by the paper's name: ``wins``, ``mean``, ``difference`` and the number of ``columns`` that
        the mean is over, each for ``paper`` and for ``ours``; for ours also whether the row is only ``quoted``. A
        column counts as won, ties included, where at least two rows have a figure; the difference is over the columns
        that both rows have.
    """
    rows = list(dict.fromkeys(cells["row"]))
    sides = {}
    for side, value in (("paper", "paper"), ("ours", "mean")):
        wide = cells.pivot(index="column", columns="row", values=value)[rows]
        contested = wide[wide.notna().sum(axis=1) > 1]
        best = contested.max(axis=1) if cells["direction"].iloc[0] == "higher" else contested.min(axis=1)
        sides[side] = pd.DataFrame(
            {
                "wins": contested.eq(best, axis=0).sum().where(contested.notna().any()),
                "mean": wide.mean(),
                "difference": wide.sub(wide[summary.baseline], axis=0).mean(),
                "columns": wide.notna().sum(),
            }
        )
    sides["ours"]["quoted"] = cells["status"].eq("quoted").groupby(cells["row"]).any()
    return pd.concat(sides, axis=1)


def cell_text(cell: pd.Series) -> tuple[str, str]:
    """Texts of a cell: our result, and the paper's figure."""
    ours = ours_text(cell["mean"], cell["std"], cell["seeds"]) if cell["status"] == "run" else cell["status"]
    return ours, "" if math.isnan(cell["paper"]) else number_text(cell["paper"])


def table_markdown(title: str, note: str, cells: pd.DataFrame) -> str:
    """A filled table as Markdown, ours above the paper's figure in each cell."""
    columns = list(dict.fromkeys(cells["column"]))
    heads = [_column_head(cells[cells["column"] == column].iloc[0]) for column in columns]
    lines = [["row", "method", *heads]]
    for row, group in cells.assign(best=best_cells(cells)).groupby("row", sort=False):
        texts = [_markdown_cell(cell, best=cell["best"]) for _, cell in group.iterrows()]
        lines.append([str(row), f"`{group['method'].iloc[0]}`" if group["method"].iloc[0] else "quoted", *texts])
    simulated = [SIMULATED] if cells["simulated"].any() else []
    notes = [EXPLANATION, *simulated, *([note] if note else []), *metric_notes(cells)]
    parts = [f"# {title}", *notes, grid(lines)]
    return "\n\n".join(parts) + "\n"


EXPLANATION = (
    "Ours: mean ± standard deviation over seeds, their number in brackets; bold: our best in its column. "
    "Paper: its figure. Quoted: no method of this project. Runs of the base environment have a smaller encoder and "
    "often fewer rows than the paper's; those of --env paper have the same."
)


SIMULATED = (
    "The files of tasks marked simulated were computed by a solver of this project; the paper's figures are on the "
    "publisher's files, of another size and with another encoder, so the two do not compare directly."
)


def metric_notes(cells: pd.DataFrame) -> list[str]:
    """A sentence for each task on which our metric is not the paper's."""
    notes = []
    for task, group in cells[cells["measured_as"] != ""].groupby("task"):
        names = " and ".join(sorted(set(group["measured_as"])))
        notes.append(f"{task}: ours is {names}, the paper's {group['title'].iloc[0]}; they do not compare.")
    return notes


def _column_head(cell: pd.Series) -> str:
    return f"{cell['column']}{' (simulated)' if cell['simulated'] else ''}<br>{heading_text(cell)}"


def _markdown_cell(cell: pd.Series, *, best: bool) -> str:
    ours, paper = cell_text(cell)
    ours = f"**{ours}**" if best else "" if ours == "quoted" else ours
    return "<br>".join(part for part in (ours, f"paper {paper}" if paper else "") if part)


def summary_markdown(title: str, summary: pd.DataFrame, baseline: str) -> str:
    """A summary as Markdown."""
    lines = [["row", *(f"{side}: {what}" for side, what in summary_heads(baseline))]]
    lines += [[str(row), *summary_texts(values)] for row, values in summary.iterrows()]
    return f"# {title}\n\n{SUMMARY_EXPLANATION}\n\n{grid(lines)}\n"


SUMMARY_EXPLANATION = (
    "Wins count ties, on tasks where at least two rows have a figure. Our mean is over the tasks that were "
    "run, so means over different tasks do not compare; differences are over the tasks that both rows have."
)


def summary_heads(baseline: str) -> list[tuple[str, str]]:
    """Side and heading of each column of a summary."""
    return [(side, what) for side in ("ours", "paper") for what in ("wins", "mean", f"mean − {baseline}", "tasks")]


def summary_texts(values: pd.Series) -> list[str]:
    """One row of a summary, in the order of `summary_heads`."""
    texts = []
    for side in ("ours", "paper"):
        wins, mean, difference, tasks = (values[side, key] for key in ("wins", "mean", "difference", "columns"))
        missing = "none" if side == "paper" or tasks else "quoted" if values["ours", "quoted"] else "not run"
        texts += [
            missing if math.isnan(wins) else f"{wins:.0f}",
            missing if math.isnan(mean) else f"{mean:.4f}",
            missing if math.isnan(difference) else f"{difference:+.4f}",
            f"{tasks:.0f}",
        ]
    return texts
