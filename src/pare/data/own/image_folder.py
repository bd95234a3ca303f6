"""Folders of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import ExifTags, Image, ImageOps
from pydantic import PositiveInt, PrivateAttr

from pare.config.errors import PareError
from pare.data.formats.photographs import opened_image
from pare.data.own.class_folders import ClassFolder
from pare.data.own.findings import Question
from pare.data.own.labelled_files import FileKind

SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # how Pillow calls grey images of 16 bits
SIDEWAYS = (5, 6, 7, 8)  # what the EXIF standard says of images whose rows are columns
LOOKED_AT = 500  # images whose size is read
EDGE = 128  # points to which images of several sizes, or larger ones, are resized


class ImageFolder(ClassFolder):
    """Images in folders that are named after their classes, see `ClassFolder`.

    Inputs are pixels ``(rows, channels, height, width)`` float32 from 0 to 1.

    Attributes:
        size: height and width to which images are resized, or one number for both; by default images stay as they
            are, and must all be of one size.
        colour: three channels, red, green and blue; else one, grey.
    """

    name: ClassVar = "image_folder"
    kind: ClassVar = FileKind("image", (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"))
    files: ClassVar = f"one folder of {kind}, in folders of their classes"
    size: PositiveInt | tuple[PositiveInt, PositiveInt] | None = None
    colour: bool = True
    _first: list[tuple[Path, tuple[int, ...]]] = PrivateAttr(default_factory=list)  # the file whose size others need

    @classmethod
    def propose(cls, paths: Sequence[Path], question: Question) -> tuple[dict[str, Any], dict[str, str]]:  # noqa: D102
        chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, LOOKED_AT).astype(int))]
        sizes, grey = _image_facts(chosen)
        height, width = sizes[0]
        same = len(set(sizes)) == 1 and max(height, width) <= EDGE
        edges = sorted(edge for size in sizes for edge in size)
        note = f"height and width; images are resized to it, theirs are {edges[0]} to {edges[-1]} pixels high and wide"
        return {"size": [height, width] if same else [EDGE, EDGE], "colour": not grey}, {} if same else {"size": note}

    def inputs(self, paths: Sequence[Path]) -> np.ndarray:  # noqa: D102
        size = (self.size, self.size) if isinstance(self.size, int) else self.size
        images = [_pixels(path, size, colour=self.colour) for path in paths]
        self._first[:] = self._first or [(paths[0], images[0].shape)]
        ((path, shape),) = self._first
        for other, image in zip(paths, images, strict=True):
            if image.shape != shape:
                (h, w), (height, width) = shape[1:], image.shape[1:]
                raise PareError(
                    f"{other} has {height} × {width} pixels (height × width), {path} has {h} × {w}; set the reader's "
                    f"option size, e.g. size: [{h}, {w}], to which all images are resized"
                )
        return np.stack(images)

    @property
    def columns(self) -> list[str]:  # noqa: D102
        return ["red", "green", "blue"] if self.colour else ["grey"]


def _image_facts(paths: Sequence[Path]) -> tuple[list[tuple[int, int]], bool]:
    """Heights and widths as images are meant to be held, and whether all images are grey."""
    sizes, modes = [], set()
    for path in paths:
        with opened_image(path) as image:
            sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            sizes.append((image.width, image.height) if sideways else (image.height, image.width))
            modes.add(image.mode)
    return sizes, all(mode == "1" or mode.startswith(("L", "I")) for mode in modes)


def _pixels(path: Path, size: tuple[int, int] | None, *, colour: bool) -> np.ndarray:
    """One image, ``(channels, height, width)`` float32 from 0 to 1, as it is meant to be held."""
    with opened_image(path) as file:
        image = ImageOps.exif_transpose(file)
        if image.mode in SIXTEEN_BITS:
            image = Image.fromarray(_from_sixteen_bits(np.asarray(image), image.info.get("transparency")))
        elif image.mode == "F":
            raise ValueError("its pixels are real numbers; save them as an array, and use the reader 'arrays'")
        else:
            image = _on_white(image).convert("RGB" if colour else "L")
        if size is not None:
            image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.float32) / (1 if image.mode == "F" else 255)
    if pixels.ndim == 2:
        return np.repeat(pixels[None], 3 if colour else 1, axis=0)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _on_white(image: Image.Image) -> Image.Image:
    """What is transparent is white: beneath it, a file may hold any colour."""
    if not image.has_transparency_data:
        return image
    colours = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)


def _from_sixteen_bits(pixels: np.ndarray, transparent: int | None) -> np.ndarray:
    """Grey from 0 to 1; the value that is transparent becomes white."""
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise ValueError("its pixels have more than 16 bits; save them as an array, and use the reader 'arrays'")
    grey = pixels.astype(np.float32) / 65_535
    return grey if transparent is None else np.where(pixels == transparent, np.float32(1), grey)
