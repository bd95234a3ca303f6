"""Arrays of numbers in numpy's own files, mapped into memory so that rows are read only when asked for.

An ``.npy`` file is a header that states type and shape, and the numbers; an ``.npz`` file is a zip archive of such
files. Headers come from strangers: what they claim is compared with the bytes that are there before anything is
allocated, and arrays of Python objects, which numpy stores as pickles, are never unpickled here.
"""

import math
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np

from pare.config.errors import INGEST, PareError

Stream: TypeAlias = IO[bytes] | BufferedIOBase  # a file, or one inside an archive

NUMBERS, TEXT = "biuf", "US"
KINDS = NUMBERS + TEXT
NPY = ".npy"
_MAX_HEADER = 10_000  # bytes, numpy's own limit; a header of one plain array has about 100
_HEADERS = {
    (1, 0): ("<H", np.lib.format.read_array_header_1_0),
    (2, 0): ("<I", np.lib.format.read_array_header_2_0),
}
_AGAIN = f"Remove it and fetch it again ({INGEST}), or, if it is yours, save it again"


def map_npy(path: Path, kinds: str = NUMBERS) -> np.ndarray:
    """The numbers of an ``.npy`` file, or what else has one of these kinds of numpy's types.

    Returns:
        Mapped read-only, of the file's shape and type.

    Raises:
        PareError: if the file is missing, damaged or cut short, or holds something of another kind.
    """
    try:
        with path.open("rb") as stream:
            return map_rest(stream, path.stat().st_size, str(path), kinds)
    except OSError as error:
        raise PareError(f"{path} cannot be opened ({error.strerror}). {_AGAIN}") from error


def map_npz(path: Path, names: tuple[str, ...], kinds: str = NUMBERS) -> dict[str, np.ndarray]:
    """The arrays of those names in an ``.npz`` file, numbers or what else has one of these kinds of numpy's types.

    ``numpy.savez`` stores arrays as they are, and they are mapped where they lie, without a look at the checksum.
    ``numpy.savez_compressed`` does not: such an array is unpacked, as a stream, to a nameless scratch file next to
    the archive that vanishes with the array.

    Returns:
        Per name an array, mapped read-only.

    Raises:
        PareError: if the file is missing, damaged or cut short, lacks an array, or one is of another kind, or there
            is no room to unpack it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = dict(npz_members(archive))
            missing = [name for name in names if name not in held]
            if missing:
                raise PareError(
                    f"{path} lacks {' and '.join(missing)}; it holds {', '.join(sorted(held)) or 'nothing'}. "
                    "Put the publisher's file there"
                )
            return {name: _map_member(path, archive, held[name], kinds) for name in names}
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, struct.error) as error:
        raise PareError(
            f"{path} cannot be read as a zip archive ({type(error).__name__}: {error}). {_AGAIN}"
        ) from error


def npz_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Arrays of an ``.npz`` file by the names that they were saved under, which may have slashes in them."""
    for info in archive.infolist():
        if info.filename.endswith(NPY):
            yield info.filename.removesuffix(NPY), info


def read_npy_header(stream: Stream, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of an ``.npy`` file, and leave the stream where the data begins.

    Args:
        stream: the file.
        name: what messages call it.

    Returns:
        Shape, whether the first index runs fastest, and type.

    Raises:
        PareError: if it is not such a header, or longer than 10,000 bytes.
    """
    try:
        version = np.lib.format.read_magic(stream)
        length_format, read = _HEADERS[version]
        start = stream.tell()
        (length,) = struct.unpack(length_format, stream.read(struct.calcsize(length_format)))
        if length > _MAX_HEADER:  # asked before numpy reads that many bytes
            raise ValueError(f"its header claims {length} bytes, numpy writes at most {_MAX_HEADER}")
        stream.seek(start)
        return read(stream)
    except Exception as error:  # numpy parses the header as Python, which can fail in many ways
        raise PareError(
            f"{name} is not a numpy array, or damaged ({type(error).__name__}: {error}). {_AGAIN}"
        ) from error


def _map_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, kinds: str) -> np.ndarray:
    name = f"{path}: {info.filename}"
    if info.compress_type != zipfile.ZIP_STORED:
        _check_space(info.file_size, path, name)
        with tempfile.TemporaryFile(dir=path.parent) as scratch, archive.open(info) as member:
            shutil.copyfileobj(member, scratch, 1 << 20)
            scratch.seek(0)
            return map_rest(scratch, info.file_size, name, kinds)
    with path.open("rb") as stream:
        # Before the data are 30 bytes and two strings; the archive's index does not know the second one's length.
        stream.seek(info.header_offset + 26)
        strings = struct.unpack("<HH", stream.read(4))
        stream.seek(info.header_offset + 30 + sum(strings))
        end = min(stream.tell() + info.file_size, path.stat().st_size)
        return map_rest(stream, end, name, kinds)


def _check_space(size: int, path: Path, name: str) -> None:
    """A few bytes can claim to be compressed petabytes: they are not unpacked without room for them."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise PareError(
            f"{name} claims {size} bytes unpacked, for which there must be room next to it, and {free} are free. Free "
            f"space there, or, if it cannot be so large, it is damaged. {_AGAIN}"
        )


def map_rest(stream: IO[bytes], end: int, name: str, kinds: str = NUMBERS) -> np.ndarray:
    """Map the array that begins where a file's stream is, and must fill it up to byte ``end``.

    Raises:
        PareError: if it is no array of these kinds, or has more or fewer bytes; ``name`` is what messages call it.
    """
    shape, fortran_order, dtype = read_npy_header(stream, name)
    if dtype.kind not in kinds:
        what = "pickled Python objects" if dtype.hasobject else f"type {dtype}"
        raise PareError(
            f"{name} holds {what}, expected numbers; it was refused and nothing in it was executed. {_AGAIN}"
        )
    claimed, found = math.prod(shape) * dtype.itemsize, end - stream.tell()
    if claimed != found or min(shape, default=0) < 0:
        raise PareError(
            f"{name} claims shape {shape} of {dtype}, {claimed} bytes, but holds {found}: it is damaged or "
            f"cut short. {_AGAIN}"
        )
    if claimed == 0:  # nothing to map
        return np.empty(shape, dtype)
    order = "F" if fortran_order else "C"
    return np.memmap(stream, dtype=dtype, mode="r", offset=stream.tell(), shape=shape, order=order)  # type: ignore[call-overload]
