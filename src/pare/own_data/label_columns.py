"""Which columns of a table name files and their classes."""

from collections.abc import Sequence
from pathlib import Path

from pare.config.errors import PareError
from pare.own_data.findings import Question
from pare.raw.readers.class_folders import FileKind
from pare.raw.readers.label_tables import FileLabels, label_frame, named_file


def file_labels(paths: Sequence[Path], kind: FileKind, question: Question) -> FileLabels | None:
    """The table that comes with a folder, with its columns; None where the folder comes alone.

    Args:
        paths: of the folder, and perhaps of the table.
        kind: of the files.
        question: which names the one column to predict; a folder that comes alone has its classes in its folders.

    Raises:
        PareError: if the column to predict is not named, or where there is none, or no column names files.
    """
    (top,) = [path for path in paths if path.is_dir()]
    tables = [path for path in paths if path != top]
    if not tables:
        if question.target:
            raise PareError(f"the classes of {kind.name}s are the names of their folders: leave --target out")
        return None
    (table,) = tables
    frame = label_frame(table)
    if len(question.target) != 1:
        raise PareError(
            f"name the column to predict: --target COLUMN. Columns of {table.name}: {', '.join(map(str, frame))}"
        )
    named = [str(name) for name in frame if named_file(top, str(frame[name].iloc[0]), kind.suffixes)]
    if not named:
        raise PareError(
            f"no column of {table.name} names files: none has in its first row the path of a file in {top.name}. "
            f"Columns: {', '.join(map(str, frame))}"
        )
    return FileLabels(table=table.name, file=named[0], target=question.target[0])
