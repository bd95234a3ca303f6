"""Rows with equal inputs: which they are, how many, and which parts they lie in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pare.storage.samples import Repeats


@dataclass(frozen=True)
class EqualRows:
    """Which rows have equal inputs.

    Attributes:
        numbers: number of each row's inputs, by publisher's part, ``(rows,)`` int64: equal where the inputs are, in
            whichever part.
        classes: class of each row, likewise; empty where no class is predicted.
    """

    numbers: Mapping[str, np.ndarray]
    classes: Mapping[str, np.ndarray]

    @classmethod
    def among(cls, blocks: Iterable[tuple[str, np.ndarray, np.ndarray]]) -> "EqualRows":
        """Compare all rows, of which 8 bytes each are held in memory.

        Args:
            blocks: blocks of rows one after the other: part, inputs ``(rows, …)`` and targets ``(rows, …)``.
        """
        digests: dict[str, list[np.ndarray]] = {}
        classes: dict[str, list[np.ndarray]] = {}
        for part, x, y in blocks:
            digests.setdefault(part, []).append(_digests(x))
            if y.ndim == 1:
                classes.setdefault(part, []).append(y)
        import pandas as pd  # noqa: PLC0415 - not for a run whose model input is there

        ends = np.cumsum([sum(map(len, of_part)) for of_part in digests.values()])
        numbers, _ = pd.factorize(np.concatenate([block for of_part in digests.values() for block in of_part]))
        return cls(
            dict(zip(digests, np.split(numbers, ends[:-1]), strict=True)),
            {part: np.concatenate(of_part) for part, of_part in classes.items()},
        )

    def groups(self, own: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Rows that stay together, by part: those of equal inputs, and those of a group and all that it equals.

        Args:
            own: number of the group of each row, by part; parts may have none.

        Returns:
            Number of what each row belongs to, ``(rows,)`` of each part.
        """
        if not own:
            return dict(self.numbers)
        from scipy.sparse import coo_array  # noqa: PLC0415
        from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

        top = 1 + max(int(groups.max()) for groups in own.values())
        numbers = top + np.concatenate(list(self.numbers.values()))
        groups = np.concatenate([own.get(part, top + mine) for part, mine in self.numbers.items()])
        edges = coo_array((np.ones(len(groups)), (groups, numbers)), shape=(int(numbers.max()) + 1,) * 2)
        joined = connected_components(edges, directed=False)[1][groups]
        return dict(zip(self.numbers, np.split(joined, self._ends()), strict=True))

    def repeats(self, names: Mapping[str, np.ndarray], *, together: bool) -> Repeats:
        """Count them.

        Args:
            names: split of each row, by part.
            together: whether equal rows stay in one part, wherever the project draws parts.
        """
        numbers = np.concatenate(list(self.numbers.values()))
        test = np.concatenate([names[part] == "test" for part in self.numbers])
        return Repeats(
            rows=len(numbers),
            repeats=len(numbers) - len(np.unique(numbers)),
            ambiguous=self._ambiguous(numbers),
            test=int(test.sum()),
            known=int(np.isin(numbers[test], numbers[~test]).sum()),
            together=together,
        )

    def _ambiguous(self, numbers: np.ndarray) -> int:
        if not self.classes:
            return 0
        import pandas as pd  # noqa: PLC0415

        classes = pd.Series(np.concatenate([self.classes[part] for part in self.numbers]))
        return int((classes.groupby(numbers).transform("nunique") > 1).sum())

    def _ends(self) -> np.ndarray:
        """Where parts end, but for the last, in arrays of all their rows."""
        return np.cumsum([len(mine) for mine in self.numbers.values()])[:-1]


def _digests(x: np.ndarray) -> np.ndarray:
    """A number of the inputs of each row, ``(rows,)``; a missing value equals another, and -0 equals 0."""
    x = np.add(x, 0, dtype=np.float32)  # -0 becomes 0, and the caller's rows stay as they are
    x[np.isnan(x)] = np.nan
    return np.array([hash(row.tobytes()) for row in x])


def different_rows(numbers: np.ndarray) -> np.ndarray:
    """Ascending numbers of the rows that are the first with their number, such as that of a group."""
    return np.sort(np.unique(numbers, return_index=True)[1])
