"""The objective of a run: where the model and the mixing of modalities meet (paper, equations 1 and 2)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.errors import unknown_name
from pare.config.hyperparameters import MixingConfig, TrainingConfig
from pare.learners.networks.mixing.curriculum import SHAPES
from pare.learners.networks.mixing.mixers import MIXERS, MixingStep, Mixture
from pare.learners.networks.models import CrossModalModel, Network
from pare.learners.networks.models.predictors import GATES, Features
from pare.learners.networks.training.losses import Loss
from pare.learners.networks.training.optimisers import unnoticed_by_batch_norms
from pare.learners.networks.training.share import Share


@dataclass(frozen=True)
class Terms:
    """One step's losses and mixture; None for a term without a loss."""

    total: Tensor
    target: Tensor | None
    mixed_target: Tensor | None = None
    source: Tensor | None = None
    mixture: Mixture | None = None

    @property
    def losses(self) -> dict[str, Tensor]:
        """Those that there are, by their names in the history."""
        names = {"loss": self.total, "loss_target": self.target, "loss_mixed_target": self.mixed_target}
        return {name: loss for name, loss in {**names, "loss_source": self.source}.items() if loss is not None}


class Objective(nn.Module):
    """Total loss of a batch, of which several processes have a share each.

    Args:
        model: the network; one around an encoder where anything is mixed.
        loss: the task's loss L_tar.
        training: weights of the terms.
        mixing: how tokens are mixed, or None for plain fine-tuning.
        share: rows that this process feeds to the network; None: all.
    """

    def __init__(
        self,
        model: Network,
        loss: Loss,
        training: TrainingConfig,
        mixing: MixingConfig | None,
        share: Share | None = None,
    ) -> None:
        super().__init__()
        self.share = share or Share()
        self.model, self.loss, self.training_config, self.mixing = model, loss, training, mixing

    def forward(
        self,
        x: Tensor,
        y: Tensor,
        source: Tensor | None = None,
        source_y: Tensor | None = None,
        *,
        anchor: Tensor | None = None,
        k: int = 0,
        noise: Tensor | None = None,
    ) -> Terms:
        """Losses of one batch.

        Args:
            x: target samples, ``(batch, …)``.
            y: their labels or fields.
            source: proxy samples, one for each row of tokens, ``(rows, …)``; needed where k > 0.
            source_y: their labels, ``(rows,)`` or ``(rows, *mask grid)``.
            anchor: the anchor's predictions, to which the model's are added, ``(batch, …)``; None without an anchor.
            k: tokens to replace. With k = 0 the mixed batch is the target batch: no second pass.
            noise: random numbers of the mixer, see `pare.learners.networks.mixing.mixers.Mixer`.
        """
        weights, share, rows = self.training_config, self.share, len(x)
        loss = self.loss if anchor is None else _added(self.loss, anchor)
        if k == 0 or source is None or source_y is None:
            plain = loss(share.whole(self.model.learnt(share.own(x)), rows), y)
            both = self._beta_target + (weights.beta_mixed if self.mixing else 0.0)
            return Terms(total=both * plain, target=plain)

        model = self._cross_modal
        tokens, around = model.embed(share.own(x))
        own_noise = None if noise is None else share.own(noise, model.views, axis=1)
        mixture = self.mix(tokens, share.own(source, model.views), k, own_noise, x)
        features, mixed_features = self._encoded(tokens, mixture.tokens)
        target = None
        if features is not None:
            target = loss(share.whole(model.predict_target(features, around), rows), y)
        with unnoticed_by_batch_norms(model):  # mixed rows are not among those that are predicted later
            mixed_prediction = share.whole(
                model.predict_target(mixed_features, model.hide(around, mixture.hidden(tokens))), rows
            )
        mixed_target = loss(mixed_prediction, y)
        source_loss = self._source_loss(mixed_features, mixed_prediction, y, source_y, anchor)

        mixed_loss = mixed_target
        if source_loss is not None:
            mixed_loss = (1 - mixture.share) * mixed_target + mixture.share * weights.source_weight * source_loss
        total = weights.beta_mixed * mixed_loss
        if target is not None:
            total = total + self._beta_target * target
        return Terms(total, target, mixed_target, source_loss, self._noted(mixture, rows))

    @property
    def _cross_modal(self) -> CrossModalModel:
        assert isinstance(self.model, CrossModalModel)  # nothing is mixed into other networks
        return self.model

    @property
    def _alone(self) -> bool:
        return self.mixing is not None and self.mixing.passes == 1

    @property
    def _beta_target(self) -> float:
        """Nothing where mixed rows replace the target's: plain steps are mixed ones with k = 0."""
        return 0.0 if self._alone else self.training_config.beta_target

    def _encoded(self, tokens: Tensor, mixed: Tensor) -> tuple[Features | None, Features]:
        """Features of target and mixed tokens, encoded together; none of the target's where mixed rows are alone."""
        if self._alone:
            return None, self._cross_modal.encode(mixed)
        both = [layer.chunk(2) for layer in self._cross_modal.encode(torch.cat([tokens, mixed]))]
        features, mixed_features = (tuple(part) for part in zip(*both, strict=True))
        return features, mixed_features

    def _source_loss(
        self, features: Features, prediction: Tensor, y: Tensor, source_y: Tensor, anchor: Tensor | None
    ) -> Tensor | None:
        """Loss for the tokens that were mixed in: the proxy's label, the other target sample's, or None for zeros."""
        assert self.mixing is not None
        if self.mixing.partner == "nothing":
            return None
        if self.mixing.partner == "target":
            loss = self.loss if anchor is None else _added(self.loss, anchor.roll(1, 0))
            return loss(prediction, y.roll(1, 0))
        model = self._cross_modal
        predicted = self.share.whole(model.predict_source(features).float(), len(y), model.views)
        return F.cross_entropy(predicted, source_y)

    def mix(self, tokens: Tensor, source: Tensor, k: int, noise: Tensor | None, x: Tensor | None = None) -> Mixture:
        """Mix other tokens into the target's, ``(rows, tokens, width)``, by the method's mixer.

        Args:
            tokens: the target's.
            source: proxy samples, one for each row of tokens.
            k: tokens to replace.
            noise: random numbers of the mixer for the rows of tokens.
            x: target samples of the whole batch, where several processes have a share each.
        """
        assert self.mixing is not None
        grid, gate = self._cross_modal.backbone.grid, self._cross_modal.gate
        step = MixingStep(tokens, self._partner(tokens, source, x), k, grid, gate, self.mixing, noise)
        return MIXERS[self.mixing.mixer].mix(step)

    def _partner(self, tokens: Tensor, source: Tensor, x: Tensor | None) -> Tensor:
        assert self.mixing is not None
        model = self._cross_modal
        if self.mixing.partner == "target":
            if x is None or self.share.is_whole:
                return tokens.unflatten(0, (model.views, -1)).roll(1, 1).flatten(0, 1)
            with unnoticed_by_batch_norms(model):  # the row before may be another process's
                return model.embed(self.share.own(x.roll(1, 0))).tokens
        if self.mixing.partner == "nothing":
            return torch.zeros_like(tokens)
        return model.embed_source(source).to(tokens.dtype)

    def _noted(self, mixture: Mixture, rows: int) -> Mixture:
        """The mixture with the choices and scores of all processes."""
        if self.share.is_whole:
            return mixture

        def whole(values: Tensor) -> Tensor:
            return self.share.whole(values.detach(), rows, self._cross_modal.views)

        replaced, scores = mixture.replaced, mixture.scores
        return replace(
            mixture,
            replaced=None if replaced is None else whole(replaced),
            scores=None if scores is None else (whole(scores[0]), whole(scores[1])),
        )


def _added(loss: Loss, anchor: Tensor) -> Loss:
    """A loss of a network that adds to an anchor."""
    return lambda prediction, target: loss(prediction + anchor, target)


def check_mixing(mixing: MixingConfig) -> None:
    """Refuse a mixer, a gate or a curriculum that does not exist, before any file is brought.

    Raises:
        PareError: naming the nearest one that does.
    """
    if mixing.mixer not in MIXERS:
        raise unknown_name("mixing.mixer", mixing.mixer, MIXERS, "pare.learners.networks.mixing.mixers.MIXERS")
    if mixing.gate not in GATES:
        raise unknown_name("mixing.gate", mixing.gate, GATES, "pare.learners.networks.models.predictors.GATES")
    if mixing.curriculum not in SHAPES:
        raise unknown_name(
            "mixing.curriculum", mixing.curriculum, SHAPES, "pare.learners.networks.mixing.curriculum.SHAPES"
        )
