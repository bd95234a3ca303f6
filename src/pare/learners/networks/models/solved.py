"""A model whose predictor is solved before anything is trained: linear heads on features of the pretrained encoder.

Series and images enter as pictures by the encoder's own patch projection, rows of a table as one token a column. The
predictor has a head for each view of a sample and each layer that is read, and averages their predictions. Columns of
a table also enter each head directly, around the encoder. Kernels, which are fixed convolutions of a series or the
similarity of a table's row to training rows, have a head of their own, and so have the points of a series.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.errors import PareError
from pare.config.mosaic import Mosaic, mosaic_of
from pare.config.schema import StartConfig, Task
from pare.learners.networks.models.backbones.backbone import Backbone, ImageBackbone
from pare.learners.networks.models.calibration import Calibration
from pare.learners.networks.models.embedders import Embedded, FeatureEmbedder, rescale
from pare.learners.networks.models.model import CrossModalModel, build_source_predictor, build_units
from pare.learners.networks.models.pictures import Picture, lengthened, shown_points
from pare.learners.networks.models.predictors import Features, Gate
from pare.learners.networks.models.series_features import Kernels, Points
from pare.learners.networks.models.table_features import ChosenValues, Scaling, ScalingName, Similarities

# Spread of feature tokens in spreads of the encoder's word embeddings, and of their part that depends on the value in
# spreads of the rest; measured over eight tables.
TOKEN_SPREAD, VALUE_SHARE = 0.7, 0.5
NUMBER, GAP = -1, -2  # in place of the code of a category: a number itself, and whether a value is missing
CALIBRATION_ROWS = 512  # at most, from which kernels take their biases


class PictureEmbedder(nn.Module):
    """Series or images as pictures, cut into patches by a copy of the encoder's own projection.

    Args:
        picture: samples to pixels.
        projection: patch projection of the encoder.
        kernels: MiniRocket's features of series, around the encoder; None: none.
        points: points of series, around the encoder; None: none.
    """

    def __init__(
        self,
        picture: Picture,
        projection: nn.Conv2d,
        kernels: Kernels | None = None,
        points: Points | None = None,
    ) -> None:
        super().__init__()
        self.picture, self.kernels, self.points = picture, kernels, points
        self.projection = deepcopy(projection).requires_grad_(True)

    def calibrate(self, calibration: Calibration) -> None:
        """Standardise channels and points, give pixels the encoder's statistics, and kernels their biases."""
        self.picture.calibrate(*calibration.channels(), *calibration.colours())
        if not (self.kernels or self.points):
            return
        some = torch.from_numpy(calibration.some(CALIBRATION_ROWS)).to(self.projection.weight.device)
        x = self.picture.standardised(some)
        if self.kernels:
            self.kernels.calibrate(lengthened(x))
        if self.points:
            self.points.calibrate(x)

    def forward(self, x: Tensor) -> Embedded:
        """``(batch, channels, *points)`` to tokens ``(batch, tokens, width)`` and what goes around the encoder."""
        x = self.picture.standardised(x)
        tokens = self.projection(self.picture.pixels(x)).flatten(2).transpose(1, 2)
        kernels = (self.kernels(lengthened(x)),) if self.kernels else ()
        return Embedded(tokens, (*kernels, *((self.points(x),) if self.points else ())))


class TableEmbedder(nn.Module):
    """Rows of a table as one token a column, once for each scaling; the columns also go around the encoder.

    Of a wide table only the values that say most of the answer are tokens; all columns go around the encoder.

    Args:
        columns: columns of the table.
        width: width of a token.
        scalings: scalings of the columns of numbers; each gives a view of the row, with directions of its own.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
        rows: training rows, if similarities to them go around the encoder as well; 0: none do.
        tokens: tokens of a row, fewer than columns where some values are chosen; None: one a column.
    """

    numbers: Tensor
    views: Any
    scalings: Any

    def __init__(
        self,
        columns: int,
        width: int,
        scalings: Sequence[ScalingName],
        categories: Sequence[int] = (),
        rows: int = 0,
        tokens: int | None = None,
    ) -> None:
        super().__init__()
        tokens, counts = tokens or columns, list(categories) or [0] * columns
        self.chosen = ChosenValues(counts, tokens) if tokens < columns else None
        entering = [0] * tokens if self.chosen else counts
        self.views = nn.ModuleList(FeatureEmbedder(tokens, width, entering) for _ in scalings)
        self.scalings = nn.ModuleList(Scaling(name, tokens) for name in scalings)
        self.raw = RawColumns(tokens, entering)
        self.columns = RawColumns(columns, counts) if self.chosen else None
        self.compared = RawColumns(columns, counts, "robust") if rows else None
        self.kernels = Similarities(self.compared.features, rows) if self.compared else None
        self.register_buffer("numbers", torch.tensor(entering) == 0, persistent=False)

    def calibrate(self, calibration: Calibration) -> None:
        """Scale the columns, give tokens a fraction of the spread of word embeddings, and kernels their rows."""
        x = calibration.rows()
        if self.chosen and self.columns:
            self.choose(x, *calibration.answers())
            self.columns.scaling.calibrate(x)
        else:
            self._scale(x)
        if self.kernels and self.compared:
            self.compared.scaling.calibrate(x)
            some = torch.from_numpy(calibration.some(self.kernels.features)).to(self.numbers.device)
            self.kernels.calibrate(self.compared(some))
        for view in self.views:
            rescale(view, TOKEN_SPREAD * calibration.source.std() / view.bias.std())
            with torch.no_grad():
                view.direction.mul_(VALUE_SHARE)
                if hasattr(view, "levels"):
                    view.levels.mul_(VALUE_SHARE)

    def choose(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> None:
        """Choose the values that are tokens, and scale them, by rows ``(rows, columns)``, see `ChosenValues.choose`."""
        assert self.chosen
        self.chosen.choose(x, y, weights)
        self._scale(self.chosen(torch.from_numpy(x).to(self.numbers.device)).cpu().numpy())

    def _scale(self, entering: np.ndarray) -> None:
        for scaling in [*self.scalings, self.raw.scaling]:
            scaling.calibrate(entering)

    def forward(self, x: Tensor) -> Embedded:
        """``(batch, columns)`` to tokens ``(views × batch, tokens, width)`` and raw features of as many rows.

        All columns of a wide table, and the features of the kernels, ``(batch, features)`` each, are the same for all
        views and come last.
        """
        tokens, around = self.encoded(x)
        columns = (self.columns(x),) if self.columns else ()
        similar = (self.kernels(self.compared(x)),) if self.kernels and self.compared else ()
        return Embedded(tokens, (*around, *columns, *similar))

    def encoded(self, x: Tensor) -> Embedded:
        """The same without what has heads of its own."""
        x = self.chosen(x) if self.chosen else x
        tokens = [
            view(torch.where(self.numbers, scaling(x), x)).tokens
            for view, scaling in zip(self.views, self.scalings, strict=True)
        ]
        return Embedded(torch.cat(tokens), (self.raw(x).repeat(len(tokens), 1),))


class RawColumns(nn.Module):
    """The columns of a table as a linear model takes them: numbers standardised, categories and gaps as indicators.

    Args:
        columns: columns of the table.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
        scaling: scaling of the numbers.

    Attributes:
        column: the column that each feature is of, ``(features,)``.
        features: number of features.
    """

    places: Tensor
    codes: Tensor

    def __init__(self, columns: int, categories: Sequence[int] = (), scaling: ScalingName = "standard") -> None:
        super().__init__()
        self.scaling = Scaling(scaling, columns)
        counts = list(categories) or [0] * columns
        codes = [[*range(count), GAP] if count else [NUMBER, GAP] for count in counts]
        self.column = [column for column, of_column in enumerate(codes) for _ in of_column]
        self.features = len(self.column)
        self.register_buffer("places", torch.tensor(self.column), persistent=False)
        self.register_buffer(
            "codes", torch.tensor([code for of_column in codes for code in of_column]), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, columns)`` to ``(batch, features)``; a missing number is the mean, with an indicator."""
        scaled, x = self.scaling(x).nan_to_num(0.0)[:, self.places], x[:, self.places]
        indicators = torch.where(self.codes == GAP, x.isnan().to(x.dtype), (x == self.codes).to(x.dtype))
        return torch.where(self.codes == NUMBER, scaled, indicators)


class LinearHeads(nn.Module):
    """A linear head for each view and layer; the result is the mean of their predictions.

    Args:
        kind: ``classification``, ``multilabel`` or ``regression``.
        outputs: classes, labels or numbers.
        width: pooled features of a layer.
        layers: how many layers are read.
        pool: hidden states ``(batch, tokens, width)`` to ``(batch, features)``.
        views: rows of tokens a sample.
        column: the token that each raw feature is of; empty where nothing goes around the encoder.
        standardised: whether pooled features differ in spread, and the solver brings each to standard deviation 1.
        own: names and numbers of features with a head of their own, the last ones, such as the kernels'.

    Attributes:
        shares: weights of the heads in the mean, ``(heads,)``; saved models have this name.
    """

    heads: Any
    column: Tensor
    shares: Tensor

    def __init__(
        self,
        kind: str,
        outputs: int,
        width: int,
        layers: int,
        pool: Callable[[Tensor], Tensor],
        *,
        views: int = 1,
        column: Sequence[int] = (),
        standardised: bool = False,
        own: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.kind, self.encoded, self.views, self.standardised = kind, width, views, standardised
        self.pool, self.own = pool, own or {}
        widths = [width + len(column)] * (views * layers) + [*self.own.values()]
        self.heads = nn.ModuleList(nn.Linear(features, outputs) for features in widths)
        self.register_buffer("shares", torch.full((len(self.heads),), 1 / len(self.heads)))
        self.register_buffer("column", torch.tensor(column, dtype=torch.long), persistent=False)

    def inputs(self, features: Features, around: tuple[Tensor, ...] = ()) -> list[Tensor]:
        """What each head takes, ``(batch, features)``: the encoder's and raw features, the last heads their own."""
        raw, own = self._apart(around)
        return [*self.encoded_inputs(features, raw), *own]

    def encoded_inputs(self, features: Features, raw: tuple[Tensor, ...]) -> list[Tensor]:
        """What the heads of the encoder take, ``(batch, features)``."""
        blocks = [torch.cat([self.pool(states), *raw], 1).unflatten(0, (self.views, -1)) for states in features]
        return [layer[view] for view in range(self.views) for layer in blocks]

    def has_own(self, head: int) -> bool:
        """Whether the head of that number takes features of its own."""
        return head >= len(self.heads) - len(self.own)

    def forward(self, features: Features, around: tuple[Tensor, ...] = ()) -> Tensor:
        """Logits of classes or labels, or numbers in units of the standard deviation, ``(batch, outputs)``."""
        blocks = self.inputs(features, around)
        with torch.autocast(blocks[0].device.type, enabled=False):  # what a head adds up may nearly cancel
            outputs = [head(block.float()) for head, block in zip(self.heads, blocks, strict=True)]
        return combined(torch.stack(outputs), self.shares, self.kind)

    def hide(self, around: tuple[Tensor, ...], replaced: Tensor) -> tuple[Tensor, ...]:
        """Features around the encoder, ``(rows, features)``, with their mean, 0, where their tokens were replaced.

        Raw features see a column of a table each, in shares ``(rows, columns)``. The others see all of a sample.
        """
        raw, own = self._apart(around)
        whole = replaced.unflatten(0, (self.views, -1)).sum((0, 2)) == 0
        return (*(part * (1 - replaced[:, self.column]) for part in raw), *(part * whole[:, None] for part in own))

    def _apart(self, around: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Raw features, which every head of a layer takes, and those of one head each."""
        raw = len(around) - len(self.own)
        return around[:raw], around[raw:]


def combined(outputs: Tensor, weights: Tensor, kind: str) -> Tensor:
    """Weighted mean over heads: mean probabilities of classes and labels, mean numbers otherwise.

    Args:
        outputs: logits or numbers, ``(heads, batch, outputs)``.
        weights: weights of the heads, ``(heads,)``; they add up to 1.
        kind: ``classification``, ``multilabel`` or ``regression``.

    Returns:
        Logits or numbers, ``(batch, outputs)``.
    """
    outputs, weights = outputs.float(), weights[:, None, None]
    if kind == "classification":
        return (outputs.log_softmax(-1) + weights.clamp_min(1e-12).log()).logsumexp(0)
    if kind == "multilabel":
        return torch.logit((weights * outputs.sigmoid()).sum(0), eps=1e-7)
    return (weights * outputs).sum(0)


def with_weight(weights: Tensor, weight: float) -> Tensor:
    """Weights of heads ``(heads,)`` and of one more, which takes its own from all of them, ``(heads + 1,)``."""
    return torch.cat([weights * (1 - weight), torch.tensor([weight])])


def tile_features(mosaic: Mosaic) -> Callable[[Tensor], Tensor]:
    """Mean and maximum of hidden states ``(batch, tokens, width)`` over each tile, to ``(batch, features)``."""

    def pool(states: Tensor) -> Tensor:
        grid = states.transpose(1, 2).unflatten(2, mosaic.grid)
        tiles = (mosaic.rows, mosaic.columns)
        return torch.cat([F.adaptive_avg_pool2d(grid, tiles), F.adaptive_max_pool2d(grid, tiles)], 1).flatten(1)

    return pool


def _mean(states: Tensor) -> Tensor:
    return states.mean(1)


def _features(**parts: Kernels | Similarities | Points | RawColumns | None) -> dict[str, int]:
    """Number of features that each part gives to a head of its own."""
    return {name: part.features for name, part in parts.items() if part}


def build_solved_model(
    task: Task,
    start: StartConfig,
    backbone: Backbone,
    source_classes: int | None,
    categories: Sequence[int] = (),
    gate: str = "linear",
    *,
    rows: int = 0,
) -> CrossModalModel:
    """The model that a task's kind of data asks for, not yet calibrated or solved.

    Args:
        task: the target task: a table, series or images.
        start: layers and scalings.
        backbone: the source's encoder, made for the tokens of the start.
        source_classes: classes of the proxy, or None where its labels are masks.
        categories: number of categories per column of a table, 0 for numbers; empty where all are numbers.
        gate: a key of `pare.learners.networks.models.predictors.GATES`.
        rows: training rows of a table, of which some may be landmarks.

    Raises:
        PareError: where series or images meet an encoder of text.
    """
    backbone.drop_final_norm()
    kind, outputs, layers = task.output.kind, task.output.shape[0], len(start.layers)
    embedder: nn.Module
    if task.kind == "table":
        landmark_rows = rows if start.kernels else 0
        columns, tokens = task.input.shape[0], prod(backbone.grid)
        embedder = TableEmbedder(columns, backbone.width, start.scalings, categories, landmark_rows, tokens)
        column, views = embedder.raw.column, len(start.scalings)
        own = _features(columns=embedder.columns, kernels=embedder.kernels)
        heads = LinearHeads(kind, outputs, backbone.out_width, layers, _mean, views=views, column=column, own=own)
    else:
        if not isinstance(backbone, ImageBackbone):
            raise PareError(
                f"the solved start shows {task.kind} data to an encoder as pictures, "
                f"{backbone.encoder.config.model_type} takes text; use an image encoder, e.g. source=dinov2_small, or "
                "start=random"
            )
        mosaic, views = mosaic_of(task), 1
        projection = backbone.entrance.projection
        channels, *points = task.input.shape
        picture = Picture(mosaic, int(projection.kernel_size[0]), channels)
        kernels = Kernels(channels, shown_points(points[0])) if start.kernels else None
        themselves = Points(channels, points[0]) if start.points else None
        embedder, pool = PictureEmbedder(picture, projection, kernels, themselves), tile_features(mosaic)
        width, own = 2 * backbone.out_width * mosaic.tiles, _features(kernels=kernels, points=themselves)
        heads = LinearHeads(kind, outputs, width, layers, pool, standardised=True, own=own)
    return CrossModalModel(
        backbone,
        embedder,
        Gate(backbone.width, gate),
        heads,
        build_units(task),
        build_source_predictor(backbone, source_classes),
        layers=start.layers,
        views=views,
        solved=True,
    )
