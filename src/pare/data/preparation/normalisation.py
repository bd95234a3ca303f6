"""Scaling of inputs by statistics of training rows, and the record of what training did to its rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from pare.config.errors import PREPROCESS, PareError
from pare.config.run import PREPARATION
from pare.storage.access import usual_rights
from pare.storage.statistics import unscale_inputs
from pare.storage.store import ArrayStore

STATISTICS = "preparation.safetensors"
SEVERAL = 10  # rows, of which hardly all lie outside of a range by chance


def prepared_inputs(
    x: np.ndarray,
    statistics: Mapping[str, np.ndarray],
    seen: Mapping[int, np.ndarray | list[int]],
    *,
    coordinates: bool,
) -> np.ndarray:
    """Raw inputs as the model takes them: normalised where the statistics are known, perhaps with coordinates.

    Categories that training never saw become missing values.

    Args:
        x: ``(rows, …)``.
        statistics: statistics of a store; ``x_mean`` and ``x_scale`` are used.
        seen: codes of the categories that training rows have, by column.
        coordinates: whether to append a channel per grid axis.

    Returns:
        A new array, ``(rows, …)`` float32.
    """
    if "x_mean" in statistics:
        x = ((x - statistics["x_mean"]) / statistics["x_scale"]).astype(np.float32)
    x = append_coordinates(x) if coordinates else np.array(x)
    for column, codes in seen.items():
        x[~np.isin(x[:, column], codes), column] = np.nan
    return x


def append_coordinates(x: np.ndarray) -> np.ndarray:
    """Append one channel per grid axis that runs from 0 to 1, the last axis first.

    Args:
        x: ``(rows, channels, *grid)``.

    Returns:
        ``(rows, channels + axes, *grid)``, the type of ``x``.
    """
    grid = x.shape[2:]
    axes = np.meshgrid(*[np.linspace(0, 1, n, dtype=x.dtype) for n in grid], indexing="ij")
    coordinates = np.broadcast_to(np.stack(axes[::-1]), (len(x), len(grid), *grid))
    return np.concatenate([x, coordinates], axis=1)


def zero_fields(y: np.ndarray) -> np.ndarray:
    """Which fields ``(rows, channels, *grid)`` are zero wherever they are known, ``(rows,)``; NaN is not known."""
    points = y.reshape(len(y), -1)
    return ((points == 0) | np.isnan(points)).all(axis=1) & ~np.isnan(points).all(axis=1)


@dataclass(frozen=True)
class Preparation:
    """What training did to raw rows, and what the codes of categories and classes mean.

    Attributes:
        columns: names of a table's columns, in their order; None where they have none.
        categories: names of the categories of each column in the order of their codes, None for a column of numbers;
            None where no column has categories.
        classes: names of the classes in the order of their codes; None where they have none, or none are predicted.
        seen: codes of the categories that training rows have, by column; others count as missing.
        coordinates: whether a channel per grid axis is appended.
        points: names of the points of a series that are columns of a table; None elsewhere.
        statistics: ``x_mean``, ``x_scale`` and ``x_bounds``, where inputs are normalised.
    """

    columns: list[str] | None
    categories: list[list[str] | None] | None
    classes: list[str] | None
    seen: Mapping[int, list[int]]
    coordinates: bool
    statistics: Mapping[str, np.ndarray]
    points: list[str] | None = None

    @classmethod
    def of(cls, store: ArrayStore, *, coordinates: bool) -> "Preparation":
        """The preparation of a model input.

        Raises:
            PareError: where an older version of this project wrote it, without names of categories.
        """
        description = store.description
        categorical = [column for column, count in enumerate(description.get("categories", ())) if count]
        if categorical and "levels" not in description:
            raise PareError(f"{store.path} does not name its categories, as older versions wrote it; run {PREPROCESS}")
        x = store.rows("train").array("x") if categorical else np.empty((0, 0))
        known = {column: x[~np.isnan(x[:, column]), column] for column in categorical}
        return cls(
            columns=description.get("columns"),
            categories=description.get("levels"),
            classes=description.get("classes"),
            seen={column: np.unique(codes).astype(int).tolist() for column, codes in known.items()},
            coordinates=coordinates,
            statistics={name: array for name, array in store.statistics.items() if name.startswith("x_")},
            points=description.get("points"),
        )

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Raw rows as the model takes them, ``(rows, …)`` float32."""
        return prepared_inputs(x, self.statistics, self.seen, coordinates=self.coordinates)

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Raw rows of which `inputs` makes these, but for rounding; a category that training never saw is missing.

        Args:
            x: inputs of the model, ``(rows, …)``.
        """
        x = unscale_inputs(x, self.statistics)
        return x[:, : -(x.ndim - 2)] if self.coordinates else x

    def bounds_of(self, x: np.ndarray) -> np.ndarray:
        """Least and greatest value of each feature or channel of raw rows, ``(2, channels)``; infinite without any."""
        axes = (0, *range(2, x.ndim))
        return np.stack([np.fmin.reduce(x, axes, initial=np.inf), np.fmax.reduce(x, axes, initial=-np.inf)])

    def far_outside(self, bounds: np.ndarray, rows: int) -> list[str]:
        """What to say of each feature or channel that has values far from all that training rows have.

        Far is by more than the whole range of these, or of several rows where no value is in the range.

        Args:
            bounds: least and greatest values of new rows, as `bounds_of` gives them.
            rows: number of these rows.
        """
        if "x_bounds" not in self.statistics:  # inputs are not normalised, or an older version trained the model
            return []
        (least, greatest), (new_least, new_greatest) = self.statistics["x_bounds"], bounds
        span = greatest - least
        far = (new_least < least - span) | (new_greatest > greatest + span)
        if rows >= SEVERAL:
            far |= (new_least > greatest) | (new_greatest < least)  # also where all are missing
        names = self.columns or [f"channel {i + 1}" for i in range(len(least))]
        return [
            f"{names[i]} is "
            + (f"{new_least[i]:.4g} to {new_greatest[i]:.4g}" if new_least[i] <= new_greatest[i] else "missing")
            + f" (training rows: {least[i]:.4g} to {greatest[i]:.4g})"
            for i in np.flatnonzero(far)
        ]

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        saved = ("columns", "categories", "classes", "seen", "coordinates", "points")
        names = {name: getattr(self, name) for name in saved}
        (folder / PREPARATION).write_text(json.dumps(names, indent=1, ensure_ascii=False), encoding="utf-8")
        with usual_rights(folder / STATISTICS):
            save_file(dict(self.statistics), folder / STATISTICS)

    @classmethod
    def load(cls, folder: Path) -> "Preparation":
        """Read what `save` wrote; OSError, ValueError, TypeError or SafetensorError where a file is not whole."""
        names = json.loads((folder / PREPARATION).read_text(encoding="utf-8"))
        seen = {int(column): codes for column, codes in names.pop("seen").items()}
        return cls(**names, seen=seen, statistics=load_file(folder / STATISTICS))
