"""What an epoch mixed, counted step by step."""

import torch

from pare.mixing.mixers import Mixture
from pare.training.epoch_mixing import SCORE_BINS, EpochMixing


def mixture(replaced, scores=None):
    replaced = torch.tensor(replaced, dtype=torch.bool)
    return Mixture(torch.zeros(*replaced.shape, 2), 0.5, replaced, scores)


def test_shares_of_replaced_slots_are_the_mean_over_the_steps_that_mixed():
    mixing = EpochMixing(3)
    mixing.add(mixture([[1, 0, 1], [1, 1, 0]]))
    mixing.add(None)
    mixing.add(mixture([[0, 0, 1], [1, 0, 1]]))
    torch.testing.assert_close(mixing.replaced, torch.tensor([0.75, 0.25, 0.75]))
    assert mixing.gate_scores.sum() == 0


def test_every_score_is_counted_in_its_bin_and_needs_no_gradient():
    target = torch.tensor([[0.0, 0.5], [0.999, 1.0]], requires_grad=True)
    source = torch.full((2, 2), 0.25)
    mixing = EpochMixing(2)
    for _ in range(2):
        mixing.add(mixture([[1, 0], [0, 1]], (target, source)))
    assert mixing.gate_scores.sum(1).tolist() == [8, 8]
    assert mixing.gate_scores[0].nonzero().flatten().tolist() == [0, SCORE_BINS // 2, SCORE_BINS - 1]
    assert mixing.gate_scores[1, SCORE_BINS // 4] == 8


def test_a_step_that_mixed_nothing_counts_nothing():
    mixing = EpochMixing(3)
    mixing.add(None)
    mixing.add(Mixture(torch.zeros(2, 3, 4), 0.5))
    assert mixing.replaced.sum() == mixing.gate_scores.sum() == 0
