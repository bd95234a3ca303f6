"""A user's files, looked into by the function for their kind."""

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pare.config.errors import PareError
from pare.own_data.findings import Inspection, Question
from pare.own_data.inspect_arrays import inspect_arrays
from pare.own_data.inspect_groups import has_group_per_sample, inspect_groups
from pare.own_data.inspect_images import inspect_images
from pare.own_data.inspect_tables import inspect_table
from pare.raw.formats.array_files import HDF5, NPY, NPZ
from pare.raw.formats.messages import FETCH
from pare.raw.formats.table_files import SUFFIXES as TABLES
from pare.raw.formats.table_files import table_suffix
from pare.raw.origins.own_files import find_path, link_files
from pare.raw.readers.image_folder import SUFFIXES as IMAGES

OPTION = re.compile(r"the reader's option '(categorical|encoding|ignore|target)'")  # before a task says any


def inspect_files(paths: Sequence[Path], question: Question) -> Inspection:
    """Look into files with the reader that suits them.

    Args:
        paths: absolute, of one table, one folder of images, or one or several files of arrays.
        question: what is to be predicted.

    Raises:
        PareError: if the files are none of these or not readable, or it is not clear what to predict from what.
    """
    family = _family(paths)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "files"
        link_files(folder, [find_path(str(path), folder) for path in paths])
        try:
            return family(folder, [folder / path.name for path in paths], question)
        except PareError as error:  # the user knows the files by other paths
            message = str(error).replace(f"{folder}{os.sep}", "").replace(f"{folder}", "the files")
            message = OPTION.sub(r"--\1 NAME", message).replace(f", or remove it and {FETCH}", "")
            raise PareError(message) from error


def _family(paths: Sequence[Path]) -> Callable[[Path, Sequence[Path], Question], Inspection]:
    """The function that inspects files of their kind."""
    suffixes = {"a folder" if path.is_dir() else table_suffix(path) or path.suffix.lower() for path in paths}
    if suffixes == {"a folder"} and len(paths) == 1:
        return inspect_images
    if len(paths) == 1 and suffixes <= {*TABLES}:
        return inspect_table
    if len(paths) == 1 and has_group_per_sample(paths[0]):
        return inspect_groups
    if suffixes <= {NPZ, NPY, *HDF5}:
        return inspect_arrays
    raise PareError(
        f"{', '.join(path.name for path in paths)}: expected one table ({', '.join(TABLES)}), or one folder of images "
        f"({', '.join(IMAGES)}), or one or several files of arrays ({', '.join((NPZ, NPY, *HDF5))})"
    )
