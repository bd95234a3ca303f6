"""New samples without an answer, from files, tables and arrays, as the format of a task reads those with one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.config.schema import ReaderConfig
from pare.data.formats.array_files import LONE, NPZ
from pare.data.formats.table_files import pandas_frame
from pare.data.origins.own_files import find_path
from pare.data.own.arrays import PREPARED
from pare.data.own.format import Format, Known, NewRows
from pare.data.own.lengths import Lengths
from pare.data.registries import open_format

RawRows = str | Path | pd.DataFrame | np.ndarray | Sequence[np.ndarray]


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
    form = open_format(reader)
    if isinstance(rows, str | Path):
        if not isinstance(form, Format) and Path(rows).suffix not in (NPZ, *LONE):
            raise PareError(
                f"reader {reader.name!r} is for published files; expected rows as an array with the channels first, in "
                f"a file of one array ({', '.join(LONE)}) or as x in an .npz file, found {rows}"
            )
        rows = find_path(str(rows), Path.cwd())
    elif not len(rows):
        raise PareError("there are no rows to predict; bring at least one")
    elif (frame := pandas_frame(rows)) is not None:
        rows = frame
    else:
        rows = _joined(rows, unequal=isinstance(form, Lengths) and bool(form.points))  # type: ignore[arg-type]
    return (form if isinstance(form, Format) else PREPARED).new_rows(rows, known)


def _joined(rows: Sequence[np.ndarray] | np.ndarray, *, unequal: bool) -> np.ndarray:
    """Rows in one array, where shorter ones than others end in NaN; ``unequal``: whether there may be such."""
    if isinstance(rows, np.ndarray):
        return rows
    try:
        arrays = [np.asarray(row) for row in rows]
        shapes = [row.shape for row in arrays]
        if len(set(shapes)) < 2:
            return np.asarray(rows)
        if not unequal or len({len(shape) for shape in shapes}) > 1:
            other = next(shape for shape in shapes if shape != shapes[0])
            wanted = "as many axes in each" if unequal else "rows of one shape"
            raise PareError(f"the rows have shapes {shapes[0]}, {other}, …; expected {wanted}")
        joined = np.full((len(rows), *np.max(shapes, axis=0)), np.nan, np.float32)
        for row, place in zip(arrays, joined, strict=True):
            place[tuple(map(slice, row.shape))] = row
    except (TypeError, ValueError) as error:  # raised by numpy
        raise PareError(
            f"the rows are no numbers, or of no shape ({error}); expected an array of numbers for each row"
        ) from error
    return joined
