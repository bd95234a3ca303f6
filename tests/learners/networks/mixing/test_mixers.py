"""Ways of mixing tokens."""

from dataclasses import replace
from math import prod

import pytest
import torch

from pare.config.hyperparameters import MixingConfig
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.mixing import cutmix, mixup
from pare.learners.networks.mixing.mixers import MIXERS, MixingStep
from pare.learners.networks.training.share import Share

BATCH, GRID, WIDTH = 3, (4, 5), 6


def tokens(batch=6, n=24, width=3):
    return torch.randn(batch, n, width), torch.randn(batch, n, width)


def test_mixup_is_the_weighted_mean():
    target, source = tokens()
    torch.testing.assert_close(mixup(target, source, 0.3), 0.7 * target + 0.3 * source)
    assert torch.equal(mixup(target, source, 0.0), target)
    torch.testing.assert_close(mixup(target, source, 1.0), source)


@pytest.mark.parametrize(
    ("grid", "share"), [((24,), 0.5), ((24,), 0.04), ((4, 6), 0.25), ((4, 6), 1.0), ((4, 6), 0.0), ((8, 8, 8), 0.3)]
)
def test_cutmix_takes_one_block_of_neighbours_from_the_source(grid, share):
    target, source = tokens(n=prod(grid))
    mixed, replaced, covered = cutmix(target, source, share, grid)
    assert torch.equal(mixed, torch.where(replaced[..., None], source, target))
    for sample in replaced.view(-1, *grid):
        assert sample.sum().item() == pytest.approx(covered * prod(grid))
        where = sample.nonzero()
        if len(where):
            extent = where.amax(0) - where.amin(0) + 1
            assert extent.prod() == len(where)  # a full box: nothing is left out between its ends
    assert abs(covered - share) < 0.11


def test_blocks_lie_elsewhere_in_each_sample_and_reach_every_corner():
    target, source = tokens(batch=300)
    _, replaced, _ = cutmix(target, source, 0.2, (4, 6))
    seen = replaced.view(300, 4, 6).any(0)
    assert seen.all()
    assert not torch.equal(replaced[0], replaced[1]) or not torch.equal(replaced[0], replaced[2])


def test_cutmix_refuses_another_grid():
    with pytest.raises(ValueError, match=r"grid \(5, 5\) has 25 tokens, target has 24"):
        cutmix(*tokens(), 0.5, (5, 5))


def test_gradients_of_cutmix_and_mixup_reach_both_parents():
    target, source = (t.requires_grad_() for t in tokens())
    mixed, replaced, _ = cutmix(target, source, 0.5, (4, 6))
    (mixed.sum() + mixup(target, source, 0.25).sum()).backward()
    torch.testing.assert_close(target.grad, (~replaced).float()[..., None].expand_as(target) + 0.75)
    torch.testing.assert_close(source.grad, replaced.float()[..., None].expand_as(source) + 0.25)


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
    )


@pytest.mark.parametrize("name", MIXERS)
def test_a_replaced_slot_holds_another_token_and_every_other_slot_its_own(name, step):
    mixture = MIXERS[name].mix(step)
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
    mixture = MIXERS[name].mix(step)
    assert mixture.share == pytest.approx(step.share, abs=0.1)
    if mixture.replaced is not None:
        assert mixture.replaced.float().mean(1).tolist() == pytest.approx([mixture.share] * BATCH)


@pytest.mark.parametrize("name", MIXERS)
def test_gradients_reach_both_parents(name, step):
    target, other = step.target.clone().requires_grad_(), step.other.clone().requires_grad_()
    MIXERS[name].mix(replace(step, target=target, other=other)).tokens.sum().backward()
    assert target.grad.any() and other.grad.any()


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("name", ["replace", "cutmix"])
def test_two_processes_replace_the_tokens_that_one_does(name, views, step):
    """Rows of tokens are those of all samples for the first view, then for the second."""

    def replaced(share):
        drawn = MIXERS[name].draw(Draws(Generators(torch.device("cpu"), 1), 2), views, GRID, 10)
        target, other = (share.own(fill(4, 20, WIDTH)[: 2 * views], views) for fill in (torch.zeros, torch.ones))
        mixed = MIXERS[name].mix(replace(step, target=target, other=other, noise=share.own(drawn, views, axis=1)))
        return mixed.replaced.unflatten(0, (views, -1))

    assert torch.equal(torch.cat([replaced(Share(0, 2)), replaced(Share(1, 2))], 1), replaced(Share()))


def test_no_noise_is_drawn_where_all_tokens_are_replaced():
    assert MIXERS["replace"].draw(None, 1, GRID, 20) is None
