"""The assembled model: two embedders, one gate, one encoder, two predictors (paper, figure 2)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.learners.networks.models.backbones import Backbone
from pare.learners.networks.models.calibration import Calibration
from pare.learners.networks.models.embedders import Embedded, build_embedder
from pare.learners.networks.models.network import Network
from pare.learners.networks.models.predictors import DensePredictor, Features, Gate, PhysicalUnits, PooledPredictor

MASK_CELL = 4  # points of the proxy's mask that a token predicts along each axis


class CrossModalModel(Network):
    """Embedders f^s and f^t, gate, encoder g, predictors h^s and h^t.

    Args:
        backbone: encoder g with the source's embedder f^s, made for the token grid.
        embedder: f^t, samples to `Embedded`.
        gate: scores tokens.
        predictor: h^t, from features and what went around the encoder.
        units: the predictor's output to physical units.
        source_predictor: h^s.
        layers: the layers of the encoder that the predictors read, from 1; none: its output.
        views: rows of tokens that the embedder makes of a sample.
        solved: whether embedder and predictor do not begin random.
        anchor: regression of samples to which the others' predictions are added, or None.
    """

    def __init__(
        self,
        backbone: Backbone,
        embedder: nn.Module,
        gate: nn.Module,
        predictor: nn.Module,
        units: nn.Module,
        source_predictor: nn.Module,
        *,
        layers: Sequence[int] = (),
        views: int = 1,
        solved: bool = False,
        anchor: nn.Module | None = None,
    ) -> None:
        super().__init__(units)
        self.backbone = backbone
        self.embedder, self.gate, self.predictor = embedder, gate, predictor
        self.source_predictor = source_predictor
        self.layers, self.views, self.solved = tuple(layers), views, solved
        self.anchor = anchor

    def calibrate(self, calibration: Calibration, statistics: Mapping[str, np.ndarray]) -> None:
        """Give target tokens the scale of the encoder's own, and predictions the units of the data.

        Args:
            calibration: source of the embedder's scales.
            statistics: ``y_mean`` and ``y_scale`` where the outputs were normalised.
        """
        self.embedder.calibrate(calibration)  # type: ignore[operator]
        self.set_units(statistics)

    def choose_trainable(self, part: Literal["all", "layernorm"]) -> None:
        """Freeze everything in the encoder but its layer norms (FPT), or nothing."""
        if part == "layernorm":
            norms = {id(p) for m in self.backbone.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
            for parameter in self.backbone.parameters():
                parameter.requires_grad_(parameter.requires_grad and id(parameter) in norms)

    def parameter_groups(self, new_rate: float | None) -> list[dict[str, Any]]:
        """All trainable parameters for an optimiser.

        Args:
            new_rate: learning rate of those that begin random; None: that of the others.
        """
        if new_rate is None:
            return super().parameter_groups(None)
        trainable = [p for p in self.parameters() if p.requires_grad]
        parts = [self.gate, self.source_predictor] + ([] if self.solved else [self.embedder, self.predictor])
        new = {id(p) for part in parts for p in part.parameters()}
        return [
            {"params": [p for p in trainable if id(p) not in new]},
            {"params": [p for p in trainable if id(p) in new], "lr": new_rate},
        ]

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Frozen pretrained embedder f^s, ``(batch, tokens, width)``."""
        with torch.no_grad():
            return self.backbone.embed_source(inputs)

    def embed(self, x: Tensor) -> Embedded:
        """f^t: target samples ``(batch, …)`` to tokens, and to what goes around the encoder."""
        embedded: Embedded = self.embedder(x)
        return embedded

    def encode(self, tokens: Tensor) -> Features:
        """g: tokens ``(rows, tokens, width)`` to the features of the layers that are read."""
        return self.backbone.encode_layers(tokens, self.layers) if self.layers else (self.backbone.encode(tokens),)

    def predict_target(self, features: Features, around: tuple[Tensor, ...] = ()) -> Tensor:
        """h^t: logits ``(batch, classes)``, or numbers or a field in physical units, ``(batch, *output shape)``."""
        prediction: Tensor = self.units(self.predictor(features, around))
        return prediction

    def hide(self, around: tuple[Tensor, ...], replaced: Tensor) -> tuple[Tensor, ...]:
        """Features around the encoder of a mixed sample, without those of replaced tokens.

        Args:
            around: as the embedder returned it, ``(rows, …)`` each.
            replaced: share of each token that is not the target's, in 0..1, ``(rows, tokens)``.
        """
        hidden: tuple[Tensor, ...] = self.predictor.hide(around, replaced) if around else ()  # type: ignore[operator]
        return hidden

    def predict_source(self, features: Features) -> Tensor:
        """h^s: logits ``(rows, classes)``, or two logits per point of the mask ``(rows, 2, *mask grid)``."""
        prediction: Tensor = self.source_predictor(features)
        return prediction

    def learnt(self, x: Tensor) -> Tensor:
        """Prediction for target samples alone, without the anchor's."""
        tokens, around = self.embed(x)
        return self.predict_target(self.encode(tokens), around)

    def predict(self, x: Tensor) -> Tensor:
        """Prediction for target samples alone."""
        prediction = self.learnt(x)
        return prediction if self.anchor is None else prediction + self.anchor(x)


def build_model(
    task: Task, backbone: Backbone, source_classes: int | None, categories: Sequence[int] = (), gate: str = "linear"
) -> CrossModalModel:
    """The model as the paper has it, whose embedder and predictor begin random.

    Args:
        task: the target task.
        backbone: the source's encoder, made for the task's token grid.
        source_classes: classes of the proxy, or None where its labels are masks.
        categories: number of categories per column of a table, 0 for numbers; empty where all are numbers.
        gate: a key of `pare.learners.networks.models.predictors.GATES`.
    """
    embedder: Any = build_embedder(task, backbone.width, categories)
    scores = Gate(backbone.width, gate)
    predictor, units = _target_predictor(task, backbone)
    return CrossModalModel(
        backbone, embedder, scores, predictor, units, build_source_predictor(backbone, source_classes)
    )


def _target_predictor(task: Task, backbone: Backbone) -> tuple[nn.Module, nn.Module]:
    if task.output.kind != "dense":
        return PooledPredictor(backbone.out_width, task.output.shape[0]), build_units(task)
    points = tuple(n * task.tokens.patch for n in task.grid)
    grid = backbone.out_grid
    if len(grid) != len(points):
        raise PareError(
            f"the task's field has {len(points)} axes, this encoder returns features along {len(grid)}; "
            "use a source whose encoder is not hierarchical, e.g. source=minilm"
        )
    cell = tuple(-(-p // n) for p, n in zip(points, grid, strict=True))
    extent = (task.tokens.resize,) * len(grid) if task.tokens.resize else task.input.shape[1:]
    return DensePredictor(backbone.out_width, grid, cell, extent, task.output.shape), build_units(task)


def build_units(task: Task) -> nn.Module:
    """Numbers and fields to physical units; logits as they are."""
    return PhysicalUnits(task.output.shape) if task.output.kind in ("regression", "dense") else nn.Identity()


def build_source_predictor(backbone: Backbone, classes: int | None) -> nn.Module:
    """h^s: the classes of the proxy, or None for its masks."""
    if classes is not None:
        return PooledPredictor(backbone.out_width, classes)
    grid = backbone.token_grid
    points = tuple(MASK_CELL * n for n in grid)
    return DensePredictor(backbone.out_width, grid, (MASK_CELL,) * len(grid), points, (2, *points))
