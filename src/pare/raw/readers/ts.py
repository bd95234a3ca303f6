"""Series of the UCR and UEA archives, in their published parts."""

from pathlib import Path

import numpy as np
from pydantic import PositiveInt

from pare.config.errors import INGEST, PareError
from pare.raw.formats.ts_files import LabelledSeries, read_ts
from pare.raw.readers.checks import one_file
from pare.raw.readers.lengths import Length, Lengths
from pare.storage.samples import Samples


def ts(
    folder: Path, points: PositiveInt, lengths: Lengths = "padded", fill: tuple[float, ...] | None = None
) -> dict[str, Samples]:
    """Series in two ``.ts`` files, see `read_ts`.

    Args:
        folder: holds one ``*_TRAIN.ts`` and one ``*_TEST.ts``.
        points: to which series are brought.
        lengths: how, see `Length`.
        fill: what follows shorter series, a value for each channel.

    Returns:
        ``train`` and ``test``: series ``(rows, channels, points)`` float32, and class codes ``(rows,)`` int64 in the
        order of the training file's header.

    Raises:
        PareError: if a file is missing or damaged, or both do not have the same channels and classes.
    """
    paths = {part: one_file(folder, f"*_{part.upper()}.ts") for part in ("train", "test")}
    files = {part: read_ts(path) for part, path in paths.items()}
    _check_alike(files["train"], files["test"], paths["test"])
    length, classes = Length(points, lengths, fill), files["train"].classes
    return {part: _samples(file, length, classes) for part, file in files.items()}


def _check_alike(train: LabelledSeries, test: LabelledSeries, path: Path) -> None:
    """Refuse a test part of other channels or classes than the training part has."""
    for name, wanted, found in (
        ("channels", len(train.series[0]), len(test.series[0])),
        ("classes", sorted(train.classes), sorted(test.classes)),
    ):
        if wanted != found:
            raise PareError(
                f"{path}: {name} {found}, those of the training part are {wanted}; remove both files and run {INGEST}"
            )


def _samples(file: LabelledSeries, length: Length, classes: list[str]) -> Samples:
    x = np.stack([length(series) for series in file.series])
    y = np.array([classes.index(label) for label in file.labels])
    return Samples(count=len(y), read=lambda start, stop: (x[start:stop], y[start:stop]), classes=classes)
