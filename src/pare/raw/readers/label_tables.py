"""Tables that name the class of each file of a folder, such as ``file,label``."""

from pathlib import Path, PurePosixPath

import pandas as pd
from pydantic import BaseModel, ConfigDict

from pare.config.errors import PareError, unknown_name
from pare.raw.file_names import FileName
from pare.raw.formats.delimited_text import TEXT, Dialect, detect_dialect, load_text
from pare.raw.formats.table_files import load_frame, present_text, table_suffix


class FileLabels(BaseModel):
    """A table next to the folder, its column with the paths of the files in there, and that with their classes."""

    model_config = ConfigDict(extra="forbid")

    table: FileName
    file: str
    target: str


def label_frame(path: Path) -> pd.DataFrame:
    """Such a table, in whatever way it is written, without a guess at types; PareError where it is damaged."""
    if table_suffix(path) not in TEXT:
        return load_frame(path, Dialect())
    dialect = detect_dialect(path, None)
    load_frame(path, dialect)  # says what is damaged
    return load_text(path, dialect, dtype=str)  # 0007 is a name


def files_by_class(folder: Path, top: Path, labels: FileLabels, suffixes: tuple[str, ...]) -> dict[str, list[Path]]:
    """Files of each class, by its name in sorted order, in the order of the table; those without a class are left out.

    Args:
        folder: holds the table.
        top: holds the files.
        labels: the table and its columns.
        suffixes: that a file may have where the table leaves them out.

    Raises:
        PareError: if the table or a column is missing, or a row names no file in the folder, or one twice.
    """
    path = folder / labels.table
    if not path.is_file():
        raise PareError(f"{path} is missing; put the table of the labels there")
    frame = label_frame(path)
    for name in (labels.file, labels.target):
        if name not in frame:
            raise unknown_name("column", name, frame.columns, str(path))
    found: dict[str, list[Path]] = {}
    taken: set[Path] = set()
    names, classes = frame[labels.file].astype(str).to_list(), present_text(frame[labels.target])
    for row, name in zip(classes.index.to_list(), classes, strict=True):
        said = names[row]
        file = named_file(top, said, suffixes)
        if file is None or file in taken:
            fault = f"which is not in {top.name}" if file is None else "as another row does"
            raise PareError(
                f"{path}: column {labels.file!r} names {said!r} in row {row + 1}, {fault}; correct it, or remove the "
                "row"
            )
        taken.add(file)
        found.setdefault(name, []).append(file)
    return dict(sorted(found.items()))


def named_file(top: Path, name: str, suffixes: tuple[str, ...]) -> Path | None:
    """The file of that name in a folder, or of that name with one of the suffixes; None where there is none."""
    path = PurePosixPath(name.strip())
    if path.is_absolute() or ".." in path.parts or not path.name:
        return None
    return next((file for suffix in ("", *suffixes) if (file := top / f"{path}{suffix}").is_file()), None)
