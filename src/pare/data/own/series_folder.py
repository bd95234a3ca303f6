"""Series in folders with a table for each series."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from pare.config.errors import unknown_name
from pare.data.formats.delimited_text import PLAIN, TEXT, Dialect
from pare.data.formats.table_files import load_frame
from pare.data.own.class_folders import ClassFolder
from pare.data.own.findings import Question
from pare.data.own.labelled_files import FileKind
from pare.data.own.lengths import LEFT_OUT, Lengths, channel_columns, channel_values, proposed_lengths
from pare.data.own.table_findings import detected, written


class SeriesFolder(ClassFolder, Lengths, Dialect):
    """Series in folders that are named after their classes, see `ClassFolder`, as ``(rows, channels, points)`` float32.

    Attributes:
        channels: columns of each file; others, such as the time, are passed over.
    """

    name: ClassVar = "series_folder"
    kind: ClassVar = FileKind("series file", TEXT, PLAIN)
    files: ClassVar = f"one folder of {kind}, in folders of their classes"
    asked: ClassVar = ("encoding", "ignore", "missing", "target")
    channels: Annotated[tuple[str, ...], Field(min_length=1)]

    @classmethod
    def propose(cls, paths: Sequence[Path], question: Question) -> tuple[dict[str, Any], dict[str, str]]:  # noqa: D102
        dialect, _ = written(paths[:1], question, names_needed=False)
        frames = [load_frame(path, Dialect(**dialect)) for path in paths]
        joined = pd.concat(frames, ignore_index=True)
        codes = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
        for name in question.ignore:
            if name not in joined:
                raise unknown_name("column", name, joined.columns, paths[0].name)
        channels, left_out, means = channel_columns(joined.drop(columns=list(question.ignore)), codes)
        for path, frame in zip(paths, frames, strict=True):
            channel_values(frame, channels, str(path))
        lengths, notes = proposed_lengths(np.array([len(frame) for frame in frames]), means)
        options = {"channels": channels, **lengths, **dialect}
        notes |= detected(options)
        if left_out:
            notes["channels"] = f"without {', '.join(left_out)}: {LEFT_OUT}"
        return options, notes

    def inputs(self, paths: Sequence[Path]) -> np.ndarray:  # noqa: D102
        return self.stacked(channel_values(load_frame(path, self), self.channels, str(path)) for path in paths)

    @property
    def columns(self) -> list[str]:  # noqa: D102
        return list(self.channels)
