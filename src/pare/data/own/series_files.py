"""Series in files: the ``.ts`` files of the UCR, UEA and TSER archives, and folders with a table for each series."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from pare.config.errors import INGEST, PareError
from pare.data.files import FileName
from pare.data.formats.delimited_text import PLAIN, TEXT, UTF_8, Dialect, Words
from pare.data.formats.table_files import load_frame
from pare.data.formats.ts_files import ArchiveSeries, read_ts
from pare.data.own.class_folders import FileKind, FileLabels, labelled_files
from pare.data.own.file_checks import one_file
from pare.data.own.lengths import Length, Lengths, channel_values
from pare.storage.samples import Samples

TS = ".ts"
PARTS: tuple[Literal["train", "test"], ...] = ("train", "test")
SERIES = FileKind("series file", TEXT, PLAIN)


def ts(
    folder: Path, points: PositiveInt, lengths: Lengths = "padded", fill: tuple[float, ...] | None = None
) -> dict[str, Samples]:
    """Series in ``.ts`` files, see `read_ts`.

    Args:
        folder: holds one ``*_TRAIN.ts`` and one ``*_TEST.ts``, or one file for all.
        points: to which series are brought.
        lengths: how, see `Length`.
        fill: what follows shorter series, a value for each channel.

    Returns:
        ``train`` and ``test``, or ``all``: series ``(rows, channels, points)`` float32, and class codes ``(rows,)``
        int64 in the order of the training file's header, or numbers ``(rows, 1)`` float32.

    Raises:
        PareError: if a file is missing or damaged, has no answers, or both do not have the same channels and classes.
    """
    files = ts_parts(folder)
    length, (first, *_) = Length(points, lengths, fill), files.values()
    return {part: _samples(file, length, first.classes) for part, file in files.items()}


def ts_parts(folder: Path) -> dict[str, ArchiveSeries]:
    """What the files of a folder hold, by part; PareError as of `ts`."""
    found = sorted(folder.glob(f"*{TS}"))
    if len(found) == 1 and part_of(found[0]) is None:
        paths = {"all": found[0]}
    else:
        paths = {part: one_file(folder, f"*_{part.upper()}{TS}") for part in PARTS}
    files = {part: read_ts(path) for part, path in paths.items()}
    for part, file in files.items():
        if not file.answers:
            raise PareError(f"{paths[part]} has neither classes nor numbers: its header says so; name a file that has")
    if "all" not in files:
        _check_alike(files["train"], files["test"], paths["test"])
    return files


def part_of(path: Path) -> str | None:
    """The part that the name of a file ends in, ``train`` or ``test``; None: it ends in neither."""
    return next((part for part in PARTS if path.stem.endswith(f"_{part.upper()}")), None)


def _check_alike(train: ArchiveSeries, test: ArchiveSeries, path: Path) -> None:
    """Refuse a test part of other channels or classes than the training part has."""
    for name, wanted, found in (
        ("channels", len(train.series[0]), len(test.series[0])),
        ("classes", sorted(train.classes), sorted(test.classes)),
    ):
        if wanted != found:
            raise PareError(
                f"{path}: {name} {found}, those of the training part are {wanted}; remove both files and run {INGEST}"
            )


def _samples(file: ArchiveSeries, length: Length, classes: list[str]) -> Samples:
    x = np.stack([length(series) for series in file.series])
    codes = {name: code for code, name in enumerate(classes)}
    y = np.array([codes[name] for name in file.answers]) if classes else np.array(file.answers, np.float32)[:, None]
    return Samples.of_arrays(x, y, classes=classes or None)


def series_folder(
    folder: Path,
    channels: Annotated[tuple[str, ...], Field(min_length=1)],
    points: PositiveInt,
    *,
    lengths: Lengths = "padded",
    fill: tuple[float, ...] | None = None,
    root: FileName | None = None,
    labels: FileLabels | None = None,
    header: bool = True,
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    encoding: str = UTF_8,
    decimal: Literal[".", ","] = ".",
    missing: Words = (),
) -> dict[str, Samples]:
    """Series in folders that are named after their classes, see `labelled_files`; they are read when they are needed.

    Args:
        folder: holds the folder ``root``.
        channels: columns of each file; others, such as the time, are passed over.
        points: to which series are brought.
        lengths: how, see `Length`.
        fill: what follows shorter series, a value for each channel.
        root: name of the folder; by default the only one.
        labels: a table that names the classes of the files; by default their folders do.
        header: whether the first line of each file has the names of the columns; else they are 1, 2, …
        delimiter: see the reader `table`, as for the following.
        encoding: encoding of text.
        decimal: decimal sign of numbers.
        missing: words for a missing value.

    Returns:
        ``all``, or ``train``, ``test`` and perhaps ``validation``: series ``(rows, channels, points)`` float32, and
        class codes ``(rows,)`` int64.

    Raises:
        PareError: as `labelled_files` does; on reading, if a file is damaged, lacks a channel, or has anything but
            numbers there.
    """
    read = series_reader(
        channels, Length(points, lengths, fill), Dialect(delimiter, encoding, decimal, header, missing)
    )
    parts = labelled_files(folder, root, SERIES, labels)
    return {part: files.samples(read, list(channels)) for part, files in parts.items()}


def series_reader(channels: Sequence[str], length: Length, dialect: Dialect) -> Callable[[Sequence[Path]], np.ndarray]:
    """Read these columns of files as series ``(files, channels, points)`` float32."""

    def read(paths: Sequence[Path]) -> np.ndarray:
        found = [channel_values(load_frame(path, dialect), channels, str(path)) for path in paths]
        return np.stack([length(series) for series in found])

    return read
