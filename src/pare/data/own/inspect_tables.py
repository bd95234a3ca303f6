"""A first look at a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.config.words import counted, listed
from pare.data.files import train_and_test
from pare.data.formats.dates import date_of_rows, date_options, date_order, first_date
from pare.data.formats.delimited_text import NO_VALUE, TEXT, Dialect, called_by_place, detect_dialect, means_no_value
from pare.data.formats.table_files import present_text, table_suffix
from pare.data.own.columns import FEW_ROWS, are_names_of_rows, numbers_and_words
from pare.data.own.findings import Inspection, Question, are_classes, equal_rows, inspection_of, need_target, open_parts
from pare.data.own.table import load_parts
from pare.data.own.table_columns import followers, look_like_points, stand_ins
from pare.storage.samples import Samples

LEAST_UNITS, ROWS_OF_A_UNIT = 5, 3  # a column that may say which rows belong together: units, mean rows of one
DETECTED = {
    "delimiter": "what separates the values of a line",
    "encoding": "encoding of the file, and of new rows",
    "decimal": "1,5 is one and a half",
    "missing": "missing values in every column, next to ?, NaN and nothing",
    "dates": "dates become days since that one; --ignore NAME leaves such a column out",
    "calendar": "more columns of each date; weekday is one to add",
    "date_order": "in dates such as 03/12/2024",
}


def inspect_table(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a table.

    Args:
        folder: has links to the files.
        paths: the one file, or those of the training and the test rows.
        question: what is to be predicted.

    Raises:
        PareError: if it is not readable, or no column or an unknown one is to be predicted.
    """
    path, files, dialect = paths[0], files_of(paths), dialect_of(paths[0], question)
    _, frame, said = load_parts(folder, files.get("file"), files.get("test_file"), dialect, question.ignore)
    need_target(question, frame, path.name)
    free = frame.drop(columns=[*_used(question)], errors="ignore")  # the reader refuses unknown columns
    nameless, of_nameless = nameless_columns(free, frame if said is None else frame[said == "train"])
    useless, of_useless = _useless_columns(free.drop(columns=nameless))
    frame, missing = _with_numbers(frame.drop(columns=[*nameless, *useless]), question)
    free = frame.drop(columns=[*_used(question)], errors="ignore")
    texts = [free[name] for name in free if is_text(free[name])]
    order = date_order(texts, path.name, question.date_order)
    dated = date_options(texts, order)
    row_names = [str(name) for name in free if name not in dated.get("dates", {}) and are_names_of_rows(free[name])]
    options = files | column_options(question, [*nameless, *useless, *row_names]) | dated
    options |= {"date_order": order} if order else {}
    options |= written(dialect)
    notes = detected(options)
    if question.ordered and (name := date_of_rows(texts, order, falling=True)):
        raise PareError(
            f"{path.name}: the newest {name} comes first, but --ordered tests on the last rows: reverse them"
        )
    if name := date_of_rows(texts, order):
        hint = (
            f"days of test rows are new to a model: see what --ignore {name} gives"
            if question.ordered
            else (f"rows are in the order of {name}: --ordered tests on the last ones")
        )
        notes["dates"] += f"; {hint}"
    if row_names:
        notes["ignore"] = (
            f"nearly all texts differ in {', '.join(row_names)}; --categorical NAME makes categories of them"
        )
    missing |= {name: _words_of(frame[name]) for name in dated.get("dates", {})}
    no_category = {*missing, *row_names, *question.target, *question.ignore, question.groups}  # classes have a note
    words = {str(name): _words_of(frame[name]) for name in frame if name not in no_category and is_text(frame[name])}
    remarks = [*of_nameless, *of_useless, *_remarks_on_words(missing, words), *_remarks(free, frame, question)]
    return inspection_of_targets("table", options, question, folder, rows=len(frame), notes=notes, remarks=remarks)


def nameless_columns(free: pd.DataFrame, rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The first column where it has no name and numbers or names rows, and remarks on columns without a name.

    Args:
        free: columns whose use is open.
        rows: rows of one table.
    """
    names, first = [name for name in called_by_place(rows) if name in free], rows.iloc[:, 0]
    tells_rows = (
        first.dtype.kind in "iuO" and first.nunique() == len(first) and not (is_text(first) and first_date(first))
    )
    left_out = names[:1] if tells_rows and names[:1] == [first.name] else []
    remarks = []
    if left_out:
        remarks.append("the first column has no name and another value in each row, as row numbers do: left out")
    if others := names[len(left_out) :]:
        remarks.append(f"without a name in the file, called by their place: {listed(others)}")
    return left_out, remarks


def _with_numbers(frame: pd.DataFrame, question: Question) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """The table with numbers where words for a missing value are between numbers only, and these words by column."""
    numbers: dict[str, pd.Series] = {}
    found: dict[str, pd.Series] = {}
    for name in map(str, frame):
        if name not in (*question.ignore, question.groups) and is_text(frame[name]):
            text, words = numbers_and_words(present_text(frame[name]))
            if len(words):
                numbers[name], found[name] = pd.to_numeric(text).reindex(frame.index), words
    return frame.assign(**numbers), found


def _words_of(column: pd.Series) -> pd.Series:
    text = present_text(column)
    return text[means_no_value(text)]


def _remarks_on_words(missing: Mapping[str, pd.Series], categories: Mapping[str, pd.Series]) -> Iterator[str]:
    """What words for a missing value are taken for, by the column that has them."""
    for word, where in _by_word(missing):
        yield f"{word!r} is read as missing in {where}"
    for word, where in _by_word(categories):
        yield f"{word!r} is a category in {where}; --missing {quote(word)} makes it missing"


def _by_word(words: Mapping[str, pd.Series]) -> Iterator[tuple[str, str]]:
    """Each word, and which columns have it in how many rows."""
    found: dict[str, list[str]] = {}
    for name, texts in words.items():
        for word, rows in texts.value_counts().items():
            found.setdefault(str(word), []).append(f"{name} ({counted(rows, 'row')})")
    return ((word, listed(names)) for word, names in found.items())


def _useless_columns(free: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Columns without a value or with the same one in every row, and a remark on them."""
    empty, constant = [], []
    for name in map(str, free):
        known = present_text(free[name]) if is_text(free[name]) else free[name].dropna()
        levels = known.nunique()
        if levels == 0:
            empty.append(name)
        elif levels == 1 and (is_text(free[name]) or len(known) == len(free)):  # else a missing value may say something
            constant.append(name)
    said = {"without a value": empty, "the same in every row": constant}
    parts = [f"{counted(len(names), 'column')} {what} ({listed(names)})" for what, names in said.items() if names]
    return [*empty, *constant], [f"left out: {', '.join(parts)}"] if parts else []


def _remarks(free: pd.DataFrame, frame: pd.DataFrame, question: Question) -> Iterator[str]:
    """What columns may be but features; the user knows."""
    if name := next((str(name) for name in free if _numbers_rows(free[name])), None):
        yield f"{name} rises by one from row to row; if it is a number of the row, say --ignore {name}"
    if not {*question.target} <= {*frame}:
        return  # the reader refuses it
    target = ", ".join(question.target)
    answer = frame.groupby([*question.target], dropna=False, observed=True).ngroup()
    if name := next((str(name) for name in free if _says_all(free[name], answer)), None):
        yield f"{name} says the same as {target} in other words; if new rows do not have it, say --ignore {name}"
    elif names := followers(free, frame[[*question.target]]):
        ignored = " ".join(f"--ignore {name}" for name in names)
        yield f"{', '.join(names)} orders the rows as {target} does; if new rows do not have it, say {ignored}"
    elif not question.groups and (unit := _unit(free, answer)):
        yield (
            f"all rows of one {unit} have the same {target}; where such rows belong together, say --groups {unit}, or "
            f"--series {unit} where each is a point of a series"
        )
    yield from stand_ins(free)
    if points := look_like_points(free):
        yield f"{points[0]} to {points[-1]} look like the points of a series; if they are, say --wide"


def _numbers_rows(column: pd.Series) -> bool:
    """Whether whole numbers rise by one from row to row."""
    return column.dtype.kind in "iu" and len(column) > FEW_ROWS and bool((column.diff().iloc[1:] == 1).all())


def _says_all(column: pd.Series, answer: pd.Series) -> bool:
    """Whether each value goes with one of several repeated answers, and each answer with one value."""
    if not 1 < answer.nunique() <= len(answer) / ROWS_OF_A_UNIT:
        return False
    values = column.groupby(column, dropna=False, observed=True).ngroup()
    return values.nunique() == answer.nunique() == len(pd.unique(values * answer.nunique() + answer))


def _unit(free: pd.DataFrame, answer: pd.Series) -> str | None:
    """A column such as the number of a patient: far more values than answers, several rows of each, and one answer."""
    least = max(LEAST_UNITS, 2 * answer.nunique() + 1)
    most = len(free) / ROWS_OF_A_UNIT
    repeated = (name for name in free if free[name].dtype.kind != "f" and least <= free[name].nunique() <= most)
    return next((str(name) for name in repeated if answer.groupby(free[name]).nunique().max() == 1), None)


def files_of(paths: Sequence[Path]) -> dict[str, str]:
    """Options of a reader that name the tables of the training and the test rows; none where there is one table."""
    return dict(zip(("file", "test_file"), (path.name for path in train_and_test(paths).values()), strict=False))


def column_options(question: Question, left_out: Sequence[str]) -> dict[str, Any]:
    """Options of a reader of tables for what the question says of columns.

    Args:
        question: with a target.
        left_out: columns to ignore, next to those that it names.
    """
    said = {
        "target": question.target[0] if len(question.target) == 1 else list(question.target),
        "group": question.groups,
        "ignore": [*question.ignore, *left_out],
        "categorical": list(question.categorical),
    }
    return {name: value for name, value in said.items() if value}


def inspection_of_targets(
    reader: str,
    options: dict[str, Any],
    question: Question,
    folder: Path,
    *,
    rows: int,
    notes: Mapping[str, str],
    remarks: Iterable[str] = (),
) -> Inspection:
    """What was found in a file whose columns are inputs and targets.

    Args:
        reader: name of a reader of tables.
        options: options of the reader; a target of few whole numbers becomes one, ``categorical``.
        question: with a target.
        folder: has links to the file.
        rows: or series, with and without an answer.
        notes: on the options.
        remarks: on the data.
    """
    parts, kind, classes, more = _target_facts(reader, options, question, folder)
    return inspection_of(
        reader,
        options,
        parts,
        classes,
        kind=kind,
        output_name=", ".join(question.target),
        notes={**notes, **more},
        remarks=tuple(remarks),
        unlabelled=rows - sum(samples.count for samples in parts.values()),
        equal=equal_rows(parts),
    )


def _target_facts(
    reader: str, options: dict[str, Any], question: Question, folder: Path
) -> tuple[dict[str, Samples], str, dict[str, int] | None, dict[str, str]]:
    """What a reader of tables gives with these options, and what is predicted.

    A target of few whole numbers becomes an option ``categorical``.

    Returns:
        The parts, the kind of the output, names of classes with the rows of each where it has any, and notes.
    """
    parts, notes = open_parts(reader, options, folder), {}
    first = next(iter(parts))
    _, y = parts[first].read(0, parts[first].count)
    if y.ndim == 2 and y.shape[1] == 1 and are_classes(y[:, 0]):
        options["categorical"] = [*question.categorical, *question.target]
        notes["categorical"] = "numbers that name classes; without this line they are predicted as numbers"
        parts = open_parts(reader, options, folder)
    names = parts[first].classes
    if names is not None:
        if word := next((name for name in names if name.lower() in NO_VALUE), None):
            notes["target"] = (
                f"{word!r} is one of the classes; if it says that there is no answer: --missing {quote(word)}"
            )
        counts = np.bincount(parts[first].read(0, parts[first].count)[1], minlength=len(names)).tolist()
        return parts, "classification", dict(zip(names, counts, strict=True)), notes
    return parts, "multilabel" if y.shape[1] > 1 and np.isin(y, (0, 1)).all() else "regression", None, notes


def dialect_of(path: Path, question: Question, *, names_needed: bool = True) -> Dialect:
    """How a table is written, as far as it is text; without names its first line may be numbers only."""
    if table_suffix(path) not in TEXT:
        return Dialect(missing=question.missing)
    return detect_dialect(path, question.encoding, missing=question.missing, names_needed=names_needed)


def detected(options: Mapping[str, Any]) -> dict[str, str]:
    """Notes on what was found out of how a table is written."""
    return {key: note for key, note in DETECTED.items() if key in options}


def written(dialect: Dialect) -> dict[str, Any]:
    """Options of a reader that say how a table is written, where that is not the usual way."""
    found = {key: value for key, value in asdict(dialect).items() if value != getattr(Dialect, key)}
    return found | ({"missing": list(dialect.missing)} if dialect.missing else {})


def _used(question: Question) -> Iterator[str]:
    """Columns of which the question says what they are."""
    yield from (*question.target, *question.ignore, *question.categorical)
    if question.groups:
        yield question.groups


def is_text(column: pd.Series) -> bool:
    """Whether a column may hold dates; numbers such as years and declared categories are none."""
    return not isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.kind not in "biuf"
