"""Folders of images and of sounds, labelled by the folders that they lie in or by a table."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from pydantic import PositiveFloat, PositiveInt

from pare.config.errors import PareError
from pare.data.files import FileName
from pare.data.formats.photographs import opened_image
from pare.data.formats.sound import SUFFIXES, LogMel, read_sound
from pare.data.own.class_folders import FileKind, FileLabels, labelled_files
from pare.storage.samples import Samples

IMAGES = FileKind("image", (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"))
SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # how Pillow calls grey images of 16 bits
SOUNDS = FileKind("sound", SUFFIXES)
RATE = 22_050  # Hz
MELS = 128
FRAMES = 128  # about, of sounds that are long enough for frames every 10 ms
HOP, WINDOW = 0.010, 0.025  # seconds, at least
FFT = 2048  # samples, at least


def image_folder(
    folder: Path,
    size: PositiveInt | tuple[PositiveInt, PositiveInt] | None = None,
    colour: bool = True,
    root: FileName | None = None,
    labels: FileLabels | None = None,
) -> dict[str, Samples]:
    """Images in folders that are named after their classes, see `labelled_files`; they are decoded when they are read.

    Args:
        folder: holds the folder ``root``.
        size: height and width to which images are resized, or one number for both; by default images stay as they
            are, and must all be of one size.
        colour: three channels, red, green and blue; else one, grey.
        root: name of the folder; by default the only one.
        labels: a table that names the classes of the files; by default their folders do.

    Returns:
        ``all``, or ``train``, ``test`` and perhaps ``validation``: pixels ``(rows, channels, height, width)`` float32
        from 0 to 1, and class codes ``(rows,)`` int64.

    Raises:
        PareError: as `labelled_files` does; on reading, if an image is damaged or of another size.
    """
    pixels = image_reader((size, size) if isinstance(size, int) else size, colour=colour)
    columns = ["red", "green", "blue"] if colour else ["grey"]
    parts = labelled_files(folder, root, IMAGES, labels)
    return {part: files.samples(pixels, columns) for part, files in parts.items()}


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


def _pixels(path: Path, size: tuple[int, int] | None, *, colour: bool) -> np.ndarray:
    """One image, ``(channels, height, width)`` float32 from 0 to 1, as it is meant to be held."""
    with opened_image(path) as file:
        image = _on_white(ImageOps.exif_transpose(file))
        if image.mode in SIXTEEN_BITS:
            image = Image.fromarray(_from_sixteen_bits(np.asarray(image)))
        elif image.mode == "F":
            raise ValueError("its pixels are real numbers; save them as an array, and use the reader 'arrays'")
        else:
            image = image.convert("RGB" if colour else "L")
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


def _from_sixteen_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise ValueError("its pixels have more than 16 bits; save them as an array, and use the reader 'arrays'")
    return pixels.astype(np.float32) / 65_535


def audio_folder(
    folder: Path,
    seconds: PositiveFloat,
    rate: PositiveInt = RATE,
    root: FileName | None = None,
    labels: FileLabels | None = None,
) -> dict[str, Samples]:
    """Sounds in folders that are named after their classes, see `labelled_files`; they are decoded when they are read.

    Args:
        folder: holds the folder ``root``.
        seconds: length to which each sound is brought: a longer one is cut, a shorter one is followed by silence.
        rate: to which sounds are resampled, in Hz; frequencies above half of it are lost.
        root: name of the folder; by default the only one.
        labels: a table that names the classes of the files; by default their folders do.

    Returns:
        ``all``, or ``train``, ``test`` and perhaps ``validation``: spectrograms ``(rows, 1, 128, frames)`` in decibels
        float32, see `spectrogram_settings`, and class codes ``(rows,)`` int64.

    Raises:
        PareError: as `labelled_files` does; on reading, if a sound is damaged or empty.
    """
    read, parts = sound_reader(seconds, rate), labelled_files(folder, root, SOUNDS, labels)
    return {part: files.samples(read, ["log-mel power"]) for part, files in parts.items()}


def sound_reader(seconds: float, rate: int) -> Callable[[Sequence[Path]], np.ndarray]:
    """Read sounds as spectrograms ``(sounds, 1, 128, frames)`` float32 in decibels; arguments as for `audio_folder`."""
    settings, length = spectrogram_settings(seconds, rate), round(seconds * rate)

    def read(paths: Sequence[Path]) -> np.ndarray:
        sounds = [read_sound(path, rate, seconds) for path in paths]
        return np.stack([settings(np.pad(s, (0, length - len(s)))) for s in sounds])[:, None].astype(np.float32)

    return read


def spectrogram_settings(seconds: float, rate: int) -> LogMel:
    """Frames of 25 ms every 10 ms; of longer sounds about 128 frames, each twice as wide as it is far to the next."""
    hop = max(round(HOP * rate), round(seconds * rate / FRAMES))
    window = max(round(WINDOW * rate), 2 * hop)
    return LogMel(rate, MELS, window, hop, fft=max(FFT, 1 << (window - 1).bit_length()))
