"""New samples without an answer, from files, tables and arrays, as the reader of a task reads those with one."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.config.schema import ReaderConfig
from pare.data.files import words_and_part
from pare.data.formats.array_files import LONE, NPZ, open_arrays
from pare.data.formats.dates import own_columns, with_days
from pare.data.formats.delimited_text import Dialect, means_no_value, with_own_names
from pare.data.formats.stored_array import StoredArray, at_frame
from pare.data.formats.table_files import check_columns, load_frame, present_text, without_words
from pare.data.formats.ts_files import read_ts
from pare.data.origins.own_files import find_path
from pare.data.own.array_rows import ChannelAxis
from pare.data.own.arrays import check_input, input_rows
from pare.data.own.class_folders import FileKind
from pare.data.own.lengths import Length
from pare.data.own.media_folders import IMAGES, RATE, SOUNDS, image_reader, sound_reader
from pare.data.own.series_files import SERIES, TS, series_reader
from pare.data.own.series_tables import point_columns, series_of_rows, split_series

logger = logging.getLogger(__name__)
TABLE = "table"  # the reader whose columns have names; those of other readers are names of channels
ARRAYS = (NPZ, *LONE)
PREPARED = {"parts": {"all": {"x": "x", "y": "y"}}}  # options for arrays that are as the model takes them
RawRows = str | Path | pd.DataFrame | np.ndarray | Sequence[np.ndarray]


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
        names: names of the rows: file names of images, else numbers from 0.
        read: ``read(start, stop)`` returns rows start to stop - 1, ``(rows, …)`` float32, as the reader would.
        ignored: columns that the task leaves out, such as identifiers, as far as the table has them; None elsewhere.
    """

    names: list[str]
    read: Callable[[int, int], np.ndarray]
    ignored: pd.DataFrame | None = None


def open_new_rows(rows: RawRows, reader: ReaderConfig, known: Known) -> NewRows:
    """Open new rows.

    Args:
        rows: a path, absolute or relative to the current folder, to a table with the features of the task's own, a
            file with the array ``x``, an image or a sound, or a folder of these. Or such a table, or an array of rows,
            with the axes of the file's or, for another reader than ``arrays``, those of the model. Or a list of series
            of different lengths.
        reader: the task's reader.
        known: what is known of the rows with an answer; a category gets the code it has there.

    Raises:
        PareError: if a file is missing or damaged; if a column or the array is missing, or holds something else; for
            a path, if the reader is one of published files.
    """
    if isinstance(rows, str | Path):
        return _file_rows(rows, reader, known)
    if not len(rows):
        raise PareError("there are no rows to predict; bring at least one")
    if isinstance(rows, pd.DataFrame) and reader.name in FRAMES:
        frame = without_words(with_own_names(rows, "the table"), reader.options.get("missing", ()))
        return FRAMES[reader.name](frame, reader.options, known, "the table")
    return _array_rows(_as_array(rows), reader, known)


def held_rows(x: np.ndarray) -> NewRows:
    """Rows that are in memory, as the model's reader would give them, ``(rows, …)`` float32."""
    return NewRows([str(i + 1) for i in range(len(x))], lambda start, stop: x[start:stop])


def _as_array(rows: pd.DataFrame | np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Rows in one array, where shorter ones than others end in NaN."""
    if isinstance(rows, pd.DataFrame | np.ndarray):
        return np.asarray(rows)
    try:
        arrays = [np.asarray(row) for row in rows]
        shapes = [row.shape for row in arrays]
        if len(set(shapes)) < 2:
            return np.asarray(rows)
        if len({len(shape) for shape in shapes}) > 1:
            raise PareError(f"the rows have shapes {shapes[0]}, {shapes[1]}, …; expected as many axes in each")
        joined = np.full((len(rows), *np.max(shapes, axis=0)), np.nan, np.float32)
        for row, place in zip(arrays, joined, strict=True):
            place[tuple(map(slice, row.shape))] = row
    except (TypeError, ValueError) as error:  # raised by numpy
        raise PareError(
            f"the rows are no numbers, or of no shape ({error}); expected an array of numbers for each row"
        ) from error
    return joined


def _array_rows(rows: np.ndarray, reader: ReaderConfig, known: Known) -> NewRows:
    """A table without names, or samples of a grid."""
    if reader.name == TABLE:
        columns = own_columns(known.columns or [], reader.options.get("calendar", {}))
        if rows.ndim != 2 or rows.shape[1] != len(columns):
            raise PareError(
                f"the array has shape {list(rows.shape)}, expected (rows, {len(columns)}): a column for each of "
                f"{', '.join(columns)}"
            )
        frame = without_words(pd.DataFrame(rows, columns=columns), reader.options.get("missing", ()))
        return _dated_rows(frame, reader.options, known, "the array")
    stored = StoredArray("the array", rows.shape, rows.dtype, lambda start, stop: rows[start:stop])
    return _stored_rows(stored, reader.options)


def _file_rows(path: str | Path, reader: ReaderConfig, known: Known) -> NewRows:
    if reader.name in FRAMES:
        found = find_path(str(path), Path.cwd())
        return FRAMES[reader.name](load_frame(found, Dialect.of(reader.options)), reader.options, known, str(found))
    if reader.name in OPENERS:
        return OPENERS[reader.name](find_path(str(path), Path.cwd()), reader.options, known)
    if Path(path).suffix not in ARRAYS:
        raise PareError(
            f"reader {reader.name!r} is for published files; expected rows as an array with the channels first, in a "
            f"file of one array ({', '.join(LONE)}) or as x in an .npz file, found {path}. New rows of other files are "
            f"read for tasks with the readers {', '.join(sorted([*OPENERS, *FRAMES]))}"
        )
    return _open_arrays(find_path(str(path), Path.cwd()), PREPARED, known)


def _dated_rows(frame: pd.DataFrame, options: dict[str, Any], known: Known, where: str) -> NewRows:
    check_columns(frame, own_columns(known.columns or [], options.get("calendar", {})), where)
    return _with_ignored(table_rows(dated(frame, options, where), known, where), frame, options)


def dated(frame: pd.DataFrame, options: dict[str, Any], where: str) -> pd.DataFrame:
    """A table whose dates become days, as the options of the reader `table` say.

    Args:
        frame: with at least the columns of dates.
        options: options of the reader.
        where: what messages call the table.

    Raises:
        PareError: if a value is no date.
    """
    firsts = {name: date.fromisoformat(str(first)) for name, first in options.get("dates", {}).items()}
    calendar, order = options.get("calendar", {}), options.get("date_order")
    return with_days(frame.reset_index(drop=True), firsts, calendar, where, order)


def table_rows(frame: pd.DataFrame, known: Known, where: str) -> NewRows:
    """The rows of a table: numbers, and codes of categories.

    Args:
        frame: with at least the known columns, in any order.
        known: names of columns and categories.
        where: what messages call the table.

    Raises:
        PareError: if a column is missing, or holds something else than numbers.
    """
    columns = known.columns or []
    frame = frame.reset_index(drop=True)
    check_columns(frame, columns, where)
    categories = known.categories or [None] * len(columns)
    values = [_column(frame[name], levels, where) for name, levels in zip(columns, categories, strict=True)]
    return held_rows(np.stack(values, axis=1))


def _column(column: pd.Series, levels: Sequence[str] | None, where: str) -> np.ndarray:
    """Numbers, or codes of categories; an unknown category counts as missing, ``(rows,)`` float32."""
    text = present_text(column)
    if levels is None:
        text = text[~means_no_value(text)]
        values = pd.to_numeric(text, errors="coerce").astype(np.float32)
        wrong = text[~np.isfinite(values)]
        if len(wrong):
            raise PareError(
                f"{where}: column {column.name!r} holds {wrong.iloc[0]!r} in row {wrong.index[0] + 1}; expected a "
                "number"
            )
    else:
        codes = _codes(levels)
        values = text.map(lambda level: codes.get(level, codes.get(_plain(level), np.nan))).astype(np.float32)
        if values.isna().any():
            unknown = ", ".join(map(repr, text[values.isna()].unique()[:5]))
            logger.warning("%s: column %r holds the unknown %s, which counts as missing", where, column.name, unknown)
    return values.reindex(column.index).to_numpy(np.float32)


def _codes(levels: Sequence[str]) -> dict[str | float, int]:
    """The code of each category, as it is written and, where no two are written alike, in its plain form."""
    exact: dict[str | float, int] = {level: code for code, level in enumerate(levels)}
    forms = Counter(map(_plain, levels))
    return {_plain(level): code for level, code in exact.items() if forms[_plain(level)] == 1} | exact


def _plain(level: str | float) -> str | float:
    """The number that a category is written as, so that 1 and 1.0 are one, or its text; true and True are one, too."""
    text = str(level)
    if "_" in text:  # which Python leaves out of a number
        return text
    try:
        return float(text)
    except ValueError:
        return text.lower() if text.lower() in ("true", "false") else text


def _long_rows(frame: pd.DataFrame, options: dict[str, Any], known: Known, where: str) -> NewRows:
    """The series of a table with a point in each row, by their names."""
    frame = frame.reset_index(drop=True)
    found = split_series(frame, known.columns or [], options["series"], options.get("time"), where)
    length = _length(options)
    x = np.stack([length(series) for series in found.values()])
    return NewRows(list(found), lambda start, stop: x[start:stop])


def _wide_rows(frame: pd.DataFrame, options: dict[str, Any], known: Known, where: str) -> NewRows:
    """The series of a table with a series in each row, whose points are columns of the names that they had."""
    frame, columns = frame.reset_index(drop=True), known.points or []
    check_columns(frame, columns, where)
    if not columns:  # a model that was trained before points had names
        targets = [options["target"]] if isinstance(options["target"], str) else options["target"]
        used = [*targets, *options.get("ignore", []), options.get("group")]
        columns = point_columns(frame, options["first"], options["last"], used, where)
    length = _length(options)
    rows = held_rows(np.stack([length(series) for series in series_of_rows(frame, columns, where)]))
    return _with_ignored(rows, frame, options)


def _with_ignored(rows: NewRows, frame: pd.DataFrame, options: dict[str, Any]) -> NewRows:
    """The rows with the columns that the task leaves out; whole numbers stay whole where some are missing."""
    ignored = frame.filter(options.get("ignore", [])).reset_index(drop=True)
    return replace(rows, ignored=ignored.convert_dtypes().astype(object))


def _open_series(path: Path, options: dict[str, Any], known: Known) -> NewRows:
    return _named_files(path, SERIES, series_reader(options["channels"], _length(options), Dialect.of(options)))


def _length(options: dict[str, Any]) -> Length:
    """To which series are brought; the readers of series need it."""
    length = Length.of(options)
    assert length is not None
    return length


def _open_arrays(path: Path, options: dict[str, Any], known: Known) -> NewRows:
    stored, parts = open_arrays(path), options["parts"].values()
    frames = {part["x"]: part.get("x_frame") for part in parts}
    words = {name: words_and_part(name)[0] for name in (*stored, *frames, *(part["y"] for part in parts))}
    wanted = {words[name]: frame for name, frame in frames.items()}
    names = [name for name in frames if name in stored]
    names = names or [name for name in stored if words[name] in wanted]  # x where the task has x_train and x_test
    found = [at_frame(stored[name], wanted[words[name]]) for name in names] or list(stored.values())
    first = next(iter(frames))
    if len(found) != 1 and first not in stored:
        raise unknown_name("array", first, stored, str(path))
    if {words[name] for name in stored} <= {words[part["y"]] for part in parts} - wanted.keys():
        raise PareError(
            f"{path} holds only the answer {', '.join(stored)}; expected the input under its name, {first!r}: add "
            "it to the file, or name the file that holds it"
        )
    return _stored_rows(found[0], options)


def _stored_rows(array: StoredArray, options: dict[str, Any]) -> NewRows:
    """Rows of an array; another reader than ``arrays`` gives the channels first."""
    axis: ChannelAxis = options.get("channel_axis", "first")
    check_input(array, axis)
    names = array.names or map(str, range(1, array.shape[0] + 1))
    return NewRows(list(names), input_rows(array, axis, Length.of(options)))


def _open_groups(path: Path, options: dict[str, Any], known: Known) -> NewRows:
    """Frames of a file with a group for each sample, or arrays that are as the model takes them."""
    if path.suffix in ARRAYS:
        return _open_arrays(path, PREPARED, known)
    arrays = {name.partition("/")[0]: array for name, array in open_arrays(path).items() if name.endswith("/data")}
    names, time = sorted(arrays), options.get("input_time", 0)
    shapes = {arrays[name].shape[1:] for name in names}
    if len(shapes) != 1 or min(arrays[name].shape[0] for name in names) <= time:
        raise PareError(
            f"{path}: expected a group for each sample, each with data of (time, grid, channels) of one grid and "
            f"frame {time}, from which the task predicts; found {len(names)} of the shapes {sorted(shapes)}"
        )
    steps = [slice(None, None, options.get("stride", 1))] * options.get("axes", 1)

    def frame(array: StoredArray) -> np.ndarray:
        channels = np.moveaxis(array.read(time, time + 1)[0], -1, 0)[list(options.get("input_channels", (0,)))]
        return channels[(slice(None), *steps)].astype(np.float32)

    return NewRows(names, lambda start, stop: np.stack([frame(arrays[name]) for name in names[start:stop]]))


def _open_ts(path: Path, options: dict[str, Any], known: Known) -> NewRows:
    """Series of a ``.ts`` file, whose answers are passed over, or arrays that are as the model takes them."""
    if path.suffix != TS:
        return _open_arrays(path, PREPARED | options, known)
    length = _length(options)
    return held_rows(np.stack([length(series) for series in read_ts(path).series]))


def _open_images(path: Path, options: dict[str, Any], known: Known) -> NewRows:
    size = options.get("size")
    read = image_reader((size, size) if isinstance(size, int) else size, colour=options.get("colour", True))
    return _named_files(path, IMAGES, read)


def _open_sounds(path: Path, options: dict[str, Any], known: Known) -> NewRows:
    return _named_files(path, SOUNDS, sound_reader(options["seconds"], options.get("rate", RATE)))


def _named_files(path: Path, kind: FileKind, read: Callable[[Sequence[Path]], np.ndarray]) -> NewRows:
    """A file, or all files of a folder."""
    paths = kind.files_in(path) if path.is_dir() else [path]
    return NewRows([p.name for p in paths], lambda start, stop: read(paths[start:stop]))


OPENERS: dict[str, Callable[[Path, dict[str, Any], Known], NewRows]] = {
    "arrays": _open_arrays,
    "audio_folder": _open_sounds,
    "image_folder": _open_images,
    "pdebench_grouped": _open_groups,
    "series_folder": _open_series,
    "ts": _open_ts,
}
FRAMES: dict[str, Callable[[pd.DataFrame, dict[str, Any], Known, str], NewRows]] = {
    "series_rows": _wide_rows,
    "series_table": _long_rows,
    TABLE: _dated_rows,
}
