"""What a file format of a user's own data is: one class that looks into files, reads them, and reads new rows.

A format is a class in a file of its own and an entry of `pare.data.registries.FORMATS`. Its fields are its options,
flat in the YAML of a task; those that several formats share are classes that they inherit: `Dialect`, `Columns`,
`Dates` and `Lengths`.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from pare.config.strict import Strict
from pare.data.own.findings import Inspection, Question
from pare.storage.samples import Samples


class Known(Protocol):
    """What is known of the columns of the rows with an answer, see `pare.storage.samples.Samples`."""

    @property
    def columns(self) -> list[str] | None:
        """Their names."""

    @property
    def categories(self) -> list[list[str] | None] | None:
        """Names of their categories in the order of the codes; None for a column of numbers."""

    @property
    def points(self) -> list[str] | None:
        """Names of the points of a series that are columns of a table."""


@dataclass(frozen=True)
class NewRows:
    """Inputs to predict from.

    Attributes:
        names: names of the rows: file names of images, else numbers from 1.
        read: ``read(start, stop)`` returns rows start to stop - 1, ``(rows, …)`` float32, as the format's `read` would.
        ignored: columns that the task leaves out, such as identifiers, as far as the table has them; None elsewhere.
    """

    names: Sequence[str | int]
    read: Callable[[int, int], np.ndarray]
    ignored: pd.DataFrame | None = None


def held_rows(x: np.ndarray, ignored: pd.DataFrame | None = None) -> NewRows:
    """Rows that are in memory, as the format would give them, ``(rows, …)`` float32."""
    return NewRows(range(1, len(x) + 1), lambda start, stop: x[start:stop], ignored)


class Format(Strict):
    """A file format; an instance has the options of a task.

    Attributes:
        name: its key in `pare.data.registries.FORMATS`, the ``reader.name`` of a task.
        files: the files that it reads, in words.
    """

    name: ClassVar[str]
    files: ClassVar[str]

    @classmethod
    @abstractmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:
        """How well files suit the format, by their names mostly: from 0, not at all, to 1."""

    @classmethod
    @abstractmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:
        """Look into files that suit the format.

        Args:
            paths: the files, or one folder, all in one folder.
            question: what is to be predicted.

        Raises:
            PareError: if a file cannot be read, or it is not clear what to predict from what.
        """

    @abstractmethod
    def read(self, folder: Path) -> dict[str, Samples]:
        """The samples of a folder by part: ``all``, or ``train`` and ``test`` and perhaps ``validation``.

        Raises:
            PareError: if a file is missing or damaged, or does not suit the options; for what is read only when it is
                needed, on reading.
        """

    def needed(self, known: Known) -> list[str]:
        """The columns that a table of new rows must have; none where new rows are no table."""
        return []

    @abstractmethod
    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:
        """Samples without an answer, as `read` gives those with one.

        Args:
            rows: a file or a folder, a table, or an array.
            known: what is known of the rows with an answer; a category gets the code it has there.

        Raises:
            PareError: if a file is missing or damaged, or a column or an array is missing or holds something else.
        """
