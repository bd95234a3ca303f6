"""Photographs in 100 classes: CIFAR-100, and its projection onto a sphere."""

import gzip
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.archives import MEMBER_BYTES, check_size, readable_archive
from pare.data.formats.pickles import entries, load_pickle
from pare.data.own.file_checks import check_finite, check_shape, class_codes, one_file
from pare.storage.samples import Samples


def cifar100_python(folder: Path) -> dict[str, Samples]:
    """CIFAR-100 in its publisher's Python version (Krizhevsky 2009).

    Both parts are in memory, as bytes: 184 MB.

    Args:
        folder: holds ``cifar-100-python.tar.gz``.

    Returns:
        ``train`` and ``test``: pixels ``(rows, 3, 32, 32)`` float32 from 0 to 1, and the fine classes.

    Raises:
        PareError: if the archive is missing, damaged, lacks a part, or a part is not as the publisher's.
    """
    path = one_file(folder, "cifar-100-python.tar.gz")
    members = {f"cifar-100-python/{name}": name for name in ("meta", "train", "test")}
    parts = _unpickled_members(path, members)
    (classes,) = entries(parts.pop("meta"), ("fine_label_names",), f"{path}: meta")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise PareError(f"{path}: fine_label_names in meta is not a list of names; remove it and {FETCH}")
    return {name: _cifar_part(parts[name], classes, path, name) for name in ("train", "test")}


def spherical_cifar100(folder: Path) -> dict[str, Samples]:
    """Spherical CIFAR-100 of NAS-Bench-360: CIFAR-100 projected onto a sphere in random orientations, as a grid.

    The file is one pickle, so both parts are in memory, as bytes: 650 MB, and 1.1 GB while they are loaded.

    Args:
        folder: holds ``s2_cifar100.gz``.

    Returns:
        ``train`` and ``test``: pixels ``(rows, 3, 60, 60)`` float32 from 0 to 1, and the fine classes of CIFAR-100.

    Raises:
        PareError: if the file is missing or damaged, or not as the publisher's; on reading, if a pixel is not
            finite.
    """
    path = one_file(folder, "s2_cifar100.gz")
    with readable_archive(path), gzip.open(path) as stream:
        content = load_pickle(stream, str(path))
        stream.read()  # the checksum is at the end
    samples = {}
    for name, part in zip(("train", "test"), entries(content, ("train", "test"), str(path)), strict=True):
        where = f"{path}: {name}"
        images, labels = entries(part, ("images", "labels"), where)
        images = check_shape(images, (None, 3, 60, 60), f"{where}: images")
        samples[name] = _pixels(images, class_codes(labels, len(images), f"{where}: labels"), path)
    return samples


def _unpickled_members(path: Path, names: dict[str, str]) -> dict[str, Any]:
    """Members of an archive by their new names, in one pass: a compressed archive cannot be read backwards."""
    content = {}
    with readable_archive(path), gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name in names else None
            if stream is not None:
                check_size(member.size, MEMBER_BYTES, f"{path}: {member.name}")
                content[names[member.name]] = load_pickle(stream, f"{path}: {member.name}")
        while unpacked.read(1 << 20):  # the checksum is at the end
            pass
    missing = sorted(set(names.values()) - set(content))
    if missing:
        raise PareError(f"{path} lacks {', '.join(missing)}; remove it and {FETCH}")
    return content


def _cifar_part(content: Any, classes: list[str], path: Path, name: str) -> Samples:
    data, labels = entries(content, ("data", "fine_labels"), f"{path}: {name}")
    data = check_shape(data, (None, 3 * 32 * 32), f"{path}: data of {name}")
    codes = class_codes(labels, len(data), f"{path}: fine_labels of {name}")
    return _pixels(data.reshape(-1, 3, 32, 32), codes, path, classes)


def _pixels(images: np.ndarray, codes: np.ndarray, path: Path, classes: list[str] | None = None) -> Samples:
    """Images ``(rows, 3, height, width)`` of bytes, which are scaled when they are read."""

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x = images[start:stop].astype(np.float32) / 255
        check_finite(x, path, "images", start)
        return x, codes[start:stop]

    return Samples(count=len(codes), read=read, classes=classes)
