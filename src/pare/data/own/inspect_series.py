"""A first look at series: tables with a point or a series in each row, folders of tables, and `.ts` files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.data.formats.table_files import load_frame
from pare.data.own.class_folders import labelled_files
from pare.data.own.findings import Inspection, Question, equal_rows, inspection_of, need_target, open_parts
from pare.data.own.inspect_tables import (
    column_options,
    detected,
    dialect_of,
    files_of,
    inspection_of_targets,
    nameless_columns,
    written,
)
from pare.data.own.lengths import point_numbers
from pare.data.own.series_files import PARTS, SERIES, part_of, ts_parts
from pare.data.own.series_tables import series_codes, series_of_rows
from pare.data.own.table import load_parts
from pare.data.own.table_columns import file_labels, inspection_of_classes, numbered_run

MOST_POINTS = 5000
EVEN = 1.01  # the longest step of a clock in the shortest
LEFT_OUT = "no value, dates, text, a clock, or the same in each series, such as a number of the point"


def inspect_series_table(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a table with a point in each row.

    Args:
        folder: has links to the files.
        paths: the one file.
        question: which column names the series, and what is to be predicted.

    Raises:
        PareError: if it is not readable, or a column is unknown, or none is to be predicted.
    """
    (path,) = paths
    dialect = dialect_of(path, question)
    frame = load_frame(path, dialect)
    need_target(question, frame, path.name)
    if question.series not in frame:
        raise unknown_name("column", question.series, frame.columns, path.name)
    codes, names = series_codes(frame[question.series], path.name)
    said = {question.series, question.time, question.groups, *question.target, *question.ignore}
    free = frame.drop(columns=[name for name in said if name in frame])
    nameless, remarks = nameless_columns(free, frame)
    channels, left_out = _channels(free.drop(columns=nameless), codes)
    lengths, notes = length_options(np.bincount(codes), _means(free[channels]))
    options = {"series": question.series, **lengths, **({"time": question.time} if question.time else {})}
    options |= column_options(question, [*nameless, *left_out]) | written(dialect)
    notes |= detected(options)
    notes |= {"series": "a row is a point of the series that this column names"}
    if left_out:
        notes["ignore"] = f"{', '.join(left_out)}: {LEFT_OUT}; --time NAME sorts by such a column"
    return inspection_of_targets(
        "series_table", options, question, folder, rows=len(names), notes=notes, remarks=remarks
    )


def inspect_series_rows(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a table with a series in each row.

    Args:
        folder: has links to the files.
        paths: the one file, or those of the training and the test rows.
        question: what is to be predicted.

    Raises:
        PareError: if it is not readable, or a column is unknown, or none is to be predicted, or a row is a point.
    """
    if question.series or question.time:
        raise PareError("with --wide each row is a series, with --series a point of one: leave one of them out")
    path, files, dialect = paths[0], files_of(paths), dialect_of(paths[0], question, names_needed=False)
    _, frame, part = load_parts(folder, files.get("file"), files.get("test_file"), dialect, question.ignore)
    need_target(question, frame, path.name)
    said = {question.groups, *question.target, *question.ignore}
    nameless, remarks = nameless_columns(
        frame.drop(columns=[*said], errors="ignore"), frame if part is None else frame[part == "train"]
    )
    free = [str(name) for name in frame if name not in {*said, *nameless}]
    if not free:
        raise PareError(f"{path.name} has no column for the points of series: all are targets, groups or ignored")
    run = numbered_run(free)
    columns = run if 2 * len(run) >= len(free) else free
    found = series_of_rows(frame, columns, path.name)
    counts = np.array([series.shape[1] for series in found])
    lengths, notes = length_options(counts, [float(np.concatenate(found, axis=1).mean())])
    options = files | {"first": columns[0], "last": columns[-1], **lengths}
    options |= column_options(question, nameless) | written(dialect)
    notes |= detected(options)
    if others := [name for name in free if name not in columns]:
        notes["first"] = f"{', '.join(others)} left out, whose names are not of the same kind"
    return inspection_of_targets(
        "series_rows", options, question, folder, rows=len(found), notes=notes, remarks=remarks
    )


def inspect_series_folder(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a folder of tables, each a series, whose folders are the classes.

    Args:
        folder: has links to the files.
        paths: the one folder, and perhaps a table of labels.
        question: what is to be predicted.

    Raises:
        PareError: if a file cannot be read, or the question says more than a target, an encoding and columns to ignore.
    """
    used = {name: getattr(question, name) for name in ("encoding", "ignore", "missing", "target")}
    if question != Question(**used):
        raise PareError(f"for a folder of series only --{', --'.join(used)} are used: leave others out")
    labels = file_labels(paths, SERIES, question)
    files = labelled_files(folder, None, SERIES, labels)
    every = [path for part in files.values() for path in part.paths]
    dialect = dialect_of(every[0], question, names_needed=False)
    frames = [load_frame(path, dialect) for path in every]
    joined = pd.concat(frames, ignore_index=True)
    codes = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
    for name in question.ignore:
        if name not in joined:
            raise unknown_name("column", name, joined.columns, every[0].name)
    channels, left_out = _channels(joined.drop(columns=list(question.ignore)), codes)
    lengths, notes = length_options(np.array([len(frame) for frame in frames]), _means(joined[channels]))
    options = {"channels": channels, **lengths, **written(dialect)}
    notes |= detected(options)
    if left_out:
        notes["channels"] = f"without {', '.join(left_out)}: {LEFT_OUT}"
    return inspection_of_classes("series_folder", options, folder, files, labels, notes)


def inspect_ts(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into `.ts` files, as of the UCR archive: both parts of a set, or one file for all.

    Args:
        folder: has links to the files.
        paths: the files.
        question: says nothing, since these files do.

    Raises:
        PareError: if a file cannot be read, a part is missing, or the question says something.
    """
    if question != Question():
        raise PareError("a .ts file says itself what its series are and what is to be predicted: leave options out")
    parts = [part_of(path) for path in paths]
    if sorted(map(str, parts)) != sorted(PARTS) and parts != [None]:
        raise PareError(
            f"{', '.join(path.name for path in paths)}: expected the two parts of a set, NAME_TRAIN.ts and "
            "NAME_TEST.ts, or one file for all under a name that ends in neither"
        )
    files = ts_parts(folder)
    first = next(iter(files.values()))
    series = [series for file in files.values() for series in file.series]
    means = np.concatenate(series, axis=1).mean(1, np.float64)
    options, notes = length_options(np.array([each.shape[1] for each in series]), means.tolist())
    counts = Counter(first.answers)
    read = open_parts("ts", options, folder)
    return inspection_of(
        "ts",
        options,
        read,
        {name: counts[name] for name in first.classes} or None,
        kind="classification" if first.classes else "regression",
        output_name="class" if first.classes else "number",
        notes=notes,
        equal=equal_rows(read),
    )


def length_options(lengths: np.ndarray, means: Sequence[float]) -> tuple[dict[str, Any], dict[str, str]]:
    """Options of a reader that bring series to one length, and notes on them.

    Args:
        lengths: points of each series.
        means: mean of each channel, which fills up shorter series.
    """
    shortest, longest = int(lengths.min()), int(lengths.max())
    points = min(longest, MOST_POINTS)
    longer = int((lengths > points).sum())
    cut = f"; {longer} longer ones are cut" if longer else ""
    found = f"{shortest} to {longest}" if shortest < longest else f"all {longest}"
    options = {"points": points, "lengths": "padded", "fill": [float(f"{mean:.4g}") for mean in means]}
    return options, {
        "points": f"for each series; theirs have {found}{cut}",
        "lengths": "shorter ones are followed by 'fill'; else resampled, which stretches them",
        "fill": "the mean of each channel",
    }


def _means(channels: pd.DataFrame) -> list[float]:
    """Means of the columns; the reader refuses what is no number in them."""
    return channels.apply(point_numbers).mean().to_list()


def _channels(columns: pd.DataFrame, codes: np.ndarray) -> tuple[list[str], list[str]]:
    """Names of the columns that are channels, and of the others; arguments as for `_is_no_channel`."""
    left_out = [str(name) for name in columns if _is_no_channel(columns[name], codes)]
    return [str(name) for name in columns if name not in left_out], left_out


def _is_no_channel(column: pd.Series, codes: np.ndarray) -> bool:
    """Whether a column holds no numbers, the same in each series, or a clock; ``codes`` number each row's series."""
    numbers, ranks = point_numbers(column), column.groupby(codes).cumcount()
    if numbers.isna().all():
        return True
    if (column.groupby(ranks).nunique() == 1).all() and column.nunique() > 1:
        return True
    steps = numbers.groupby(codes).diff().dropna()
    return len(steps) > 0 and bool(steps.min() > 0 and steps.max() <= EVEN * steps.min())
