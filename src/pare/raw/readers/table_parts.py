"""Training and test rows of tables: a column says which they are, or test rows are in a table of their own."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.raw.formats.delimited_text import Dialect
from pare.raw.formats.table_files import find_table, load_frame, present_text
from pare.raw.readers.checks import PARTS
from pare.raw.readers.columns import Labels


def load_parts(
    folder: Path, file: str | None, test_file: str | None, dialect: Dialect, ignore: Collection[str] = ()
) -> tuple[Path, pd.DataFrame, pd.Series | None]:
    """Load a table, and the one of its test rows where they are apart.

    Args:
        folder: holds the tables.
        file: as for `find_table`.
        test_file: with at least the columns of ``file`` that are not ignored; None: there is none.
        dialect: of both.
        ignore: columns that are left out.

    Returns:
        The path of the table, for messages, its rows, and None. Where test rows are apart, the path names both tables,
        test rows follow the others and are counted on, and the last is ``train`` or ``test`` of each row.

    Raises:
        PareError: if a table is missing or damaged, or the one of test rows lacks a column.
    """
    path = find_table(folder, file)
    frame = load_frame(path, dialect)
    if test_file is None:
        return path, frame, None
    test_path = find_table(folder, test_file)
    test = load_frame(test_path, dialect)
    enough = {*test, *ignore}
    missing = [name for name in frame if name not in enough]
    if missing:
        raise PareError(
            f"{test_path.name} has no column {', '.join(map(repr, missing))}, {path.name} has. Test rows need all, "
            f"that to predict too; where the answer is unknown, predict it later: predict={test_path.name}"
        )
    said = pd.Series(np.repeat(["train", "test"], [len(frame), len(test)]), name="part")
    both = path.with_name(f"{path.name} and {test_path.name}")
    return both, pd.concat([frame, test.reindex(columns=frame.columns)], ignore_index=True), said


def part_rows(said: pd.Series, labels: Labels, where: str) -> dict[str, np.ndarray]:
    """Labelled rows of each part, ``(rows,)`` booleans; every class must have a training row.

    Args:
        said: the part of each row.
        labels: what is to be predicted.
        where: what messages call ``said``.

    Raises:
        PareError: if a row is of another part than `PARTS`, or one of ``train`` and ``test`` or a class has no row.
    """
    names = present_text(said).reindex(range(len(said))).fillna("").to_numpy(dtype=str)
    strange = np.flatnonzero(~np.isin(names, PARTS))
    if len(strange):
        found = str(names[strange[0]])
        raise PareError(f"{where} holds {found!r} in row {strange[0] + 1}; expected one of {', '.join(PARTS)}")
    rows = {part: (names == part) & labels.known for part in PARTS}
    parts = {part: chosen for part, chosen in rows.items() if chosen.any()}
    absent = [part for part in ("train", "test") if part not in parts]
    if absent:
        raise PareError(f"{where} has no labelled row for {' and '.join(absent)}; mark some rows so")
    if labels.classes is not None:
        seen = np.isin(np.arange(len(labels.classes)), labels.values[parts["train"]])
        unseen = [name for name, has in zip(labels.classes, seen, strict=True) if not has]
        if unseen:
            raise PareError(
                f"{where} leaves no train row of class {', '.join(map(repr, unseen))}; move some rows of it to train"
            )
    return parts
