"""HDF5 files with a group for each sample, as PDEBench's: a later state is predicted from an earlier one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import h5py
import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt

from pare.config.errors import PareError
from pare.config.words import listed
from pare.data.files import PART_WORDS, FileName
from pare.data.formats.array_files import HDF5, LONE, NPZ, open_arrays
from pare.data.formats.stored_array import StoredArray, held_dataset, readable
from pare.data.own.arrays import PREPARED
from pare.data.own.file_checks import check_finite, one_file
from pare.data.own.findings import Inspection, Question, inspection_of
from pare.data.own.format import Format, Known, NewRows
from pare.storage.samples import Samples

DATA = "data"  # the array of each group
OTHER = "Take reader pdebench_stacked for a file with an array per variable"
Channels = Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]


class Grouped(Format):
    """A file with one group per sample, whose ``data`` is ``(time, *grid, channels)``; its last tenth is the test part.

    Groups are taken in the order of their names. The split is that of the released loader of the paper. Inputs and
    targets are states ``(rows, channels, *grid)`` float32.

    Attributes:
        target_time: frame to predict.
        input_channels: channels that become those of the input.
        target_channels: channels to predict.
        input_time: frame to predict from.
        axes: axes of the grid.
        stride: keep every stride-th point of each axis.
        pattern: name of the file.
    """

    name: ClassVar = "pdebench_grouped"
    files: ClassVar = f"one file ({', '.join(HDF5)}) with a group for each sample"
    target_time: NonNegativeInt
    input_channels: Channels = (0,)
    target_channels: Channels = (0,)
    input_time: NonNegativeInt = 0
    axes: Literal[1, 2] = 1
    stride: PositiveInt = 1
    pattern: FileName = "*.h5"

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:
        """Whether an HDF5 file holds nothing but groups that each have such an array, and are no parts."""
        if len(paths) != 1 or paths[0].suffix.lower() not in HDF5:
            return 0
        arrays = open_arrays(paths[0])
        groups = {name.partition("/")[0] for name in arrays}
        return len(groups) > 1 and not groups & {*PART_WORDS} and all(f"{group}/{DATA}" in arrays for group in groups)

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102 - see Format
        (path,) = paths
        if question.target not in ((), (DATA,)) or question != Question(target=question.target):
            raise PareError(
                f"{path.name} has a group for each sample: a later state in its {DATA!r} is predicted from the first. "
                f"Say --target {DATA} and no more, or, for another target, save arrays with the samples along the "
                "first axis"
            )
        first = next(array for name, array in sorted(open_arrays(path).items()) if name.endswith(f"/{DATA}"))
        frames, channels = first.shape[0], list(range(first.shape[-1]))
        options: dict[str, Any] = {"axes": len(first.shape) - 2, "target_time": frames - 1}
        options |= {"input_channels": channels, "target_channels": channels} if len(channels) > 1 else {}
        options |= {"pattern": path.name} if path.suffix != ".h5" else {}
        return inspection_of(
            cls.name,
            options,
            cls(**options).read(path.parent),
            None,
            kind="dense",
            output_name=f"{DATA} at frame {frames - 1}",
            notes={
                "axes": f"axes of the grid: {DATA} of a group is (time, grid, channels), {list(first.shape)}",
                "target_time": f"the last of {frames} frames; option input_time is the one to predict from, 0",
            },
        )

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        path = one_file(folder, self.pattern)
        with readable(path), h5py.File(path) as file:
            names = sorted(file)
            shape = held_numbers(file, path, f"{names[0] if names else '0000'}/{DATA}", OTHER).shape
        if len(shape) != self.axes + 2:
            raise PareError(
                f"{path}: data of group {names[0]} has shape {shape}, expected (time, {'x, ' * self.axes}channels) "
                f"with {self.axes} axes of the grid; set the reader's option 'axes' or put the publisher's file there"
            )
        for time in (self.input_time, self.target_time):
            check_time(path, f"data of group {names[0]}", shape[0], time)
        if max(self.input_channels + self.target_channels) >= shape[-1]:
            raise PareError(
                f"{path}: data of group {names[0]} has {shape[-1]} channels, the task asks for channel "
                f"{max(self.input_channels + self.target_channels)}, counted from 0; set the reader's options "
                "'input_channels' and 'target_channels'"
            )
        check_stride(path, shape[1:-1], self.stride)

        def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            x, y = [], []
            with readable(path), h5py.File(path) as file:
                for name in names[start:stop]:
                    data = held_numbers(file, path, f"{name}/{DATA}", OTHER)
                    if data.shape != shape:
                        raise PareError(
                            f"{path}: data of group {name} has shape {data.shape}, that of group {names[0]} {shape}; "
                            "all must be alike"
                        )
                    x.append(self._state(data[self.input_time], self.input_channels))
                    y.append(self._state(data[self.target_time], self.target_channels))
            for values, time in ((x, self.input_time), (y, self.target_time)):
                check_finite(np.stack(values), path, f"data at time {time}", start)
            return np.stack(x), np.stack(y)

        trained = len(names) - test_rows(path, len(names))
        return {"train": part(read, 0, trained), "test": part(read, trained, len(names))}

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:
        """Frames of such a file, or arrays with the channels first."""
        if not isinstance(rows, Path) or rows.suffix in (NPZ, *LONE):
            return PREPARED.new_rows(rows, known)
        arrays = {
            name.partition("/")[0]: array for name, array in open_arrays(rows).items() if name.endswith(f"/{DATA}")
        }
        names, time = sorted(arrays), self.input_time
        shapes = {arrays[name].shape[1:] for name in names}
        if len(shapes) != 1 or min(arrays[name].shape[0] for name in names) <= time:
            raise PareError(
                f"{rows}: expected a group for each sample, each with data of (time, grid, channels) of one grid and "
                f"frame {time}, from which the task predicts; found {len(names)} of the shapes {sorted(shapes)}"
            )

        def frame(array: StoredArray) -> np.ndarray:
            return self._state(array.read(time, time + 1)[0], self.input_channels)

        return NewRows(names, lambda start, stop: np.stack([frame(arrays[name]) for name in names[start:stop]]))

    def _state(self, frame: np.ndarray, channels: Channels) -> np.ndarray:
        """Some channels of a frame, ``(channels, *grid)`` float32."""
        return thinned(np.moveaxis(frame, -1, 0)[list(channels)], self.axes, self.stride)


def part(read: Callable[[int, int], tuple[np.ndarray, np.ndarray]], first: int, end: int) -> Samples:
    """Rows first to end - 1 of a file, counted from 0."""
    return Samples(count=end - first, read=lambda start, stop: read(first + start, first + min(stop, end - first)))


def check_time(path: Path, name: str, frames: int, time: int) -> None:
    """Refuse a frame that an array does not have; PareError."""
    if time >= frames:
        raise PareError(
            f"{path}: {name} has {frames} frames, the task asks for frame {time}, counted from 0; set the reader's "
            f"options 'input_time' and 'target_time' to {frames - 1} at most"
        )


def check_stride(path: Path, grid: tuple[int, ...], stride: int) -> None:
    """Refuse a stride that does not divide the grid; PareError."""
    if any(n % stride for n in grid):
        raise PareError(
            f"{path}: a grid of {grid} points cannot be thinned by stride {stride}; set 'stride' to a divisor"
        )


def test_rows(path: Path, count: int) -> int:
    """A tenth, as in the released loader, and at least one."""
    if count < 2:
        raise PareError(f"{path} holds {count} samples, expected at least 2, one to train on and one to test on")
    return max(1, count // 10)


def thinned(values: np.ndarray, axes: int, stride: int) -> np.ndarray:
    """Every stride-th point of the last axes, float32."""
    thinned = values[..., ::stride] if axes == 1 else values[..., ::stride, ::stride]
    return thinned.astype(np.float32)


def held_numbers(file: h5py.File, path: Path, name: str, advice: str) -> h5py.Dataset:
    """The array of numbers of that name; PareError with the advice where there is none."""
    data = held_dataset(file, name)
    if data is None or data.dtype.kind not in "fiu":
        held = listed(sorted(file), 8) or "nothing"
        raise PareError(
            f"{path} lacks the array {name!r}; it holds {held}. {advice}, or put the publisher's file there"
        )
    return data
