"""What one epoch of a training mixed, summed over its steps."""

import torch
from torch import Tensor

from pare.mixing.mixers import Mixture

SCORE_BINS = 500  # of equal width over 0..1; the scores of a gate that learns little differ by a few hundredths


class EpochMixing:
    """How often each target slot was replaced in an epoch, and how the gate scored the tokens.

    Args:
        tokens: of a sample.
        steps: of the epoch.

    Attributes:
        replaced: share of the samples in which each slot was replaced, ``(tokens,)``.
        gate_scores: how many target tokens, and source tokens, the gate gave a score in each bin, ``(2, SCORE_BINS)``.
    """

    def __init__(self, tokens: int, steps: int) -> None:
        self.steps = steps
        self.replaced = torch.zeros(tokens)
        self.gate_scores = torch.zeros(2, SCORE_BINS, dtype=torch.long)

    def add(self, mixture: Mixture | None) -> None:
        """Count what a step mixed, if anything."""
        if mixture is None:
            return
        if mixture.replaced is not None:
            self.replaced += mixture.replaced.float().mean(0).cpu() / self.steps
        if mixture.scores is not None:
            self.gate_scores += torch.stack([_histogram(scores) for scores in mixture.scores])


def _histogram(scores: Tensor) -> Tensor:
    return torch.histc(scores.detach().float(), SCORE_BINS, 0, 1).long().cpu()
