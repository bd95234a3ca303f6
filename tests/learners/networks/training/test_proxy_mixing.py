"""Which steps are mixed, and what is noted of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pare.config.hyperparameters import MixingConfig
from pare.learners.networks.mixing.mixers import Mixture
from pare.learners.networks.training.proxy_mixing import SCORE_BINS, ProxyMixing

RNG = np.random.default_rng(0)


class Source:
    """Batches whose rows are their number."""

    def batches(self, size, rng):
        return ((torch.full((size,), number), torch.full((size,), -number)) for number in range(10**6))


@pytest.fixture
def mixing():
    """Make the mixing of a run with batches of 4 rows and 3 tokens."""

    def mixing(**settings):
        config = MixingConfig(**{"start": 1.0, "end": 0.0, **settings})
        run = SimpleNamespace(mixing=config, tokens=3, seed=0, training=SimpleNamespace(batch_size=4))
        return ProxyMixing(run, SimpleNamespace(views=2, modules=lambda: []), Source())

    return mixing


def test_every_mixed_step_has_new_rows_of_the_proxy_one_for_each_row_of_tokens(mixing):
    made = mixing()
    made.plan(3, 0.0)
    steps = [made.epoch(1, 5, RNG).step(number) for number in range(2)]
    epoch = made.epoch(1, 5, RNG)
    first, second = epoch.step(0), epoch.step(1)
    assert (first.x.tolist(), second.x.tolist()) == ([0] * 8, [1] * 8)
    assert second.y.tolist() == [-1] * 8
    assert {one.k for one in (*steps, first, second)} == {2}  # half of 3 tokens, to the even number
    assert epoch.row == {"k": 2, "lambda": 2 / 3}


def test_an_epoch_without_replaced_tokens_mixes_nothing(mixing):
    made = mixing()
    made.plan(3, 0.0)
    assert [made.epoch(2, 5, RNG).step(number) for number in range(5)] == [None] * 5


def test_the_share_of_mixed_steps_is_that_of_the_whole_training(mixing):
    made = mixing(batches=0.25, end=1.0)
    made.plan(8, 0.0)
    mixed = [made.epoch(epoch, 3, RNG).step(step) is not None for epoch in range(8) for step in range(3)]
    assert mixed == [True, False, False, False] * 6


@pytest.mark.parametrize(("curriculum", "share"), [("early", 5 / 18), ("constant", 1.0)])
def test_what_a_training_of_many_epochs_mixes_is_known_before_their_number(mixing, curriculum, share):
    found, mixed = mixing(curriculum=curriculum, batches=0.5).assumed(90, RNG)
    assert found == pytest.approx(share / 2, rel=0.1)
    assert (next(mixed).k, next(mixed).x[0]) == (3, 1)


def noted(mixing, *mixtures):
    mixing.plan(1, 0.0)
    epoch = mixing.epoch(0, 5, RNG)
    for one in mixtures:
        epoch.note(one)
    return epoch


def mixture(replaced, scores=None):
    replaced = torch.tensor(replaced, dtype=torch.bool)
    return Mixture(torch.zeros(*replaced.shape, 2), 0.5, replaced, scores)


def test_shares_of_replaced_slots_are_the_mean_over_the_steps_that_mixed(mixing):
    epoch = noted(mixing(), mixture([[1, 0, 1], [1, 1, 0]]), None, mixture([[0, 0, 1], [1, 0, 1]]))
    torch.testing.assert_close(epoch.replaced, torch.tensor([0.75, 0.25, 0.75]))
    assert epoch.gate_scores.sum() == 0


def test_every_score_is_counted_in_its_bin_and_needs_no_gradient(mixing):
    target = torch.tensor([[0.0, 0.5], [0.999, 1.0]], requires_grad=True)
    source = torch.full((2, 2), 0.25)
    epoch = noted(mixing(), *[mixture([[1, 0, 0], [0, 1, 0]], (target, source))] * 2)
    assert epoch.gate_scores.sum(1).tolist() == [8, 8]
    assert epoch.gate_scores[0].nonzero().flatten().tolist() == [0, SCORE_BINS // 2, SCORE_BINS - 1]
    assert epoch.gate_scores[1, SCORE_BINS // 4] == 8


def test_a_step_that_mixed_nothing_counts_nothing(mixing):
    epoch = noted(mixing(), None, Mixture(torch.zeros(2, 3, 4), 0.5))
    assert epoch.replaced.sum() == epoch.gate_scores.sum() == 0
