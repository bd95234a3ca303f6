"""Proxy datasets: labelled samples of the encoder's own modality (paper, section 3.2), and their files."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import resolve_name

import numpy as np

from pare.config.errors import INGEST, PareError

IMAGES = "images.npz"
SENTENCES = "sentences.json"
VOID = 255  # in a mask: neither foreground nor background
# ``module:function`` below ``pare``: named and not imported, as the hub's proxies need readers of their own.
PROXY_READERS = {
    "caltech101": "paper.proxies.images:read_caltech101",
    "cifar10": "paper.proxies.images:read_cifar10",
    "conll2003": "paper.proxies.conll:read_conll2003",
    "images": "data.proxies:read_image_proxy",
    "pascal_voc": "paper.proxies.images:read_pascal_voc",
    "sentences": "data.proxies:read_text_proxy",
    "tiny_imagenet": "paper.proxies.images:read_tiny_imagenet",
}


@dataclass(frozen=True)
class ImageProxy:
    """Labelled images, each read when it is asked for; they may differ in size.

    Attributes:
        count: number of images.
        image: image of a row, ``(height, width, 3)``, uint8.
        class_names: names of the classes in the order of the labels; empty for masks.
        labels: class of each row, ``(count,)``, int64; None for masks.
        mask: mask of a row, ``(height, width)`` as its image, uint8: foreground (1), background (0) or void (255);
            None for classes.
    """

    count: int
    image: Callable[[int], np.ndarray]
    class_names: list[str]
    labels: np.ndarray | None = None
    mask: Callable[[int], np.ndarray] | None = None

    def subset(self, rows: np.ndarray) -> "ImageProxy":
        """Those rows alone, in that order."""
        image, mask = self.image, self.mask
        return replace(
            self,
            count=len(rows),
            image=lambda row: image(int(rows[row])),
            labels=None if self.labels is None else self.labels[rows],
            mask=None if mask is None else lambda row: mask(int(rows[row])),
        )


@dataclass(frozen=True)
class TextProxy:
    """Labelled sentences: texts, labels ``(count,)`` int64, and class names in the order of the labels."""

    texts: list[str]
    labels: np.ndarray
    class_names: list[str]

    @property
    def count(self) -> int:
        """Number of sentences."""
        return len(self.texts)

    def subset(self, rows: np.ndarray) -> "TextProxy":
        """Those rows alone, in that order."""
        return replace(self, texts=[self.texts[row] for row in rows], labels=self.labels[rows])


def read_image_proxy(folder: Path) -> ImageProxy:
    """Read ``images.npz``: arrays ``images`` ``(n, height, width)`` uint8 and ``labels`` ``(n,)``.

    The images are drawings: 0 is paper and 255 full ink, and the foreground of the masks is ink.

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
    return ImageProxy(
        count=len(images),
        image=lambda row: np.repeat(images[row, :, :, None], 3, axis=2),
        class_names=[str(i) for i in range(int(labels.max()) + 1)],
        labels=labels,
        mask=lambda row: (images[row] > 127).astype(np.uint8),
    )


def read_text_proxy(folder: Path) -> TextProxy:
    """Read ``sentences.json``: a list of ``{"text", "topic"}``.

    Raises:
        PareError: if the file is missing, damaged or holds something else.
    """
    try:
        sentences = json.loads((folder / SENTENCES).read_text(encoding="utf-8"))
        texts, topics = [str(s["text"]) for s in sentences], [str(s["topic"]) for s in sentences]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(folder / SENTENCES, error) from error
    names, labels = np.unique(topics, return_inverse=True)
    return TextProxy(texts, labels.astype(np.int64), names.tolist())


def _unreadable(path: Path, error: Exception) -> PareError:
    reason = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
    return PareError(f"{path} {reason}; remove {path.parent} and run {INGEST}")


def find_proxy_reader(name: str) -> Callable[[Path], ImageProxy | TextProxy]:
    """The reader of a proxy dataset, imported; the schema has checked its name."""
    reader: Callable[[Path], ImageProxy | TextProxy] = resolve_name(f"pare.{PROXY_READERS[name]}")
    return reader
