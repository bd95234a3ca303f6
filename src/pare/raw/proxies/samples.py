"""Proxy datasets: labelled samples of the encoder's own modality (paper, section 3.2), and their files."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pare.config.errors import PareError

IMAGES = "images.npz"
SENTENCES = "sentences.json"


@dataclass(frozen=True)
class ImageProxy:
    """Labelled grey images.

    Attributes:
        images: ``(n, height, width)``, uint8, 0 is paper and 255 full ink.
        labels: ``(n,)``, int64.
        class_names: in the order of the labels.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: list[str]

    @property
    def masks(self) -> np.ndarray:
        """Foreground (1, ink) against background (0), for dense tasks, ``(n, height, width)``, uint8."""
        return (self.images > 127).astype(np.uint8)


@dataclass(frozen=True)
class TextProxy:
    """Labelled sentences: texts, labels ``(n,)`` int64, and class names in the order of the labels."""

    texts: list[str]
    labels: np.ndarray
    class_names: list[str]


def read_image_proxy(folder: Path) -> ImageProxy:
    """Read ``images.npz``: arrays ``images`` ``(n, height, width)`` uint8 and ``labels`` ``(n,)``.

    Raises:
        PareError: if the file is missing, damaged or holds other arrays.
    """
    try:
        with np.load(folder / IMAGES, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"].astype(np.int64)
    except Exception as error:  # zipfile, zlib and numpy each have their own for a damaged file
        raise _unreadable(folder / IMAGES, error) from error
    if images.dtype != np.uint8 or images.ndim != 3 or labels.shape != images.shape[:1]:
        raise PareError(
            f"{folder / IMAGES} holds images {images.shape} {images.dtype} and labels {labels.shape}; "
            "expected (n, height, width) uint8 and (n,)"
        )
    return ImageProxy(images, labels, [str(i) for i in range(int(labels.max()) + 1)])


def read_text_proxy(folder: Path) -> TextProxy:
    """Read ``sentences.json``: a list of ``{"text", "topic"}``.

    Raises:
        PareError: if the file is missing, damaged or holds something else.
    """
    try:
        sentences = json.loads((folder / SENTENCES).read_text(encoding="utf-8"))
        texts, topics = [str(s["text"]) for s in sentences], [str(s["topic"]) for s in sentences]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder / SENTENCES, error) from error
    names, labels = np.unique(topics, return_inverse=True)
    return TextProxy(texts, labels.astype(np.int64), names.tolist())


def _unreadable(path: Path, error: Exception) -> PareError:
    reason = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
    return PareError(f"{path} {reason}; remove {path.parent} and run: kedro run --pipeline=ingest")
