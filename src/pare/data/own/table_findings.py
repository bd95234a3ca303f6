"""What a first look proposes for tables of every kind: how they are written, which columns, what is predicted."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pandas as pd

from pare.config.words import listed
from pare.data.files import train_and_test
from pare.data.formats.delimited_text import TEXT, UTF_8, Dialect, detect_layout
from pare.data.formats.table_files import clean_frame, load_rows, table_suffix, without_words
from pare.data.formats.written_numbers import NO_VALUE, detect_numbers
from pare.data.own.findings import Inspection, Question, are_classes, inspection_of
from pare.data.own.format import Format

DETECTED = {
    "delimiter": "what separates the values of a line",
    "encoding": "encoding of the file, and of new rows",
    "decimal": "1,5 is one and a half",
    "thousands": "what separates groups of three digits",
    "units": "behind the number in each row, of new ones too",
    "limits": "<0.05 is read as 0.05",
    "missing": "missing values in every column, next to ?, NaN and nothing",
    "dates": "dates become days since that one; --ignore NAME leaves such a column out",
    "calendar": "more columns of each date; weekday is one to add",
    "date_order": "in dates such as 03/12/2024",
}


def files_of(paths: Sequence[Path]) -> dict[str, Any]:
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


def written(
    paths: Sequence[Path], question: Question, *, names_needed: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """Options that say how tables are written, where that is not the usual way, and what that changes.

    Args:
        paths: the table, or those of training and of test rows, which are written alike.
        question: encoding, missing values, mark of thousands, and columns whose texts stay as they are.
        names_needed: whether the first line of text has names, even if it has nothing but numbers.

    Returns:
        The options, and what was done to the tables, a sentence each.
    """
    dialect, as_text = Dialect(missing=question.missing, encoding=question.encoding or UTF_8), {}
    if table_suffix(paths[0]) in TEXT:
        dialect = detect_layout(paths[0], question.encoding, missing=question.missing, names_needed=names_needed)
        as_text = {"dtype": str}
    tables = [load_rows(path, dialect, **as_text) for path in paths]
    rows = without_words(pd.concat([table.frame for table in tables], ignore_index=True), question.missing)
    rows = rows.drop(columns=[*question.ignore, *question.categorical], errors="ignore")
    numbers, remarks = detect_numbers(rows, paths[0].name, question.thousands)
    dialect = dialect.model_copy(update=numbers.model_dump())
    if as_text and dialect.thousands is None:
        rows = rows.filter([*dialect.units, *dialect.limits])
    findings = [*(said for table in tables for said in table.findings), *remarks]
    findings += clean_frame(rows, paths[0].name, dialect).findings
    findings += dialect.unit_findings()
    if limits := [name for name in question.target if name in dialect.limits]:
        findings.append(f"{listed(limits)} is predicted, and its limits count as answers")
    return dialect.model_dump(mode="json", exclude_defaults=True), findings


def detected(options: Mapping[str, Any]) -> dict[str, str]:
    """Notes on what was found out of how a table is written."""
    return {key: note for key, note in DETECTED.items() if key in options}


def inspection_of_table(
    form: type[Format],
    options: dict[str, Any],
    question: Question,
    paths: Sequence[Path],
    *,
    rows: int,
    notes: Mapping[str, str],
    remarks: Iterable[str] = (),
) -> Inspection:
    """What was found in a file whose columns are inputs and targets.

    Args:
        form: a format of tables.
        options: its options; a target of few whole numbers becomes one, ``categorical``.
        question: with a target.
        paths: the file, or those of training and of test rows.
        rows: or series, with and without an answer.
        notes: on the options.
        remarks: on the data.
    """
    parts, notes = form(**options).read(paths[0].parent), dict(notes)
    first = next(iter(parts))
    _, y = parts[first].read(0, parts[first].count)
    if y.ndim == 2 and y.shape[1] == 1 and are_classes(y[:, 0]):
        options["categorical"] = [*question.categorical, *question.target]
        notes["categorical"] = "numbers that name classes; without this line they are predicted as numbers"
        parts = form(**options).read(paths[0].parent)
    kind, classes = "multilabel" if y.shape[1:] > (1,) and np.isin(y, (0, 1)).all() else "regression", None
    if (names := parts[first].classes) is not None:
        if word := next((name for name in names if name.lower() in NO_VALUE), None):
            notes["target"] = (
                f"{word!r} is one of the classes; if it says that there is no answer: --missing {quote(word)}"
            )
        counts = np.bincount(parts[first].read(0, parts[first].count)[1], minlength=len(names)).tolist()
        kind, classes = "classification", dict(zip(names, counts, strict=True))
    return inspection_of(
        form.name,
        options,
        parts,
        classes,
        kind=kind,
        output_name=", ".join(question.target),
        notes=notes,
        remarks=tuple(remarks),
        unlabelled=rows - sum(samples.count for samples in parts.values()),
    )
