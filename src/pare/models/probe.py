"""The probe: a frozen pretrained encoder, and linear heads that were solved, not trained.

A *view* turns samples into features, one block a chosen layer of the encoder. Each block has a head of its own; their
predictions are averaged. Raw columns of a table enter every head next to the encoder's features.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.errors import PareError
from pare.config.schema import StartConfig, Task
from pare.models.backbones.backbone import Backbone
from pare.models.backbones.image import ImageBackbone
from pare.models.embedders import FeatureEmbedder, rescale
from pare.models.pictures import Picture, mosaic_of
from pare.models.scaling import Scaling, ScalingName

# Spread of feature tokens in that of the encoder's own word embeddings, and of what depends on the value in that of
# what does not; measured over eight tables, see docs/defaults.md.
TOKEN_SPREAD, VALUE_SHARE = 0.7, 0.5


class PictureView(nn.Module):
    """Series or images as pictures; features are mean and maximum over each tile.

    Args:
        picture: samples to pixels.
    """

    standardised = True  # averages and maxima differ in spread

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture = picture

    def width(self, backbone: Backbone) -> int:
        """Features of a block."""
        return 2 * backbone.width * self.picture.mosaic.tiles

    def tokens(self, x: Tensor, backbone: Backbone) -> Tensor:
        """``(batch, channels, *points)`` to tokens of the encoder's own patch projection."""
        return backbone.embed_source(self.picture(x))

    def pooled(self, states: Tensor) -> Tensor:
        """Hidden states ``(batch, tokens, width)`` to ``(batch, features)``."""
        mosaic = self.picture.mosaic
        grid = states.transpose(1, 2).unflatten(2, mosaic.grid)
        tiles = (mosaic.rows, mosaic.columns)
        return torch.cat([F.adaptive_avg_pool2d(grid, tiles), F.adaptive_max_pool2d(grid, tiles)], 1).flatten(1)


class TableView(nn.Module):
    """Rows of a table as one token a column, with random directions; features are the mean over the tokens.

    Args:
        columns: columns of the table.
        width: width of a token.
        scaling: of the columns of numbers.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
    """

    standardised = False
    numbers: Tensor

    def __init__(self, columns: int, width: int, scaling: ScalingName, categories: Sequence[int] = ()) -> None:
        super().__init__()
        self.embedder = FeatureEmbedder(columns, width, categories)
        counts = torch.tensor(list(categories) or [0] * columns)
        self.register_buffer("numbers", counts == 0, persistent=False)
        self.scaling = Scaling(scaling, columns)

    def calibrate(self, spread: Tensor) -> None:
        """Give the tokens their spread, as a share of that of the encoder's own word embeddings."""
        embedder = self.embedder
        rescale(embedder, TOKEN_SPREAD * spread / embedder.bias.std())
        with torch.no_grad():
            embedder.direction.mul_(VALUE_SHARE)
            if hasattr(embedder, "levels"):
                embedder.levels.mul_(VALUE_SHARE)

    def width(self, backbone: Backbone) -> int:
        """Features of a block."""
        return backbone.width

    def tokens(self, x: Tensor, backbone: Backbone) -> Tensor:
        """``(batch, columns)`` to tokens ``(batch, columns, width)``."""
        return self.embedder(torch.where(self.numbers, self.scaling(x), x))

    def pooled(self, states: Tensor) -> Tensor:
        """Hidden states ``(batch, columns, width)`` to ``(batch, width)``."""
        return states.mean(1)


class RawColumns(nn.Module):
    """The columns of a table as a linear model takes them: numbers standardised, categories and gaps as indicators.

    Args:
        columns: columns of the table.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
    """

    def __init__(self, columns: int, categories: Sequence[int] = ()) -> None:
        super().__init__()
        self.categories = list(categories) or [0] * columns
        self.scaling = Scaling("standard", columns)

    @property
    def width(self) -> int:
        """Features of a row."""
        return sum(count + 1 if count else 2 for count in self.categories)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, columns)`` to ``(batch, features)``; a missing number is the mean, and said to be missing."""
        missing = x.isnan()
        values = self.scaling(x).nan_to_num(0.0)
        parts = []
        for column, count in enumerate(self.categories):
            if count:
                codes = x[:, column].nan_to_num(0.0).long()
                parts.append(F.one_hot(codes, count).to(x.dtype) * ~missing[:, column, None])
            else:
                parts.append(values[:, column, None])
            parts.append(missing[:, column, None].to(x.dtype))
        return torch.cat(parts, 1)


class ProbeModel(nn.Module):
    """Views of a frozen encoder, and a solved linear head for each view and layer.

    Args:
        task: the target task: classes, labels or numbers.
        backbone: the encoder, made for the views' tokens.
        layers: numbers of the blocks whose output is read, from 1.
        views: samples to tokens, and hidden states to features.
        raw: raw features that enter each head, or None.
    """

    views: Any
    heads: Any

    def __init__(
        self,
        task: Task,
        backbone: Backbone,
        layers: Sequence[int],
        views: Sequence[PictureView | TableView],
        raw: RawColumns | None = None,
    ) -> None:
        super().__init__()
        self.kind, self.layers = task.output.kind, tuple(layers)
        self.backbone, self.views, self.raw = backbone, nn.ModuleList(views), raw
        self.encoded = [view.width(backbone) for view in views for _ in self.layers]
        self.standardised = [view.standardised for view in views for _ in self.layers]
        extra = raw.width if raw else 0
        self.heads = nn.ModuleList(nn.Linear(width + extra, task.output.shape[0]) for width in self.encoded)
        self.requires_grad_(False)

    def features(self, x: Tensor) -> list[Tensor]:
        """What each head takes, ``(batch, features)`` a head: the encoder's, then raw ones."""
        raw = [self.raw(x)] if self.raw else []
        blocks = []
        for view in self.views:
            states = self.backbone.encode_layers(view.tokens(x, self.backbone), self.layers)
            blocks += [torch.cat([view.pooled(state), *raw], 1) for state in states]
        return blocks

    def forward(self, x: Tensor) -> Tensor:
        """Logits of classes or labels, or numbers in physical units, ``(batch, outputs)``."""
        outputs = [head(block) for head, block in zip(self.heads, self.features(x), strict=True)]
        return combined(torch.stack(outputs), self.kind)


def combined(outputs: Tensor, kind: str) -> Tensor:
    """The mean over heads: of probabilities for classes and labels, of numbers else.

    Args:
        outputs: logits or numbers, ``(heads, batch, outputs)``.
        kind: ``classification``, ``multilabel`` or ``regression``.

    Returns:
        Logits or numbers, ``(batch, outputs)``.
    """
    if kind == "classification":
        return outputs.log_softmax(-1).logsumexp(0) - math.log(len(outputs))
    if kind == "multilabel":
        return torch.logit(outputs.sigmoid().mean(0), eps=1e-7)
    return outputs.mean(0)


def build_probe(
    task: Task,
    start: StartConfig,
    load: Callable[[tuple[int, ...], int], Backbone],
    categories: Sequence[int] = (),
) -> ProbeModel:
    """The probe that a task's kind of data asks for, not yet calibrated or solved.

    Args:
        task: the target task: a table, series or images.
        start: layers and scalings.
        load: gives the encoder for a grid of tokens with at most so many blocks; one more than is read, since the
            last one's output is normalised.
        categories: number of categories per column of a table, 0 for numbers; empty where all are numbers.
    """
    channels = task.input.shape[0]
    if task.kind == "table":
        backbone = load((channels,), max(start.layers) + 1)
        views = [TableView(channels, backbone.width, scaling, categories) for scaling in start.scalings]
        return ProbeModel(task, backbone, start.layers, views, RawColumns(channels, categories))
    mosaic = mosaic_of(task)
    backbone = load(mosaic.grid, max(start.layers) + 1)
    if not isinstance(backbone, ImageBackbone):
        raise PareError(
            f"the probe shows {task.kind} data to an encoder as pictures, {backbone.encoder.config.model_type} takes "
            "text; use an image encoder, e.g. source=dinov2_small"
        )
    patch = backbone.image_size[0] // mosaic.grid[0]
    return ProbeModel(task, backbone, start.layers, [PictureView(Picture(mosaic, patch, channels))])
