"""How large compressed files are when they are unpacked, from what they say of themselves."""

import struct
import zipfile
from pathlib import Path

import h5py

from pare.raw.formats.array_files import HDF5, NPZ

LARGE = 2**30  # bytes
MANY_TIMES = 20
MARGIN = 1.1  # the names and headers of a file are no compression


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
