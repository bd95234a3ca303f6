"""Endless batches of the proxy dataset, as the source's pretrained embedder takes them.

A batch always has the size asked for: the proxy is shuffled anew whenever it is used up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoTokenizer

from pare.config.errors import PareError
from pare.config.schema import ProxyConfig
from pare.models.backbones import Backbone, ImageBackbone, TextBackbone
from pare.models.model import MASK_CELL
from pare.raw.proxies import PROXY_READERS, ImageProxy, TextProxy

# Mean and standard deviation of ImageNet, which all listed vision encoders were trained with.
PIXEL_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
PIXEL_STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


class SourceBatches(Protocol):
    """What a proxy dataset offers to training."""

    classes: int | None

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless ``(inputs, labels)`` of ``size`` samples, in an order that ``rng`` decides."""


class ImageBatches:
    """Images, resized to the token grid and normalised as the encoder expects.

    Labels are classes ``(batch,)`` or, where the proxy's labels are masks, ``(batch, *mask grid)``.
    """

    def __init__(self, proxy: ImageProxy, backbone: ImageBackbone, *, masks: bool) -> None:
        self.images = torch.from_numpy(proxy.images)
        self.image_size = backbone.image_size
        self.mask_size = tuple(MASK_CELL * n for n in backbone.out_grid)
        self.labels = torch.from_numpy(proxy.masks if masks else proxy.labels)
        self.classes = None if masks else len(proxy.class_names)

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless ``(pixels, labels)``, pixels ``(size, 3, *image size)``."""
        for rows in _cycle(len(self.images), size, rng):
            grey = self.images[rows].float().div(255).unsqueeze(1)
            pixels = F.interpolate(grey, size=self.image_size, mode="bilinear", align_corners=False)
            yield (pixels.expand(-1, 3, -1, -1) - PIXEL_MEAN) / PIXEL_STD, self._labels(rows)

    def _labels(self, rows: Tensor) -> Tensor:
        labels = self.labels[rows]
        if self.classes is not None:
            return labels
        return F.interpolate(labels.unsqueeze(1).float(), size=self.mask_size, mode="nearest").squeeze(1).long()


class TextBatches:
    """Sentences of one topic, joined until they fill the token grid, so that no slot is padding."""

    def __init__(self, proxy: TextProxy, tokenizer: Any, tokens: int) -> None:
        encoded = tokenizer(list(proxy.texts), add_special_tokens=False)["input_ids"]
        kept = [(ids, label) for ids, label in zip(encoded, proxy.labels, strict=True) if ids]
        self.sentences = [np.asarray(ids) for ids, _ in kept]
        self.labels = np.asarray([label for _, label in kept])
        self.by_topic = {int(topic): np.flatnonzero(self.labels == topic) for topic in np.unique(self.labels)}
        self.classes: int | None = len(proxy.class_names)
        self.tokens = tokens

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless ``(token ids, topics)``, token ids ``(size, tokens)``; every sentence opens in its turn."""
        for rows in _cycle(len(self.sentences), size, rng):
            ids = np.stack([self._filled(int(row), rng) for row in rows])
            yield torch.from_numpy(ids), torch.from_numpy(self.labels[rows.numpy()])

    def _filled(self, first: int, rng: np.random.Generator) -> np.ndarray:
        pieces, length = [self.sentences[first]], len(self.sentences[first])
        topic = self.by_topic[int(self.labels[first])]
        while length < self.tokens:
            pieces.append(self.sentences[rng.choice(topic)])
            length += len(pieces[-1])
        return np.concatenate(pieces)[: self.tokens]


def _cycle(length: int, size: int, rng: np.random.Generator) -> Iterator[Tensor]:
    rows = np.empty(0, dtype=np.int64)
    while True:
        while len(rows) < size:
            rows = np.concatenate([rows, rng.permutation(length)])
        yield torch.from_numpy(rows[:size].copy())
        rows = rows[size:]


@dataclass(frozen=True)
class SourceFolders:
    """Where a source's files stand, and what they are.

    Attributes:
        encoder: the pretrained encoder, a Hugging Face model folder.
        proxy: the proxy dataset.
        fingerprints: of both manifests.
    """

    encoder: Path
    proxy: Path
    fingerprints: tuple[str, str]


def load_source_batches(proxy: ProxyConfig, folders: SourceFolders, backbone: Backbone) -> SourceBatches:
    """Read a proxy and shape it for an encoder.

    Args:
        proxy: what the proxy is.
        folders: the source's files; the encoder's hold its tokenizer.
        backbone: the encoder, made for the task's token grid.

    Raises:
        PareError: where the proxy is not of the encoder's modality.
    """
    data = PROXY_READERS[proxy.reader](folders.proxy)
    if isinstance(backbone, ImageBackbone) and isinstance(data, ImageProxy):
        return ImageBatches(data, backbone, masks=proxy.labels == "mask")
    if isinstance(backbone, TextBackbone) and isinstance(data, TextProxy):
        tokenizer = AutoTokenizer.from_pretrained(folders.encoder, local_files_only=True)
        return TextBatches(data, tokenizer, prod(backbone.grid))
    raise PareError(
        f"proxy {proxy.title!r} holds {proxy.reader}, which {type(backbone).__name__} cannot take; "
        "give the source a proxy of its encoder's modality in sources.yml"
    )
