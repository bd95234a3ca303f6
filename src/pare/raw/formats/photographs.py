"""Image files, decoded within limits: they come from strangers."""

import logging
from io import BytesIO

from PIL import Image, ImageFile

from pare.config.errors import PareError

logger = logging.getLogger(__name__)
FORMATS = ("JPEG", "PNG", "GIF", "BMP")
FILE_BYTES = 1 << 26
PIXELS = 1 << 26


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
                f"{', '.join(FORMATS)} of at most {PIXELS} pixels. Remove the archive and fetch it again"
            ) from error
    logger.warning("%s is cut short: its missing part is grey.", name)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _decoded(content)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _decoded(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content), formats=FORMATS)
    if image.width * image.height > PIXELS:
        raise ValueError(f"it has {image.width} × {image.height} pixels")
    image.load()
    return image
