"""Series in the ``.ts`` files of the UCR, UEA and TSER archives."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from pare.config.errors import INGEST, PareError
from pare.data.formats.ts_files import ArchiveSeries, read_ts
from pare.data.own.arrays import prepared
from pare.data.own.file_checks import one_file
from pare.data.own.findings import Inspection, Question, inspection_of
from pare.data.own.format import Format, Known, NewRows, held_rows
from pare.data.own.lengths import Lengths, proposed_lengths
from pare.storage.samples import Samples

TS = ".ts"
PARTS: tuple[Literal["train", "test"], ...] = ("train", "test")


class Ts(Lengths, Format):
    """Series in ``.ts`` files, see `read_ts`: one ``*_TRAIN.ts`` and one ``*_TEST.ts``, or one file for all.

    Inputs are ``(rows, channels, points)`` float32; targets are class codes ``(rows,)`` int64 in the order of the
    training file's header, or numbers ``(rows, 1)`` float32.
    """

    name: ClassVar = "ts"
    files: ClassVar = f"both parts of a set of series ({TS})"

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:  # noqa: D102 - see Format
        return all(path.suffix.lower() == TS for path in paths)

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102
        if question != Question():
            raise PareError("a .ts file says itself what its series are and what is to be predicted: leave options out")
        parts = [part_of(path) for path in paths]
        if sorted(map(str, parts)) != sorted(PARTS) and parts != [None]:
            raise PareError(
                f"{', '.join(path.name for path in paths)}: expected the two parts of a set, NAME_TRAIN.ts and "
                "NAME_TEST.ts, or one file for all under a name that ends in neither"
            )
        files = ts_parts(paths[0].parent)
        first = next(iter(files.values()))
        series = [series for file in files.values() for series in file.series]
        means = np.concatenate(series, axis=1).mean(1, np.float64)
        options, notes = proposed_lengths(np.array([each.shape[1] for each in series]), means.tolist())
        counts = Counter(first.answers)
        return inspection_of(
            cls.name,
            options,
            cls(**options).read(paths[0].parent),
            {name: counts[name] for name in first.classes} or None,
            kind="classification" if first.classes else "regression",
            output_name="class" if first.classes else "number",
            notes=notes,
        )

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        files = ts_parts(folder)
        classes = next(iter(files.values())).classes
        return {part: self._samples(file, classes) for part, file in files.items()}

    def _samples(self, file: ArchiveSeries, classes: list[str]) -> Samples:
        codes = {name: code for code, name in enumerate(classes)}
        y = np.array([codes[name] for name in file.answers]) if classes else np.array(file.answers, np.float32)[:, None]
        return Samples.of_arrays(self.stacked(file.series), y, classes=classes or None)

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:  # noqa: D102
        if not isinstance(rows, Path) or rows.suffix != TS:
            return prepared(self).new_rows(rows, known)
        return held_rows(self.stacked(read_ts(rows).series))  # answers are passed over


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
