"""Samples of one part of a dataset, read by rows, and how many of them have equal inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pare.config.words import counted


@dataclass(frozen=True)
class Samples:
    """Rows of a dataset that are read only when asked for.

    Attributes:
        count: number of rows.
        read: ``read(start, stop)`` returns inputs and targets of rows start to stop - 1, ``(rows, *x)`` and
            ``(rows, *y)``.
        columns: names of the input features, where the publisher gives them.
        classes: names of the classes, in the order of their codes, where the target is a class.
        categories: names of the categories per input feature, in the order of their codes, None for a number;
            a category is in ``x`` as its code.
        points: names of the points of a series, where they are columns of a table.
        groups: number of the group of each row, ``(rows,)``, such as its recording or clip; a group is never
            divided between training and validation.
        weights: how much each row counts in a fit, ``(rows,)``; None: all count alike.

    A missing value is NaN: in ``x`` a feature that was not observed, in a field ``y`` a masked point.
    """

    count: int
    read: Callable[[int, int], tuple[np.ndarray, np.ndarray]]
    columns: list[str] | None = None
    classes: list[str] | None = None
    categories: list[list[str] | None] | None = None
    points: list[str] | None = None
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None

    @classmethod
    def of_arrays(cls, x: np.ndarray, y: np.ndarray, **named: Any) -> "Samples":
        """Rows that are in memory: inputs ``(rows, *x)``, targets ``(rows, *y)``, and what else is known of them."""
        return cls(count=len(y), read=lambda start, stop: (x[start:stop], y[start:stop]), **named)


@dataclass(frozen=True)
class Repeats:
    """How many rows have equal inputs.

    Attributes:
        rows: all that a task uses.
        repeats: rows whose inputs an earlier row has.
        ambiguous: rows with the inputs of another row of another class.
        test: test rows.
        known: test rows whose inputs a training or validation row has.
        together: whether equal rows stay in one part, wherever the project draws parts.
    """

    rows: int
    repeats: int
    ambiguous: int
    test: int
    known: int
    together: bool

    def __bool__(self) -> bool:
        return self.repeats > 0

    def sentences(self) -> list[str]:
        """What a user should know of them, without a full stop each; none where all inputs differ."""
        said = []
        if self.repeats:
            rule = "; equal rows stay in one part" if self.together and not self.known else ""
            said.append(f"{self.repeats} of {self.rows} rows have the inputs of an earlier row{rule}")
        if self.ambiguous:
            said.append(f"{self.ambiguous} rows have the inputs of a row of another class: no model tells them apart")
        if self.known:
            said.append(f"{self.known} of {counted(self.test, 'test row')} have the inputs of a training row")
        return said
