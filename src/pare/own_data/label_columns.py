"""Files that have one class each: which columns of a table name them, and what a task says of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pare.config.errors import PareError
from pare.own_data.findings import Inspection, Question, inspection_of, need_target, open_parts
from pare.raw.formats.table_files import present_text
from pare.raw.readers.class_folders import FileKind, LabelledFiles
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
    need_target(question, frame, table.name)
    if len(question.target) > 1:
        raise PareError(f"--target names {', '.join(question.target)}; the class of a file is in one column: name it")
    answers = pd.to_numeric(present_text(frame[question.target[0]]), errors="coerce")
    if (answers % 1 != 0).any() and answers.notna().all():
        raise PareError(
            f"column {question.target[0]!r} of {table.name} holds numbers, and of {kind.name}s only classes are "
            "predicted: bring the files as arrays, an .npz file with x and y"
        )
    named = [str(name) for name in frame if named_file(top, str(frame[name].iloc[0]), kind.suffixes)]
    if not named:
        raise PareError(
            f"no column of {table.name} names files: none has in its first row the path of a file in {top.name}. "
            f"Columns: {', '.join(map(str, frame))}"
        )
    return FileLabels(table=table.name, file=named[0], target=question.target[0])


def inspection_of_classes(
    reader: str,
    options: dict[str, Any],
    folder: Path,
    files: Mapping[str, LabelledFiles],
    labels: FileLabels | None,
    notes: dict[str, str],
) -> Inspection:
    """What a reader gives of files that have one class each, as a task declares it.

    Args:
        reader: name of the reader.
        options: of the reader, but for the table of labels.
        folder: has links to the files.
        files: by part.
        labels: the table that names their classes; None: their folders do.
        notes: on the options.
    """
    options = options | ({"labels": labels.model_dump()} if labels else {})
    return inspection_of(
        reader,
        options,
        open_parts(reader, options, folder),
        next(iter(files.values())).counts,
        kind="classification",
        output_name=labels.target if labels else "class",
        notes=notes,
    )
