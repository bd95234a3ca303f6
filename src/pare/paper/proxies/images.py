"""Published image proxies, read inside their archives: CIFAR-10, Tiny-ImageNet, Caltech101 and PASCAL VOC."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.archives import check_size, open_zip, readable_archive, zip_member
from pare.data.formats.photographs import FILE_BYTES, photograph
from pare.data.formats.pickles import entries, load_pickle
from pare.data.own.file_checks import check_shape, class_codes, one_file
from pare.data.proxies import VOID, ImageProxy

CIFAR_BATCHES = [f"data_batch_{i}" for i in range(1, 6)]
VOC = "VOCdevkit/VOC2012"


def read_cifar10(folder: Path) -> ImageProxy:
    """The training images of CIFAR-10 in its publisher's Python version (Krizhevsky 2009), 10 classes.

    They are in memory, as bytes: 154 MB.

    Args:
        folder: holds ``cifar-10-python.tar.gz``.

    Raises:
        PareError: if the archive is missing, damaged, lacks a batch, or a batch is not as the publisher's.
    """
    path = one_file(folder, "cifar-10-python.tar.gz")
    names = ["batches.meta", *CIFAR_BATCHES]
    with path.open("rb") as stream:
        found = {
            PurePosixPath(member).name: load_pickle(content, f"{path}: {member}")
            for member, content in _members(stream, path)
            if member in [f"cifar-10-batches-py/{name}" for name in names]
        }
    if len(found) < len(names):
        raise PareError(f"{path} lacks {', '.join(n for n in names if n not in found)}; remove it and {FETCH}")
    (class_names,) = entries(found["batches.meta"], ("label_names",), f"{path}: batches.meta")
    batches = [_cifar_batch(found[name], f"{path}: {name}") for name in CIFAR_BATCHES]
    images, labels = (np.concatenate(part) for part in zip(*batches, strict=True))
    return _labelled(len(images), lambda row: images[row].transpose(1, 2, 0), labels, list(class_names), path)


def read_tiny_imagenet(folder: Path) -> ImageProxy:
    """The training images of Tiny-ImageNet (Le and Yang 2015): 200 classes of 500 images, 64 × 64 pixels.

    Images are decoded out of the archive as they are asked for.

    Args:
        folder: holds ``tiny-imagenet-200.zip``.

    Raises:
        PareError: if the archive is missing or damaged, or holds no training images; on reading, if an image is
            damaged.
    """
    path = one_file(folder, "tiny-imagenet-200.zip")
    archive = open_zip(path)
    names = sorted(name for name in archive.namelist() if PurePosixPath(name).match("train/*/images/*.JPEG"))
    # tiny-imagenet-200/train/<WordNet id>/images/<WordNet id>_<number>.JPEG
    words, labels = np.unique([PurePosixPath(name).parts[-3] for name in names], return_inverse=True)

    def image(row: int) -> np.ndarray:
        return _rgb(zip_member(archive, names[row], FILE_BYTES).getvalue(), f"{path}: {names[row]}")

    return _labelled(len(names), image, labels.astype(np.int64), words.tolist(), path)


def read_caltech101(folder: Path) -> ImageProxy:
    """Caltech101 (Li et al. 2004): 9,144 images of about 300 × 200 pixels, 101 categories and one of background.

    The archive is a zip around a compressed tar, which can only be read from its beginning: the image files are in
    memory, not decoded, 125 MB.

    Args:
        folder: holds ``caltech-101.zip``.

    Raises:
        PareError: if the archive is missing or damaged, or holds no images; on reading, if an image is damaged.
    """
    path = one_file(folder, "caltech-101.zip")
    archive = open_zip(path)
    inner = [name for name in archive.namelist() if PurePosixPath(name).name == "101_ObjectCategories.tar.gz"]
    if len(inner) != 1:
        raise PareError(f"{path} lacks 101_ObjectCategories.tar.gz; remove it and {FETCH}")
    with readable_archive(path), archive.open(inner[0]) as stream:
        files = {
            name: content.read()
            for name, content in _members(stream, path)
            if PurePosixPath(name).match("101_ObjectCategories/*/image_*.jpg")
        }
    names = sorted(files)
    categories, labels = np.unique([PurePosixPath(name).parent.name for name in names], return_inverse=True)
    return _labelled(
        len(names),
        lambda row: _rgb(files[names[row]], f"{path}: {names[row]}"),
        labels.astype(np.int64),
        categories.tolist(),
        path,
    )


def read_pascal_voc(folder: Path) -> ImageProxy:
    """The segmented images of PASCAL VOC 2012 (Everingham et al. 2015), training and validation: 2,913.

    As in the paper, all 20 kinds of object are foreground. What the publisher leaves open, the rims of objects, is
    void; the authors' code makes it background. Images are decoded out of the archive as they are asked for.

    Args:
        folder: holds ``VOCtrainval_11-May-2012.tar``.

    Raises:
        PareError: if the archive is missing or damaged, or lacks an image of its own list; on reading, if an image is
            damaged.
    """
    path = one_file(folder, "VOCtrainval_11-May-2012.tar")
    read = _tar_reader(path)
    listed = read(f"{VOC}/ImageSets/Segmentation/trainval.txt").decode("utf-8", "replace").split()

    def image(row: int) -> np.ndarray:
        name = f"{VOC}/JPEGImages/{listed[row]}.jpg"
        return _rgb(read(name), f"{path}: {name}")

    def mask(row: int) -> np.ndarray:
        name = f"{VOC}/SegmentationClass/{listed[row]}.png"
        drawn = photograph(read(name), f"{path}: {name}")
        if drawn.mode not in ("P", "L"):
            raise PareError(f"{path}: {name} has mode {drawn.mode}, expected a palette. Put the publisher's file there")
        classes = np.asarray(drawn)
        return np.where(classes == VOID, VOID, classes > 0).astype(np.uint8)

    return ImageProxy(count=len(listed), image=image, class_names=[], mask=mask)


def _cifar_batch(content: object, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(rows, 3, 32, 32)`` and classes ``(rows,)``."""
    data, labels = entries(content, ("data", "labels"), name)
    images = check_shape(data, (None, 3 * 32 * 32), f"{name}: data").reshape(-1, 3, 32, 32)
    return images.astype(np.uint8), class_codes(labels, len(images), f"{name}: labels")


def _labelled(
    count: int, image: Callable[[int], np.ndarray], labels: np.ndarray, class_names: list[str], path: Path
) -> ImageProxy:
    if not count or labels.min() < 0 or labels.max() >= len(class_names):
        raise PareError(
            f"{path} holds {count} images in {len(class_names)} classes, and labels that are no number of a class "
            f"or none at all; remove it and {FETCH}"
        )
    return ImageProxy(count=count, image=image, class_names=class_names, labels=labels)


def _rgb(content: bytes, name: str) -> np.ndarray:
    return np.asarray(photograph(content, name).convert("RGB"))


def _members(stream: IO[bytes], path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Files of a compressed tar from its beginning to its end; each must be read before the next is asked for."""
    with readable_archive(path), tarfile.open(fileobj=stream, mode="r|gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None:
                check_size(member.size, FILE_BYTES, f"{path}: {member.name}")
                yield member.name, content


def _tar_reader(path: Path) -> Callable[[str], bytes]:
    """A function that reads members of a tar that is not compressed, by name, where they lie."""
    with readable_archive(path), tarfile.open(path, "r:") as archive:
        places = {m.name: (m.offset_data, m.size) for m in archive if m.isreg() and not m.issparse()}

    def read(name: str) -> bytes:
        if name not in places:
            raise PareError(f"{path} lacks {name}; put the publisher's file there, or remove it and {FETCH}")
        offset, size = places[name]
        check_size(size, FILE_BYTES, f"{path}: {name}")
        with readable_archive(path), path.open("rb") as stream:
            stream.seek(offset)
            content = stream.read(size)
        if len(content) < size:
            raise PareError(f"{path} is cut short inside {name}; remove it and {FETCH}")
        return content

    return read
