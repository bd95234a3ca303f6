"""The assembled model: two embedders, one gate, one encoder, two predictors (paper, figure 2)."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.models.backbones import Backbone
from pare.models.embedders import build_embedder, rescale
from pare.models.predictors import DensePredictor, Gate, PhysicalUnits, PooledPredictor

MASK_CELL = 4  # points of the proxy's mask that a token predicts along each axis


class CrossModalModel(nn.Module):
    """Embedders f^s and f^t, gate, encoder g, predictors h^s and h^t.

    Args:
        task: the target task.
        backbone: the source's encoder, made for the task's token grid.
        source_classes: classes of the proxy, or None where its labels are masks.
        categories: number of categories per column of a table, 0 for numbers; empty where all are numbers.
        gate: a key of `pare.models.predictors.GATES`.
    """

    def __init__(
        self,
        task: Task,
        backbone: Backbone,
        source_classes: int | None,
        categories: Sequence[int] = (),
        gate: str = "linear",
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.embedder = build_embedder(task, backbone.width, categories)
        self.gate = Gate(backbone.width, gate)
        self.predictor, self.units = _target_predictor(task, backbone)
        self.source_predictor = _source_predictor(backbone, source_classes)

    def calibrate(self, x: Tensor, source: Tensor, statistics: Mapping[str, np.ndarray]) -> None:
        """Give target tokens the spread of the encoder's own, and predictions the units of the data.

        Args:
            x: some training samples.
            source: some proxy samples, as `embed_source` takes them.
            statistics: ``y_mean`` and ``y_scale`` where the outputs were normalised.
        """
        with torch.no_grad():
            rescale(self.embedder, self.embed_source(source).std() / self.embedder(x).std())
        if "y_mean" in statistics and isinstance(self.units, PhysicalUnits):
            self.units.mean.copy_(torch.as_tensor(statistics["y_mean"]))
            self.units.scale.copy_(torch.as_tensor(statistics["y_scale"]))

    def choose_trainable(self, part: Literal["all", "layernorm"]) -> None:
        """Freeze everything in the encoder but its layer norms (FPT), or nothing."""
        if part == "layernorm":
            norms = {id(p) for m in self.backbone.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
            for parameter in self.backbone.parameters():
                parameter.requires_grad_(parameter.requires_grad and id(parameter) in norms)

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Frozen pretrained embedder f^s, ``(batch, tokens, width)``."""
        with torch.no_grad():
            return self.backbone.embed_source(inputs)

    def predict_target(self, features: Tensor) -> Tensor:
        """h^t: logits ``(batch, classes)``, or numbers or a field in physical units, ``(batch, *output shape)``."""
        return self.units(self.predictor(features))

    def predict_source(self, features: Tensor) -> Tensor:
        """h^s: logits ``(batch, classes)``, or two logits per point of the mask ``(batch, 2, *mask grid)``."""
        return self.source_predictor(features)

    def forward(self, x: Tensor) -> Tensor:
        """Prediction for target samples alone."""
        return self.predict_target(self.backbone.encode(self.embedder(x)))


def _target_predictor(task: Task, backbone: Backbone) -> tuple[nn.Module, nn.Module]:
    if task.output.kind != "dense":
        units = PhysicalUnits(task.output.shape) if task.output.kind == "regression" else nn.Identity()
        return PooledPredictor(backbone.out_width, task.output.shape[0]), units
    points = tuple(n * task.tokens.patch for n in task.grid)
    grid = backbone.out_grid
    if len(grid) != len(points):
        raise PareError(
            f"the task's field has {len(points)} axes, this encoder returns features along {len(grid)}; "
            "use a source whose encoder is not hierarchical, e.g. source=minilm"
        )
    cell = tuple(-(-p // n) for p, n in zip(points, grid, strict=True))
    extent = (task.tokens.resize,) * len(grid) if task.tokens.resize else task.input.shape[1:]
    return (
        DensePredictor(backbone.out_width, grid, cell, extent, task.output.shape),
        PhysicalUnits(task.output.shape),
    )


def _source_predictor(backbone: Backbone, classes: int | None) -> nn.Module:
    if classes is not None:
        return PooledPredictor(backbone.out_width, classes)
    grid = backbone.token_grid
    points = tuple(MASK_CELL * n for n in grid)
    return DensePredictor(backbone.out_width, grid, (MASK_CELL,) * len(grid), points, (2, *points))
