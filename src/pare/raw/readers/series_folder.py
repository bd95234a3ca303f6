"""Series in folders that are named after their classes, each a table with a row a point."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from pare.raw.file_names import FileName
from pare.raw.formats.delimited_text import PLAIN, TEXT, UTF_8, Dialect, Words
from pare.raw.formats.table_files import load_frame
from pare.raw.readers.class_folders import FileKind, labelled_files
from pare.raw.readers.label_tables import FileLabels
from pare.raw.readers.lengths import Length, Lengths, channel_values
from pare.storage.samples import Samples

SERIES = FileKind("series file", TEXT, PLAIN)


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
        encoding: of text.
        decimal: of numbers.
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
