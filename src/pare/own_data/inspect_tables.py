"""A first look at a table."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pare.config.errors import PareError
from pare.own_data.findings import Inspection, Question, are_classes, inspection_of, open_parts
from pare.raw.formats.delimited_text import COMMA, TAB, Dialect, detect_dialect
from pare.raw.formats.table_files import load_frame, table_suffix

DETECTED = {
    "delimiter": "what separates the values of a line",
    "encoding": "of the file, and of new rows",
    "decimal": "1,5 is one and a half",
}


def inspect_table(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a table.

    Args:
        folder: has links to the files.
        paths: the one file.
        question: what is to be predicted.

    Raises:
        PareError: if it is not readable, or no column or an unknown one is to be predicted.
    """
    (path,) = paths
    dialect = detect_dialect(path, question.encoding) if table_suffix(path) in (*COMMA, *TAB) else Dialect()
    if not question.target:
        columns = ", ".join(map(str, load_frame(path, dialect).columns))
        raise PareError(f"name the column to predict: --target COLUMN. Columns of {path.name}: {columns}")
    options: dict[str, Any] = {"target": question.target[0] if len(question.target) == 1 else list(question.target)}
    options |= {"group": question.groups} if question.groups else {}
    options |= {"ignore": list(question.ignore)} if question.ignore else {}
    written = {key: value for key, value in asdict(dialect).items() if value != getattr(Dialect, key)}
    options |= written
    notes = {key: DETECTED[key] for key in written}
    parts = open_parts("table", options, folder)
    samples = parts["all"]
    _, y = samples.read(0, samples.count)
    if y.ndim == 2 and y.shape[1] == 1 and are_classes(y[:, 0]):
        options["categorical"] = list(question.target)
        notes["categorical"] = "numbers that name classes; without this line they are predicted as numbers"
        parts = open_parts("table", options, folder)
    names, kind, classes = parts["all"].classes, "regression", None
    if names is not None:
        codes = parts["all"].read(0, samples.count)[1]
        kind, classes = "classification", dict(zip(names, np.bincount(codes).tolist(), strict=True))
    elif y.shape[1] > 1 and np.isin(y, (0, 1)).all():
        kind = "multilabel"
    return inspection_of(
        "table",
        options,
        parts,
        classes,
        kind=kind,
        output_name=", ".join(question.target),
        notes=notes,
    )
