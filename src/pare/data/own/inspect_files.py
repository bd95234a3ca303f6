"""A user's files, looked into by the function for their kind."""

import os
import re
import struct
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import h5py

from pare.config.errors import PareError
from pare.data.files import FETCH, files_below, is_hidden, train_and_test
from pare.data.formats.array_files import HDF5, NPY, NPZ, SUFFIXES
from pare.data.formats.table_files import SUFFIXES as TABLES
from pare.data.formats.table_files import table_suffix
from pare.data.origins.own_files import find_path, link_files
from pare.data.own.class_folders import FileKind
from pare.data.own.findings import Inspection, Question
from pare.data.own.inspect_arrays import has_group_per_sample, inspect_arrays, inspect_groups
from pare.data.own.inspect_media import inspect_images, inspect_sounds
from pare.data.own.inspect_series import inspect_series_folder, inspect_series_rows, inspect_series_table, inspect_ts
from pare.data.own.inspect_tables import inspect_table
from pare.data.own.media_folders import IMAGES, SOUNDS
from pare.data.own.series_files import SERIES, TS

Family = Callable[[Path, Sequence[Path], Question], Inspection]
OF_CLASSES: dict[FileKind, Family] = {  # in a folder for each class
    IMAGES: inspect_images,
    SOUNDS: inspect_sounds,
    SERIES: inspect_series_folder,
}
FOLDERS = " or ".join(f"{kind.name}s ({', '.join(kind.suffixes)})" for kind in OF_CLASSES)
OPTION = re.compile(r"the reader's option '(categorical|encoding|ignore|missing|target)'")  # before a task says any
LARGE = 2**30  # bytes
MANY_TIMES = 20
MARGIN = 1.1  # the names and headers of a file are no compression


def inspect_files(paths: Sequence[Path], question: Question) -> Inspection:
    """Look into files with the reader that suits them.

    Args:
        paths: absolute, of one table, a table of training and one of test rows, one folder of images, sounds or series,
            one or both parts of a set in ``.ts`` files, or one or several files of arrays.
        question: what is to be predicted.

    Raises:
        PareError: if the files are none of these or not readable, or it is not clear what to predict from what.
    """
    family = family_of(paths, question)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "files"
        link_files(folder, [find_path(str(path), folder) for path in paths])
        try:
            found = family(folder, [folder / path.name for path in paths], question)
        except PareError as error:  # the user knows the files by other paths
            message = str(error).replace(f"{folder}{os.sep}", "").replace(f"{folder}", "the files")
            message = OPTION.sub(r"--\1 NAME", message).replace(f", or remove it and {FETCH}", "")
            raise PareError(message) from error
    if question.ordered and found.grouped:
        raise PareError("--ordered cuts rows where they are, and --groups keeps some together; give one of them")
    return replace(found, ordered=question.ordered)


def inner_paths(paths: Sequence[Path]) -> list[Path]:
    """The paths; of one folder of nothing but files of arrays, or of folders of NPY files, what is in it.

    Such files are ``x.npy`` and ``y.npy``, such folders ``input`` and ``output``.
    """
    if len(paths) == 1 and paths[0].is_dir():
        inner = [path for path in sorted(paths[0].iterdir()) if not is_hidden(path)]
        if all(path.is_dir() and any(path.glob(f"*{NPY}")) for path in inner):
            return inner
        if all(path.is_file() and path.suffix.lower() in SUFFIXES for path in inner):
            return inner
    return list(paths)


def family_of(paths: Sequence[Path], question: Question) -> Family:
    """The function that inspects files of their kind.

    Raises:
        PareError: if they are of no known kind.
    """
    folders = [path for path in paths if path.is_dir()]
    if len(folders) == 1 and all(table_suffix(path) for path in paths if path not in folders) and len(paths) <= 2:
        return _family_of_folder(folders[0])
    suffixes = {"a folder" if path.is_dir() else table_suffix(path) or path.suffix.lower() for path in paths}
    if len(paths) == 1 and (question.wide or question.series or suffixes <= {*TABLES}):
        return _family_of_table(question)
    if suffixes <= {*TABLES} and not question.series and train_and_test(paths):
        return _family_of_table(question)
    if len(paths) == 1 and has_group_per_sample(paths[0]):
        return inspect_groups
    if suffixes == {TS}:
        return inspect_ts
    if suffixes <= {*SUFFIXES, "a folder"}:
        return inspect_arrays
    raise PareError(
        f"{', '.join(path.name for path in paths)}: expected one table ({', '.join(TABLES)}), or two, named "
        f"as in wine_train and wine_test, or one folder of "
        f"{FOLDERS}, or both parts of a set of series ({TS}), or one or several files of arrays "
        f"({', '.join(SUFFIXES)}), or several folders of {NPY} files with a file a sample"
    )


def _family_of_table(question: Question) -> Family:
    """The function for what a row is: a series, a point of one, or a sample."""
    if question.wide:
        return inspect_series_rows
    return inspect_series_table if question.series else inspect_table


def _family_of_folder(folder: Path) -> Family:
    """The function for the files that most in the folder are."""
    files = list(files_below(folder))
    found = {kind: sum(map(kind.includes, files)) for kind in OF_CLASSES}
    most = max(found, key=found.__getitem__)
    if not found[most]:
        raise PareError(f"{folder.name} holds no {FOLDERS}")
    return OF_CLASSES[most]


def unpacked_bytes(path: Path) -> int | None:
    """The size of a file's content; of gzip modulo 4 GiB. None for a damaged file, or one that is not compressed.

    Nothing is unpacked.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".gz":
            with path.open("rb") as stream:
                stream.seek(-4, 2)
                return int(struct.unpack("<I", stream.read(4))[0])
        if suffix in (NPZ, ".xlsx"):
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        return _hdf5_bytes(path) if suffix in HDF5 else None
    except (OSError, zipfile.BadZipFile):  # the reader says what is wrong with the file
        return None


def announcement(path: Path) -> str | None:
    """What to say before a file is read that unpacks to much more than its size; None for other files."""
    packed, unpacked = path.stat().st_size, unpacked_bytes(path)
    if unpacked is None or unpacked <= MARGIN * packed or (unpacked <= LARGE and unpacked <= MANY_TIMES * packed):
        return None
    return (
        f"{path.name} has {_size(packed)}, unpacked {_size(unpacked)}, {unpacked / packed:.0f} times as much; reading "
        "it may take minutes, and preparing it as much space on the disk."
    )


def _hdf5_bytes(path: Path) -> int:
    sizes: list[int] = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
    return sum(sizes)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= LARGE else f"{count / 2**20:.1f} MiB"
