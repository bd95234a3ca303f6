"""Arrays that an HDF5 file holds itself.

HDF5 can show parts of other files as if they were its own: by links, virtual datasets and external storage, the last of
any file, such as one with passwords. A file from a stranger must not bring these into a dataset.
"""

import h5py

from pare.config.errors import PareError


def held_dataset(file: h5py.File, name: str) -> h5py.Dataset | None:
    """The array of a name, with slashes between groups, or None where there is none.

    Raises:
        PareError: if the array, or a group above it, lies in another file or may do so.
    """
    item: h5py.Group | h5py.Dataset = file
    for part in filter(None, name.split("/")):
        link = item.get(part, getlink=True) if isinstance(item, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise _outside(file, name, f"{part} is not a hard link")
        item = item[part]
    if not isinstance(item, h5py.Dataset):
        return None
    if item.external:
        raise _outside(file, name, f"its numbers are taken from {item.external[0][0]}")
    if item.is_virtual:
        raise _outside(file, name, "it is a virtual dataset")
    return item


def existing_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """The same where there must be one.

    Raises:
        KeyError: if there is no such array.
        PareError: if it may lie in another file.
    """
    data = held_dataset(file, name)
    if data is None:
        raise KeyError(f"no array {name}")
    return data


def _outside(file: h5py.File, name: str, reason: str) -> PareError:
    return PareError(
        f"{file.filename}: the array {name} may lie in another file ({reason}), which is refused, as it could be any "
        "file of this machine. If it is yours, copy its numbers into the file itself, for example with h5py"
    )
