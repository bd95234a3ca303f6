"""A first look at a file with a group for each sample, the layout of some of PDEBench's files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pare.config.errors import PareError
from pare.own_data.findings import Inspection, Question, equal_rows, inspection_of, open_parts
from pare.own_data.part_names import PART_WORDS
from pare.raw.formats.array_files import HDF5, open_arrays
from pare.raw.formats.stored_array import StoredArray

DATA = "data"  # the array of each group


def has_group_per_sample(path: Path) -> bool:
    """Whether an HDF5 file holds nothing but groups that each have such an array, and are no parts."""
    if path.suffix.lower() not in HDF5:
        return False
    arrays = open_arrays(path)
    groups = {name.partition("/")[0] for name in arrays}
    return len(groups) > 1 and not groups & {*PART_WORDS} and all(f"{group}/{DATA}" in arrays for group in groups)


def inspect_groups(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    """Look into a file of states: the last frame of each sample is predicted from the first.

    Args:
        folder: has links to the files.
        paths: the one file; in each group ``data`` is ``(time, *grid, channels)``.
        question: what is to be predicted.

    Raises:
        PareError: if the file has another layout, or the question says more than that ``data`` is predicted.
    """
    (path,) = paths
    first = next(array for name, array in sorted(open_arrays(path).items()) if name.endswith(f"/{DATA}"))
    if question.target not in ((), (DATA,)) or question != Question(target=question.target):
        raise PareError(
            f"{path.name} has a group for each sample: a later state in its {DATA!r} is predicted from the first. Say "
            f"--target {DATA} and no more, or, for another target, save arrays with the samples along the first axis"
        )
    options = _options(first, path)
    parts = open_parts("pdebench_grouped", options, folder)
    return inspection_of(
        "pdebench_grouped",
        options,
        parts,
        None,
        equal=equal_rows(parts),
        kind="dense",
        output_name=f"{DATA} at frame {options['target_time']}",
        notes={
            "axes": f"of the grid: {DATA} of a group is (time, grid, channels), {list(first.shape)}",
            "target_time": f"the last of {first.shape[0]} frames; option input_time is the one to predict from, 0",
        },
    )


def _options(data: StoredArray, path: Path) -> dict[str, Any]:
    options: dict[str, Any] = {"axes": len(data.shape) - 2, "target_time": data.shape[0] - 1}
    if data.shape[-1] > 1:
        options |= {key: list(range(data.shape[-1])) for key in ("input_channels", "target_channels")}
    return options | ({"pattern": path.name} if path.suffix != ".h5" else {})
