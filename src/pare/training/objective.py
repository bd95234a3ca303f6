"""The objective of a run: where the model and the mixing of modalities meet (paper, equations 1 and 2)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.schema import MixingConfig, TrainingConfig
from pare.intermediate import cutmix, mixup, replace_patches
from pare.models import CrossModalModel
from pare.training.losses import Loss


@dataclass(frozen=True)
class Terms:
    """One step's losses, and which target slots were replaced, ``(batch, tokens)``; None where there is none."""

    total: Tensor
    target: Tensor
    mixed_target: Tensor | None = None
    source: Tensor | None = None
    replaced: Tensor | None = None


class Objective(nn.Module):
    """Total loss of a batch.

    Args:
        model: the model.
        loss: the task's loss L_tar.
        training: weights of the terms.
        mixing: how tokens are mixed, or None for plain fine-tuning.
    """

    def __init__(
        self, model: CrossModalModel, loss: Loss, training: TrainingConfig, mixing: MixingConfig | None
    ) -> None:
        super().__init__()
        self.model, self.loss, self.training_config, self.mixing = model, loss, training, mixing

    def forward(
        self,
        x: Tensor,
        y: Tensor,
        source: Tensor | None = None,
        source_y: Tensor | None = None,
        *,
        k: int = 0,
        generator: torch.Generator | None = None,
    ) -> Terms:
        """Losses of one batch.

        Args:
            x: target samples, ``(batch, …)``.
            y: their labels or fields.
            source: proxy samples, as many; needed where k > 0.
            source_y: their labels, ``(batch,)`` or ``(batch, *mask grid)``.
            k: tokens to replace. With k = 0 the mixed batch is the target batch: no second pass.
            generator: decides the Gumbel noise.
        """
        weights = self.training_config
        tokens = self.model.embedder(x)
        if k == 0 or source is None or source_y is None:
            target = self.loss(self.model.predict_target(self.model.backbone.encode(tokens)), y)
            both = weights.beta_target + (weights.beta_mixed if self.mixing else 0.0)
            return Terms(total=both * target, target=target)

        mixed, replaced, share = self.mix(tokens, source, k, generator)
        features = self.model.backbone.encode(torch.cat([tokens, mixed]))
        prediction, mixed_prediction = self.model.predict_target(features).chunk(2)
        target, mixed_target = self.loss(prediction, y), self.loss(mixed_prediction, y)
        source_loss = self._source_loss(features[len(tokens) :], mixed_prediction, y, source_y)

        mixed_loss = mixed_target
        if source_loss is not None:
            mixed_loss = (1 - share) * mixed_target + share * weights.source_weight * source_loss
        total = weights.beta_target * target + weights.beta_mixed * mixed_loss
        return Terms(total, target, mixed_target, source_loss, replaced)

    def _source_loss(self, features: Tensor, prediction: Tensor, y: Tensor, source_y: Tensor) -> Tensor | None:
        """Loss for what was mixed in: the proxy's label, the other target sample's, or none for zeros."""
        assert self.mixing is not None
        if self.mixing.partner == "nothing":
            return None
        if self.mixing.partner == "target":
            return self.loss(prediction, y.roll(1, 0))
        return F.cross_entropy(self.model.predict_source(features).float(), source_y)

    def mix(
        self, tokens: Tensor, source: Tensor, k: int, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor | None, float]:
        """Mix other tokens into the target's (section 3.3).

        Returns:
            Mixed tokens ``(batch, tokens, width)``; which slots were replaced, ``(batch, tokens)``, or None where all
            were blended; the share of what is not the target's.
        """
        assert self.mixing is not None
        other, share = self._partner(tokens, source), k / tokens.shape[1]
        if self.mixing.mixer == "mixup":
            return mixup(tokens, other, share), None, share
        if self.mixing.mixer == "cutmix":
            return cutmix(tokens, other, share, self.model.backbone.grid, generator)
        mixed, replaced = replace_patches(
            tokens,
            other,
            self._scores(tokens),
            self._scores(other),
            k,
            tau=self.mixing.temperature,
            noise=self.mixing.noise,
            exact_rounds=self.mixing.exact_rounds,
            generator=generator,
        )
        return mixed, replaced, share

    def _partner(self, tokens: Tensor, source: Tensor) -> Tensor:
        assert self.mixing is not None
        if self.mixing.partner == "target":
            return tokens.roll(1, 0)
        if self.mixing.partner == "nothing":
            return torch.zeros_like(tokens)
        return self.model.embed_source(source).to(tokens.dtype)

    def _scores(self, tokens: Tensor) -> Tensor:
        """Scores of the gate, or equal ones, which the noise turns into a random choice."""
        assert self.mixing is not None
        return self.model.gate(tokens) if self.mixing.selector == "gate" else tokens.new_zeros(tokens.shape[:2])
