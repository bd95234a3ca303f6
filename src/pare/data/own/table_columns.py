"""Columns of tables: which name a label, are numbered, or hold numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.data.formats.table_files import present_text
from pare.data.own.class_folders import FileKind, FileLabels, LabelledFiles, label_frame, named_file
from pare.data.own.columns import FEW_ROWS
from pare.data.own.findings import Inspection, Question, inspection_of, need_target, open_parts

NUMBERED = re.compile(r"(.*?)([+-]?\d+(?:\.\d+)?)(\D*)")
LEAST_POINTS, ALIKE, ROWS_COMPARED = 20, 0.8, 1000  # points, correlation of neighbours, rows that are looked at
FOLLOWS = 0.999  # rank correlation from which on a column says what the target says
LEAST_SHARE, MOST_SHARE = 0.05, 0.5  # fraction of the rows with a number that means missing
LEAST_OTHERS = 3  # numbers without which there is nothing to be far from


def file_labels(paths: Sequence[Path], kind: FileKind, question: Question) -> FileLabels | None:
    """The table that comes with a folder, with its columns; None where the folder comes alone.

    Args:
        paths: the folder, and perhaps the table.
        kind: kind of the files.
        question: which names the one column to predict; a folder that comes alone has its classes in its folders.

    Raises:
        PareError: if the column to predict is not named or does not exist, or no column names files.
    """
    (top,) = [path for path in paths if path.is_dir()]
    tables = [path for path in paths if path != top]
    if not tables:
        if question.target:
            raise PareError(f"the classes of {kind.name}s are the names of their folders: leave --target out")
        return None
    (table,) = tables
    frame = label_frame(table)
    need_target(question, frame, table.name)
    if len(question.target) > 1:
        raise PareError(f"--target names {', '.join(question.target)}; the class of a file is in one column: name it")
    answers = pd.to_numeric(present_text(frame[question.target[0]]), errors="coerce")
    if (answers % 1 != 0).any() and answers.notna().all():
        raise PareError(
            f"column {question.target[0]!r} of {table.name} holds numbers, and of {kind.name}s only classes are "
            "predicted: bring the files as arrays, an .npz file with x and y"
        )
    named = [str(name) for name in frame if named_file(top, str(frame[name].iloc[0]), kind.suffixes)]
    if not named:
        raise PareError(
            f"no column of {table.name} names files: none has in its first row the path of a file in {top.name}. "
            f"Columns: {', '.join(map(str, frame))}"
        )
    return FileLabels(table=table.name, file=named[0], target=question.target[0])


def inspection_of_classes(
    reader: str,
    options: dict[str, Any],
    folder: Path,
    files: Mapping[str, LabelledFiles],
    labels: FileLabels | None,
    notes: dict[str, str],
) -> Inspection:
    """What a reader gives of files that have one class each, as a task declares it.

    Args:
        reader: name of the reader.
        options: options of the reader, but for the table of labels.
        folder: has links to the files.
        files: by part.
        labels: the table that names their classes; None: their folders do.
        notes: on the options.
    """
    options = options | ({"labels": labels.model_dump()} if labels else {})
    return inspection_of(
        reader,
        options,
        open_parts(reader, options, folder),
        next(iter(files.values())).counts,
        kind="classification",
        output_name=labels.target if labels else "class",
        notes=notes,
    )


def numbered_run(names: Sequence[str]) -> list[str]:
    """The longest run of names that differ in one number, which always rises or always falls."""
    longest: list[str] = []
    run: list[str] = []
    for name in names:
        if not _goes_on([*run[-2:], name]):
            run = run[-1:] if _goes_on([*run[-1:], name]) else []
        run = [*run, name]
        longest = max(longest, run, key=len)
    return longest


def look_like_points(frame: pd.DataFrame) -> list[str]:
    """The numbered columns, where they are most of a table and neighbours are alike, as in series; else none.

    Args:
        frame: columns that have no other use.
    """
    run = numbered_run([str(name) for name in frame])
    if len(run) < max(LEAST_POINTS, frame.shape[1] / 2) or any(frame[name].dtype.kind not in "iuf" for name in run):
        return []
    values = frame[run].head(ROWS_COMPARED).to_numpy(np.float64)
    left, right = values[:, :-1] - values[:, :-1].mean(0), values[:, 1:] - values[:, 1:].mean(0)
    with np.errstate(all="ignore"):
        correlation = (left * right).sum(0) / np.sqrt((left**2).sum(0) * (right**2).sum(0))
    return run if np.nan_to_num(np.median(correlation)) > ALIKE else []


def _goes_on(names: Sequence[str]) -> bool:
    """Whether two or three names are alike but for a number that rises or falls."""
    found = [NUMBERED.fullmatch(name) for name in names]
    parts = [match.groups() for match in found if match]
    if len(parts) < max(2, len(names)) or len({(before, after) for before, _, after in parts}) > 1:
        return False
    steps = np.diff([float(number) for _, number, _ in parts])
    return bool((steps > 0).all() or (steps < 0).all())


def followers(free: pd.DataFrame, targets: pd.DataFrame) -> list[str]:
    """Names of the columns whose order is that of a target, or the reverse, in the rows that have both.

    Args:
        free: the columns that may be features.
        targets: those to predict.
    """
    answers = [column for _, column in _numbers(targets)]
    return [name for name, column in _numbers(free) if any(_follows(column, answer) for answer in answers)]


def _numbers(frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for name in frame:
        if frame[name].dtype.kind in "iuf":
            yield str(name), pd.Series(frame[name].to_numpy(dtype=float, na_value=np.nan))


def _follows(column: pd.Series, answer: pd.Series) -> bool:
    both = column.notna() & answer.notna()
    if both.sum() < FEW_ROWS or column[both].nunique() < LEAST_OTHERS or answer[both].nunique() < LEAST_OTHERS:
        return False
    return abs(column[both].rank().corr(answer[both].rank())) > FOLLOWS


def stand_ins(free: pd.DataFrame) -> Iterator[str]:
    """A sentence for each column in which one number repeats far outside all others, as if it meant missing.

    Args:
        free: the columns that may be features.
    """
    for name, column in _numbers(free):
        values, counts = np.unique(column.dropna(), return_counts=True)
        for end, where in ((0, "below"), (-1, "above")):
            if len(values) > LEAST_OTHERS and _is_far(values, end) and _repeats(counts[end], len(column)):
                number = f"{values[end]:.15g}"
                yield (
                    f"{name} is {number} in {counts[end]} of {len(column)} rows, far {where} all others; if it means "
                    f"missing, say --missing={number}"
                )


def _is_far(values: np.ndarray, end: int) -> bool:
    """Whether the first or the last of ascending numbers is farther from the others than twice their range."""
    others = np.delete(values, end)
    return bool(abs(values[end] - others[end]) > 2 * np.ptp(others))


def _repeats(count: int, rows: int) -> bool:
    return LEAST_SHARE * rows <= count < MOST_SHARE * rows
