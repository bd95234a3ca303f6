"""What one epoch of a training mixed, summed over its steps."""

import torch
from torch import Tensor

from pare.mixing.mixers import Mixture

SCORE_BINS = 500  # of equal width over 0..1; the scores of a gate that learns little differ by a few hundredths


class EpochMixing:
    """How often each target slot was replaced in the mixed steps of an epoch, and how the gate scored the tokens.

    Args:
        tokens: of a sample.

    Attributes:
        gate_scores: how many target tokens, and source tokens, the gate gave a score in each bin, ``(2, SCORE_BINS)``.
    """

    def __init__(self, tokens: int) -> None:
        self._steps, self._replaced = 0, torch.zeros(tokens)
        self.gate_scores = torch.zeros(2, SCORE_BINS, dtype=torch.long)

    @property
    def replaced(self) -> Tensor:
        """Share of the mixed samples in which each slot was replaced, ``(tokens,)``."""
        return self._replaced / max(self._steps, 1)

    def add(self, mixture: Mixture | None) -> None:
        """Count what a step mixed, if anything."""
        if mixture is None:
            return
        if mixture.replaced is not None:
            self._replaced += mixture.replaced.float().mean(0).cpu()
            self._steps += 1
        if mixture.scores is not None:
            self.gate_scores += torch.stack([_histogram(scores) for scores in mixture.scores])


def _histogram(scores: Tensor) -> Tensor:
    return torch.histc(scores.detach().float(), SCORE_BINS, 0, 1).long().cpu()
