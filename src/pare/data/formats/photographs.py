"""Image files, decoded within limits: they come from strangers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from pare.config.errors import PareError

logger = logging.getLogger(__name__)
# Pillow knows more, and gives PostScript, which is a program, to Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
NAMES = "PNG, JPEG, BMP, GIF, TIFF or WebP"
FILE_BYTES = 1 << 26
PIXELS = 1 << 26


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """A file of one image, opened; what its decoder says of damage, also within the block, becomes one message.

    Args:
        path: the file.

    Yields:
        The image, decoded when its pixels are asked for.

    Raises:
        PareError: if it is no image of a known format, is damaged, of more than 67 million pixels, or several images.
    """
    try:
        with _open(path) as image:
            _check_single(image)
            yield image
    except UnidentifiedImageError as error:
        raise PareError(f"{path} is not a {NAMES} image; save it as one, or move it away") from error
    except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError) as error:
        raise PareError(f"{path} cannot be read as an image ({error}); save it again, or move it away") from error


def _check_single(image: Image.Image) -> None:
    try:
        count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # a camera's JPEG with a preview
    except Exception as error:  # each decoder has errors of its own
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if count > 1:
        raise ValueError(f"it holds {count} pages or frames, of which one can be read")


def photograph(content: bytes, name: str) -> Image.Image:
    """Decode an image file; of one that is cut short, what is missing is grey, and a warning names it.

    Args:
        content: the file.
        name: what messages call it.

    Returns:
        The image, in the file's own mode, such as grey, palette or RGB.

    Raises:
        PareError: if it is no image of a known format, damaged, or of more than 67 million pixels.
    """
    try:
        return _decoded(content)
    except Exception as error:  # each decoder has errors of its own
        if "truncated" not in str(error):
            raise PareError(
                f"{name} cannot be read as an image ({type(error).__name__}: {error}); expected "
                f"{NAMES} of at most {PIXELS} pixels. Remove the archive and fetch it again"
            ) from error
    logger.warning("%s is cut short: its missing part is grey.", name)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _decoded(content)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _decoded(content: bytes) -> Image.Image:
    image = _open(BytesIO(content))
    image.load()
    return image


def _open(source: Path | BytesIO) -> Image.Image:
    image = Image.open(source, formats=FORMATS)  # noqa: TID251 - the one place
    if image.width * image.height > PIXELS:
        image.close()
        raise ValueError(f"it has {image.width} × {image.height} pixels, at most {PIXELS} are read")
    return image
