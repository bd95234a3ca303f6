"""Tables of programs for statistics: Stata and R."""

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any

import pandas as pd

from pare.config.errors import PareError, import_extra
from pare.config.words import listed
from pare.data.formats.memory import check_memory

BLOCK = 1 << 20  # bytes that are unpacked at once
PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}  # by their first bytes


def load_stata(path: Path, findings: list[str]) -> pd.DataFrame:
    """A ``.dta`` file: labelled values are categories in the order of their codes, all kinds of missing ones missing.

    Where only some values of a column have labels, it holds numbers.

    Args:
        path: the file.
        findings: to which it is appended which labels were left out.
    """
    reader: Any = pd.read_stata(path, iterator=True)
    with reader:
        frame, labels_of_sets = reader.read(), reader.value_labels().values()
    partly = []
    for name, column in frame.items():
        if not isinstance(column.dtype, pd.CategoricalDtype):
            continue
        if not all(isinstance(level, str) for level in column.cat.categories):
            partly.append(name)
            continue
        # pandas drops categories that no row has; it does not tell which set of labels a column has.
        levels = {tuple(label for _, label in sorted(labels.items())) for labels in labels_of_sets}
        declared = [names for names in levels if {*column.cat.categories} <= {*names}]
        if len(declared) == 1:
            frame[name] = column.cat.set_categories(declared[0])
    if partly:
        numbers = pd.read_stata(path, convert_categoricals=False, columns=partly)
        for name in partly:
            labels = frame[name].astype(object)
            labelled = labels.map(lambda value: isinstance(value, str)).astype(bool)
            pairs = dict(zip(numbers[name][labelled], labels[labelled], strict=True))
            if pairs:
                named = listed([f"{number:g} {label!r}" for number, label in sorted(pairs.items())])
                findings.append(
                    f"{name} holds numbers, of which only {named} have a label; if it means missing, say --missing"
                )
        frame = frame.assign(**numbers)
    return frame


def load_r(path: Path) -> pd.DataFrame:
    """The data frame of an ``.rds`` or ``.RData`` file: factors are categories in the order of their levels.

    No code of the file is run: its reader knows vectors, factors and data frames alone.

    Raises:
        PareError: if the file has no data frame or several, or the reader is not installed.
    """
    library = import_extra("pyreadr", f"{path}: a file of R", "pare-transfer[r]")
    _check_unpacked(path)
    frames = {name: value for name, value in library.read_r(str(path)).items() if isinstance(value, pd.DataFrame)}
    if len(frames) != 1:
        held = f"the data frames {listed([str(name) for name in frames])}" if frames else "no data frame"
        raise PareError(f"{path} holds {held}; save one alone in R: saveRDS(frame, 'table.rds')")
    return next(iter(frames.values())).reset_index(drop=True)  # R counts from 1


def _check_unpacked(path: Path) -> None:
    """Refuse a packed file that does not fit into memory; TooLargeError."""
    with path.open("rb") as file:
        begin = file.read(6)
    unpack = next((opened for mark, opened in PACKED.items() if begin.startswith(mark)), None)
    if unpack is None:
        return
    size = 0
    with unpack(path) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            check_memory(size, str(path))
