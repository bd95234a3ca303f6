"""Which steps of a training mix rows of the proxy in, how many tokens they replace, and what is noted of it."""

from collections.abc import Iterator
from itertools import islice
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pare.config.run import Run
from pare.learners.networks.draws import Draws
from pare.learners.networks.mixing import Curriculum
from pare.learners.networks.mixing.mixers import MIXERS, Mixture
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.training.background import drawn_ahead
from pare.learners.networks.training.optimisers import require_plain_steps
from pare.learners.networks.training.source_batches import SourceBatches

SCORE_BINS = 500  # bins of equal width over 0..1; the scores of a gate that learns little differ by a few hundredths


class Mixed(NamedTuple):
    """What a step mixes in.

    Attributes:
        x: rows of the proxy.
        y: their labels.
        k: tokens to replace in each target row.
    """

    x: Tensor
    y: Tensor
    k: int


class ProxyMixing:
    """The mixing of a run.

    Args:
        run: its mixing, tokens, seed and batch size.
        network: the network, which is fed with both kinds of rows.
        source: batches of the proxy.
    """

    def __init__(self, run: Run, network: CrossModalModel, source: SourceBatches) -> None:
        assert run.mixing
        self.settings, self.tokens, self.seed = run.mixing, run.tokens, run.seed
        self.network, self.source, self.views = network, source, network.views
        self.size = run.training.batch_size * network.views

    @property
    def leaves_no_plain_step(self) -> bool:
        """Whether every row of a mixed epoch is mixed."""
        return self.settings.passes == self.settings.batches == 1

    def plan(self, epochs: int, fixed_norms: float) -> None:
        """Fix the number of epochs.

        Args:
            epochs: epochs of the training.
            fixed_norms: last share of them, with fixed batch norms.

        Raises:
            PareError: where batch norms would never see plain rows.
        """
        self.k = self._tokens_by_epoch(epochs)
        require_plain_steps(self.network, self.settings, self.k[: ceil((1 - fixed_norms) * epochs)])

    def assumed(self, epochs: int, rng: np.random.Generator) -> tuple[float, Iterator[Mixed]]:
        """The share of mixed steps in a training of so many epochs, and the most that they mix in; without an end."""
        share, most = self.mixed_epochs(epochs) / epochs, max(self._tokens_by_epoch(epochs))
        return share, (Mixed(x, y, most) for x, y in self.source.batches(self.size, rng) if most)

    def mixed_epochs(self, epochs: int) -> float:
        """The mixed steps in a training of so many epochs, in epochs."""
        return self.settings.batches * sum(map(bool, self._tokens_by_epoch(epochs)))

    def noise(self, draws: Draws, k: int) -> Tensor | None:
        """Random numbers of the mixer for a step that replaces k tokens."""
        return MIXERS[self.settings.mixer].draw(draws, self.views, self.network.backbone.grid, k)

    def epoch(self, number: int, steps: int, rng: np.random.Generator) -> "MixedEpoch":
        """What is mixed in the epoch of that number, from 0.

        Args:
            number: number of the epoch.
            steps: steps of an epoch.
            rng: decides the order of the proxy.
        """
        return MixedEpoch(self, self.k[number], number * steps, rng)

    def _tokens_by_epoch(self, epochs: int) -> list[int]:
        """How many tokens are replaced in each epoch of a training of so many."""
        mixing = self.settings
        curriculum = Curriculum(mixing.start, mixing.end, epochs, mixing.curriculum, self.seed)
        return [curriculum.tokens(epoch, self.tokens) for epoch in range(epochs)]


class MixedEpoch:
    """The mixing of one epoch; `ProxyMixing.epoch` makes it.

    Attributes:
        k: tokens to replace in a mixed step.
        row: the epoch's mixing for the history.
        gate_scores: how many target tokens, and source tokens, the gate gave a score in each bin, ``(2, SCORE_BINS)``.
    """

    def __init__(self, mixing: ProxyMixing, k: int, first: int, rng: np.random.Generator) -> None:
        self.k, self._first, self._share = k, first, mixing.settings.batches
        self._batches = mixing.source.batches(mixing.size, rng) if k else None
        self._ahead: Iterator[tuple[Tensor, Tensor]] | None = None
        self._drawn, self._steps, self._replaced = 0, 0, torch.zeros(mixing.tokens)
        self.row = {"k": k, "lambda": k / mixing.tokens}
        self.gate_scores = torch.zeros(2, SCORE_BINS, dtype=torch.long)

    def step(self, number: int) -> Mixed | None:
        """What the step of that number in the epoch mixes in; None: nothing.

        Steps are counted over the whole training: epochs of few steps have their share of mixed ones too.
        """
        before = self._first + number
        if self._batches is None or ceil((before + 1) * self._share) == ceil(before * self._share):
            return None
        self._drawn += 1
        self._ahead = self._ahead or drawn_ahead(self._batches)
        return Mixed(*next(self._ahead), self.k)

    def note(self, mixture: Mixture | None) -> None:
        """Count a step's mixture, if it has one."""
        if mixture is None:
            return
        if mixture.replaced is not None:
            self._replaced = mixture.replaced.float().mean(0) + self._replaced.to(mixture.replaced.device)
            self._steps += 1
        if mixture.scores is not None:
            found = torch.stack([_histogram(scores) for scores in mixture.scores])
            self.gate_scores = found + self.gate_scores.to(found.device)

    def state(self) -> dict[str, Any]:
        """What was drawn and noted so far, as JSON has it."""
        noted = {"replaced": self._replaced.tolist(), "gate_scores": self.gate_scores.tolist()}
        return {"drawn": self._drawn, "steps": self._steps, **noted}

    def go_on(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken: as many rows of the proxy are drawn again."""
        self._drawn, self._steps = state["drawn"], state["steps"]
        self._replaced, self.gate_scores = torch.tensor(state["replaced"]), torch.tensor(state["gate_scores"])
        if self._batches:
            self._batches = islice(self._batches, self._drawn, None)

    @property
    def replaced(self) -> Tensor:
        """Share of the mixed samples in which each slot was replaced, ``(tokens,)``."""
        return self._replaced / max(self._steps, 1)


def _histogram(scores: Tensor) -> Tensor:
    return torch.histc(scores.detach().float(), SCORE_BINS, 0, 1).long()
