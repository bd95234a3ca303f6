"""Options that tables of a user share: the use of their columns, and test rows in a table of their own."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.config.strict import Strict
from pare.data.files import FileName
from pare.data.formats.delimited_text import Dialect
from pare.data.formats.table_files import check_columns, clean_frame, find_table, load_frame, load_table, present_text
from pare.data.own.columns import Labels, named_codes, targets_of
from pare.data.own.file_checks import PARTS
from pare.storage.samples import Samples

logger = logging.getLogger(__name__)


class Columns(Strict):
    """Options of a table: the use of its columns.

    Attributes:
        target: the column to predict, or several.
        ignore: columns to leave out.
        categorical: columns whose numbers are names of categories, such as the target of a CSV with classes 0 and 1.
        group: column whose equal values mark rows that belong together, such as a patient.
        file: name of the table; by default the only one of the folder, see `load_frame` for its formats.
    """

    target: str | list[str] | None = None
    ignore: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    group: str | None = None
    file: FileName | None = None

    @property
    def targets(self) -> list[str]:
        """The columns to predict."""
        return [self.target] if isinstance(self.target, str) else self.target or []

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns whose texts stay as they are, see `Numbers`."""
        return (*self.ignore, *self.categorical)

    def uses(self, *others: str | None) -> list[str]:
        """Columns that are no inputs, and others that are named."""
        return [*self.targets, *self.ignore, *(name for name in (self.group, *others) if name is not None)]

    def check_uses(self, frame: pd.DataFrame, path: Path, uses: Sequence[str], *others: str) -> None:
        """Refuse columns that are unknown or have two uses.

        Args:
            frame: the table.
            path: its path, for messages.
            uses: columns with a use of their own each.
            others: columns with another use.

        Raises:
            PareError: naming the column; or if none is to be predicted.
        """
        if not self.targets:
            raise PareError(
                f"{path}: no target is named; set the reader's option 'target' to one of: {', '.join(map(str, frame))}"
            )
        for name in [*uses, *self.categorical, *others]:
            if name not in frame:
                raise unknown_name("column", name, frame.columns, str(path))
        twice = sorted({name for name in uses if uses.count(name) > 1})
        if twice:
            raise PareError(
                f"{path}: {', '.join(map(repr, twice))} has several uses in the reader's options, such as target, "
                "ignore and group; name each column once"
            )

    def labels(self, frame: pd.DataFrame, path: Path) -> Labels:
        """What is to be predicted of each row; PareError where nothing can be learnt of it."""
        return targets_of(frame, self.targets, path, self.categorical)

    def groups(self, frame: pd.DataFrame, path: Path, rows: np.ndarray) -> np.ndarray | None:
        """Numbers of the groups of some rows; None without groups; PareError where a row of the table has none."""
        return None if self.group is None else named_codes(frame[self.group], str(path))[0][rows]

    def ignored(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns of new rows that are left out; whole numbers stay whole where some are missing."""
        return frame.filter(self.ignore).convert_dtypes().astype(object)


class RowTable(Columns, Dialect):
    """Options of a table with a sample in each row.

    Attributes:
        test_file: name of a table of the same columns with the test rows.
    """

    test_file: FileName | None = None

    def load(self, folder: Path) -> tuple[Path, pd.DataFrame, pd.Series | None]:
        """Load the table, and the one of its test rows where they are apart.

        Returns:
            The path of the table, for messages, its rows, and None. Where test rows are apart, the path names both
            tables, test rows follow the others and are counted on, and the last is ``train`` or ``test`` of each row.

        Raises:
            PareError: if a table is missing or damaged, or the one of test rows lacks a column.
        """
        path = find_table(folder, self.file)
        frame = load_frame(path, self)
        if self.test_file is None:
            return path, frame, None
        test_path = find_table(folder, self.test_file)
        test = load_frame(test_path, self)
        enough = {*test, *self.ignore}
        missing = [name for name in frame if name not in enough]
        if missing:
            raise PareError(
                f"{test_path.name} has no column {', '.join(map(repr, missing))}, {path.name} has. Test rows need all, "
                f"that to predict too; where the answer is unknown, predict it later: predict={test_path.name}"
            )
        said = pd.Series(np.repeat(["train", "test"], [len(frame), len(test)]), name="part")
        both = path.with_name(f"{path.name} and {test_path.name}")
        return both, pd.concat([frame, test.reindex(columns=frame.columns)], ignore_index=True), said

    def samples(
        self, x: np.ndarray, frame: pd.DataFrame, path: Path, said: pd.Series | None, where: str, **names: object
    ) -> dict[str, Samples]:
        """The labelled rows by part.

        Args:
            x: inputs of all rows, ``(rows, …)``.
            frame: the table.
            path: its path, for messages.
            said: the part of each row; None: rows are not divided.
            where: what messages call ``said``.
            names: what else `Samples` knows of inputs.
        """
        labels = self.labels(frame, path)
        parts = {"all": labels.known} if said is None else part_rows(said, labels, where)
        return {
            part: Samples.of_arrays(
                x[rows], labels.values[rows], classes=labels.classes, groups=self.groups(frame, path, rows), **names
            )
            for part, rows in parts.items()
        }


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


def given_frame(rows: Path | pd.DataFrame, dialect: Dialect, needed: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """A table of new rows, numbered from 0, and what messages call it.

    Args:
        rows: a file, or a table in memory.
        dialect: how it is written.
        needed: columns that it must have.

    Raises:
        PareError: if the file is damaged, or a column is missing.
    """
    if isinstance(rows, Path):
        loaded, where = load_table(rows, dialect), str(rows)
        frame = loaded.frame
        for finding in loaded.findings:
            logger.warning("%s: %s", rows.name, finding)
    else:
        where = "the table"
        frame = clean_frame(rows.reset_index(drop=True), where, dialect).frame
    check_columns(frame, needed, where)
    return frame, where
