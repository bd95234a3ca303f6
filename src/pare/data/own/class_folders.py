"""What formats share whose samples are files in folders of their classes: images, sounds, series."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.data.files import FileName, files_below
from pare.data.formats.table_files import table_suffix
from pare.data.own.arrays import prepared
from pare.data.own.findings import COMPARED_BYTES, Inspection, Question, inspection_of
from pare.data.own.format import Format, Known, NewRows
from pare.data.own.labelled_files import FileKind, FileLabels, LabelledFiles, file_labels, labelled_files
from pare.data.preparation.equal_rows import EqualRows
from pare.storage.samples import Samples


class ClassFolder(Format):
    """Files in folders that are named after their classes, one sample each; they are read when they are needed.

    They are ``<root>/<class>/<file>``, or ``<root>/train/<class>/<file>``, ``<root>/test/<class>/<file>`` and perhaps
    ``<root>/validation/<class>/<file>``. Targets are class codes ``(rows,)`` int64.

    Attributes:
        kind: kind of the files.
        asked: what a question may say of them.
        root: name of the folder; by default the only one.
        labels: a table that names the classes of the files; by default their folders do.
    """

    kind: ClassVar[FileKind]
    asked: ClassVar[tuple[str, ...]] = ("target",)
    root: FileName | None = None
    labels: FileLabels | None = None

    @classmethod
    @abstractmethod
    def propose(cls, paths: Sequence[Path], question: Question) -> tuple[dict[str, Any], dict[str, str]]:
        """Options for such files, but ``root`` and ``labels``, and notes on them; PareError where one is damaged."""

    @abstractmethod
    def inputs(self, paths: Sequence[Path]) -> np.ndarray:
        """What files hold, ``(files, channels, …)`` float32; PareError where one is damaged, or unlike the others."""

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """Names of the channels."""

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:
        """The share of such files in the one folder, next to which there may be a table."""
        folders = [path for path in paths if path.is_dir()]
        if len(folders) != 1 or len(paths) > 2 or not all(table_suffix(path) for path in paths if path not in folders):
            return 0
        files = list(files_below(folders[0]))
        return sum(map(cls.kind.includes, files)) / max(1, len(files))

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102 - see Format
        if question != Question(**{name: getattr(question, name) for name in cls.asked}):
            used = f"--{', --'.join(cls.asked)}"
            raise PareError(f"of a folder of {cls.kind.name}s only {used} can be said: leave other options out")
        folder, labels = paths[0].parent, file_labels(paths, cls.kind, question)
        files = labelled_files(folder, None, cls.kind, labels)
        options, notes = cls.propose([path for part in files.values() for path in part.paths], question)
        options |= {"labels": labels.model_dump()} if labels else {}
        (top,) = [path for path in paths if path.is_dir()]
        known = sum(len(part.paths) for part in files.values())
        return inspection_of(
            cls.name,
            options,
            cls(**options).read(folder),
            next(iter(files.values())).counts,
            kind="classification",
            output_name=labels.target if labels else "class",
            notes=notes,
            unlabelled=sum(map(cls.kind.includes, files_below(top))) - known if labels else 0,
            equal=equal_files(files),
        )

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        parts = labelled_files(folder, self.root, self.kind, self.labels)
        return {part: files.samples(self.inputs, self.columns) for part, files in parts.items()}

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:
        """A file, all files of a folder, or arrays with the channels first."""
        if not isinstance(rows, Path):
            return prepared(self).new_rows(rows, known)
        paths = self.kind.files_in(rows) if rows.is_dir() else [rows]
        return NewRows([path.name for path in paths], lambda start, stop: self.inputs(paths[start:stop]))


def equal_files(parts: Mapping[str, LabelledFiles]) -> EqualRows | None:
    """Which files have equal bytes, of those of the same size; None where these are more than 256 MiB.

    Files of other bytes may be equal inputs as well, which a run finds.
    """
    sizes = {path: path.stat().st_size for files in parts.values() for path in files.paths}
    alike = {size for size, count in Counter(sizes.values()).items() if count > 1}
    if sum(size for size in sizes.values() if size in alike) > COMPARED_BYTES:
        return None
    known: dict[tuple[int, bytes], int] = {}

    def number(path: Path) -> int:
        digest = sha256(path.read_bytes()).digest() if sizes[path] in alike else b""
        return known.setdefault((sizes[path], digest), len(known))

    numbers = {part: np.array([number(path) for path in files.paths]) for part, files in parts.items()}
    return EqualRows(numbers, {part: files.codes for part, files in parts.items()})
