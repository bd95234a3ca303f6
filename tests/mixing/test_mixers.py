"""What every mixer promises, whatever it does."""

from dataclasses import replace

import pytest
import torch

from pare.config.hyperparameters import MixingConfig
from pare.mixing.mixers import MIXERS, MixingStep

BATCH, GRID, WIDTH = 3, (4, 5), 6


@pytest.fixture
def step():
    """Half of 20 tokens to replace; no number occurs twice in the two batches."""
    target, other = torch.randperm(2 * BATCH * 20 * WIDTH, generator=torch.Generator().manual_seed(0)).chunk(2)
    return MixingStep(
        target.view(BATCH, 20, WIDTH).float(),
        other.view(BATCH, 20, WIDTH).float(),
        10,
        GRID,
        lambda tokens: tokens.mean(-1).sigmoid(),
        MixingConfig(start=0.5),
        torch.Generator().manual_seed(1),
    )


@pytest.mark.parametrize("name", MIXERS)
def test_a_replaced_slot_holds_another_token_and_every_other_slot_its_own(name, step):
    mixture = MIXERS[name](step)
    assert mixture.tokens.shape == step.target.shape
    if mixture.replaced is None:  # every slot holds something of both
        inside = (mixture.tokens - step.target) / (step.other - step.target)
        assert ((inside > 0) & (inside < 1)).all()
        return
    assert torch.equal(mixture.tokens[~mixture.replaced], step.target[~mixture.replaced])
    for tokens, replaced, other in zip(mixture.tokens, mixture.replaced, step.other, strict=True):
        taken = (tokens[replaced][:, None] == other).all(-1)
        assert taken.any(1).all() and taken.any(0).sum() == replaced.sum()  # each is another token, none twice


@pytest.mark.parametrize("name", MIXERS)
def test_the_share_is_that_of_the_slots_and_about_the_one_that_was_asked_for(name, step):
    mixture = MIXERS[name](step)
    assert mixture.share == pytest.approx(step.share, abs=0.1)
    if mixture.replaced is not None:
        assert mixture.replaced.float().mean(1).tolist() == pytest.approx([mixture.share] * BATCH)


@pytest.mark.parametrize("name", MIXERS)
def test_gradients_reach_both_parents(name, step):
    target, other = step.target.clone().requires_grad_(), step.other.clone().requires_grad_()
    MIXERS[name](replace(step, target=target, other=other)).tokens.sum().backward()
    assert target.grad.any() and other.grad.any()
