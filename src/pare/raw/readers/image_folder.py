"""Images in folders that are named after their classes."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.raw.file_names import FileName
from pare.raw.readers.checks import PARTS
from pare.storage.samples import Samples

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # how Pillow calls grey images of 16 bits
PILLOW_ERRORS = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def image_folder(
    folder: Path,
    size: PositiveInt | tuple[PositiveInt, PositiveInt] | None = None,
    colour: bool = True,
    root: FileName | None = None,
) -> dict[str, Samples]:
    """Images ``<root>/<class>/<image>``, or ``<root>/train/<class>/<image>`` and ``<root>/test/<class>/<image>``.

    Classes are numbered in the order of their names; rows take the first image of each class, then the second of
    each, so that the first rows have all classes. Images are decoded when they are read.

    Args:
        folder: holds the folder ``root``.
        size: height and width to which images are resized, or one number for both; by default images stay as they
            are, and must all be of one size.
        colour: three channels, red, green and blue; else one, grey.
        root: name of the folder; by default the only one.

    Returns:
        ``all``, or ``train``, ``test`` and perhaps ``validation``: pixels ``(rows, channels, height, width)`` float32
        from 0 to 1, and class codes ``(rows,)`` int64.

    Raises:
        PareError: if there is no such folder, a class has no image, there are fewer than two classes, or a part has
            a class that train lacks; on reading, if an image is damaged or of another size.
    """
    top = _root(folder, root)
    found = {part: _class_folders(top / part) for part in PARTS if (top / part).is_dir()}
    if set(found) & {"train", "test"}:
        absent = [part for part in ("train", "test") if part not in found]
        if absent:
            raise PareError(f"{top} holds {', '.join(found)} but no folder {absent[0]}; make one, or leave out both")
    else:
        found = {"all": _class_folders(top)}
    classes = list(next(iter(found.values())))
    for part, folders in found.items():
        strange = sorted(set(folders) - set(classes))
        if strange:
            raise unknown_name("class", strange[0], classes, f"{top}: folder {part} may hold the classes of train only")
    if len(classes) < 2:
        raise PareError(f"{top} holds the one class {', '.join(classes)}; at least two are needed, a folder for each")
    pixels = image_reader((size, size) if isinstance(size, int) else size, colour=colour)
    return {part: _samples(folders, classes, pixels, colour=colour) for part, folders in found.items()}


def image_reader(size: tuple[int, int] | None, *, colour: bool) -> Callable[[Sequence[Path]], np.ndarray]:
    """Read images as ``(images, channels, height, width)`` float32 from 0 to 1.

    The function raises PareError where an image cannot be read, or differs in size where none is asked for.
    """
    first: list[tuple[Path, tuple[int, ...]]] = []

    def read(paths: Sequence[Path]) -> np.ndarray:
        images = [_pixels(path, size, colour=colour) for path in paths]
        first[:] = first or [(paths[0], images[0].shape)]
        (path, shape) = first[0]
        for other, image in zip(paths, images, strict=True):
            if image.shape != shape:
                (h, w), (height, width) = shape[1:], image.shape[1:]
                raise PareError(
                    f"{other} has {height} × {width} pixels (height × width), {path} has {h} × {w}; set the reader's "
                    f"option size, e.g. size: [{h}, {w}], to which all images are resized"
                )
        return np.stack(images)

    return read


def image_paths(folder: Path) -> list[Path]:
    """Images in a folder, in the order of their names.

    Raises:
        PareError: if there is none, or the folder holds something else.
    """
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    for path in paths:
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise PareError(f"{path} is no image ({', '.join(SUFFIXES)}); move it out of the folder {folder.name}")
    if not paths:
        raise PareError(f"{folder} holds no image; put some there, or remove the folder")
    return paths


def _root(folder: Path, name: str | None) -> Path:
    folders = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")}
    if name is not None:
        if name not in folders:
            raise unknown_name("folder", name, folders, str(folder))
        return folders[name]
    if len(folders) != 1:
        raise PareError(
            f"{folder} holds the folders {', '.join(folders) or 'none'}; name the one of the images with the reader's "
            "option 'root'"
        )
    return next(iter(folders.values()))


def _class_folders(folder: Path) -> dict[str, list[Path]]:
    """Images of each class, by its name, in sorted order."""
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    for path in entries:
        if not path.is_dir():
            raise PareError(f"{path} is in no class; images must be in folders that are named after their classes")
    if not entries:
        raise PareError(f"{folder} holds no folders; make one for each class, and put its images there")
    return {path.name: image_paths(path) for path in entries}


def _samples(
    folders: dict[str, list[Path]], classes: list[str], pixels: Callable[[Sequence[Path]], np.ndarray], *, colour: bool
) -> Samples:
    labelled = [[(path, code) for path in folders.get(name, [])] for code, name in enumerate(classes)]
    rows = [row for turn in zip_longest(*labelled) for row in turn if row is not None]
    paths, codes = [path for path, _ in rows], np.array([code for _, code in rows])

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return pixels(paths[start:stop]), codes[start:stop]

    return Samples(
        count=len(rows), read=read, columns=["red", "green", "blue"] if colour else ["grey"], classes=classes
    )


def _pixels(path: Path, size: tuple[int, int] | None, *, colour: bool) -> np.ndarray:
    """One image, ``(channels, height, width)`` float32 from 0 to 1, as it is meant to be held."""
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode in SIXTEEN_BITS:
                image = Image.fromarray(_from_sixteen_bits(np.asarray(image)))
            elif image.mode == "F":
                raise ValueError("its pixels are real numbers; save them as an array, and use the reader 'arrays'")
            else:
                image = image.convert("RGB" if colour else "L")
            if size is not None:
                image = image.resize(size[::-1], Image.Resampling.BILINEAR)
            pixels = np.asarray(image, dtype=np.float32) / (1 if image.mode == "F" else 255)
    except PILLOW_ERRORS as error:
        reason = "it is no image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise PareError(f"{path} cannot be read as an image ({reason}); save it again, or move it away") from error
    if pixels.ndim == 2:
        return np.repeat(pixels[None], 3 if colour else 1, axis=0)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _from_sixteen_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise ValueError("its pixels have more than 16 bits; save them as an array, and use the reader 'arrays'")
    return pixels.astype(np.float32) / 65_535
