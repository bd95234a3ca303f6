"""Endless batches of the proxy dataset, as the source's pretrained embedder takes them.

A batch always has the size asked for: the proxy is shuffled anew whenever it is used up.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pare.config.errors import INGEST, PareError
from pare.config.schema import ProxyConfig
from pare.data.proxies import VOID, ImageProxy, TextProxy, find_proxy_reader
from pare.learners.networks.models.backbones import Backbone, ImageBackbone, TextBackbone
from pare.learners.networks.models.model import MASK_CELL
from pare.learners.source_folders import PixelStatistics, SourceFolders, read_pixel_statistics

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # label that cross entropy leaves out


class SourceBatches(Protocol):
    """What a proxy dataset offers to training.

    Attributes:
        classes: number of the proxy's classes, or None if its labels are masks.
        pixels: how the encoder's images are normalised; None for text.
    """

    classes: int | None
    pixels: PixelStatistics | None

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless ``(inputs, labels)`` of ``size`` samples, in an order that ``rng`` decides."""


class ImageBatches:
    """Images, resized to the token grid and normalised as the encoder expects.

    Labels are classes ``(batch,)`` or, where the proxy's labels are masks, ``(batch, *mask grid)`` with `IGNORED` for
    points that are neither foreground nor background.
    """

    def __init__(self, proxy: ImageProxy, backbone: ImageBackbone, statistics: PixelStatistics, *, masks: bool) -> None:
        self.proxy, self.normalise = proxy, statistics.normalise
        self.pixels: PixelStatistics | None = statistics
        self.image_size = backbone.image_size
        self.mask_size = tuple(MASK_CELL * n for n in backbone.token_grid)
        self.classes = None if masks else len(proxy.class_names)

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless ``(pixels, labels)``, pixels ``(size, 3, *image size)``."""
        for rows in _cycle(self.proxy.count, size, rng):
            pixels = torch.cat([self._resized(self.proxy.image(row)) for row in rows.tolist()])
            yield self.normalise(pixels), self._labels(rows)

    def _resized(self, image: np.ndarray) -> Tensor:
        """``(height, width, 3)`` to ``(1, 3, *image size)``, both bytes: numbers resize far slower."""
        pixels = torch.tensor(image).permute(2, 0, 1).unsqueeze(0)
        return F.interpolate(pixels, size=self.image_size, mode="bilinear", align_corners=False, antialias=True)

    def _labels(self, rows: Tensor) -> Tensor:
        if self.proxy.labels is not None and self.classes is not None:
            return torch.from_numpy(self.proxy.labels[rows.numpy()])
        assert self.proxy.mask is not None
        masks = [torch.from_numpy(self.proxy.mask(row))[None, None].float() for row in rows.tolist()]
        resized = torch.cat([F.interpolate(mask, size=self.mask_size, mode="nearest-exact") for mask in masks])
        labels = resized.squeeze(1).long()
        return labels.masked_fill(labels == VOID, IGNORED)


class TextBatches:
    """Sentences of one topic, joined until they fill the token grid, so that no slot is padding.

    Raises:
        PareError: where no sentence has a token.
    """

    def __init__(self, proxy: TextProxy, tokenizer: Any, tokens: int) -> None:
        encoded = tokenizer(list(proxy.texts), add_special_tokens=False)["input_ids"]
        kept = [(ids, label) for ids, label in zip(encoded, proxy.labels, strict=True) if ids]
        if not kept:
            raise PareError(
                f"the encoder's tokenizer makes no token of any of the proxy's {len(encoded)} sentences, as one "
                "without a vocabulary does; use a whole encoder folder, with its tokenizer, or another proxy"
            )
        self.sentences = [np.asarray(ids) for ids, _ in kept]
        self.labels = np.asarray([label for _, label in kept])
        self.by_topic = {int(topic): np.flatnonzero(self.labels == topic) for topic in np.unique(self.labels)}
        self.classes: int | None = len(proxy.class_names)
        self.pixels: PixelStatistics | None = None
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


def load_source_batches(
    proxy: ProxyConfig, folders: SourceFolders, backbone: Backbone, samples: int | None = None, seed: int = 0
) -> SourceBatches:
    """Read a proxy and shape it for an encoder.

    Args:
        proxy: the proxy's configuration.
        folders: the source's files; the encoder's hold its tokenizer or the statistics of its pixels.
        backbone: the encoder, made for the task's token grid.
        samples: how many samples of the proxy are used, drawn at random (paper, table 11); all by default.
        seed: seed of that choice.

    Raises:
        PareError: where the proxy is not of the encoder's modality, lacks the labels asked for, or is smaller than
            the number asked for, or where it is not known how images are normalised.
    """
    data = _drawn(proxy, find_proxy_reader(proxy.reader)(folders.proxy), samples, seed)
    if isinstance(backbone, ImageBackbone) and isinstance(data, ImageProxy):
        masks = proxy.labels == "mask"
        if (data.mask if masks else data.labels) is None:
            raise PareError(
                f"proxy {proxy.title!r} has no {proxy.labels}; give it labels: {'classes' if masks else 'mask'} in "
                "proxies.yml"
            )
        return ImageBatches(data, backbone, read_pixel_statistics(folders.encoder), masks=masks)
    if isinstance(backbone, TextBackbone) and isinstance(data, TextProxy):
        return TextBatches(data, _tokenizer(folders.encoder), prod(backbone.grid))
    raise PareError(
        f"proxy {proxy.title!r} holds {'images' if isinstance(data, ImageProxy) else 'sentences'}, which an encoder of "
        f"{'text' if isinstance(backbone, TextBackbone) else 'images'} cannot take; give the source a proxy of its "
        "encoder's modality in sources.yml, or name one: --params source.proxy=NAME"
    )


def _tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer  # noqa: PLC0415 - slow to import

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # each format of a tokenizer has its own
        raise PareError(
            f"{folder} holds no tokenizer that can be read ({error}); code that comes with a model is never run. "
            f"Delete the folder and run {INGEST}, or use another source"
        ) from error


def _drawn(proxy: ProxyConfig, data: ImageProxy | TextProxy, samples: int | None, seed: int) -> ImageProxy | TextProxy:
    if samples is None:
        return data
    if samples > data.count:
        raise PareError(
            f"proxy {proxy.title!r} has {data.count} samples, source.samples asks for {samples}; ask for fewer, or "
            "leave it out to use all"
        )
    return data.subset(np.sort(np.random.default_rng(seed).choice(data.count, samples, replace=False)))
