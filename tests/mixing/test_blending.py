"""Mixup and CutMix on embeddings."""

import pytest
import torch

from pare.mixing import cutmix, mixup


def tokens(batch=6, n=24, width=3):
    return torch.randn(batch, n, width), torch.randn(batch, n, width)


def test_mixup_is_the_weighted_mean():
    target, source = tokens()
    torch.testing.assert_close(mixup(target, source, 0.3), 0.7 * target + 0.3 * source)
    assert torch.equal(mixup(target, source, 0.0), target)
    torch.testing.assert_close(mixup(target, source, 1.0), source)


@pytest.mark.parametrize(("grid", "share"), [((24,), 0.5), ((24,), 0.04), ((4, 6), 0.25), ((4, 6), 1.0), ((4, 6), 0.0)])
def test_cutmix_takes_one_block_of_neighbours_from_the_source(grid, share):
    target, source = tokens()
    mixed, replaced, covered = cutmix(target, source, share, grid, torch.Generator().manual_seed(0))
    assert torch.equal(mixed, torch.where(replaced[..., None], source, target))
    for sample in replaced.view(-1, *grid):
        assert sample.sum().item() == pytest.approx(covered * 24)
        where = sample.nonzero()
        if len(where):
            extent = where.amax(0) - where.amin(0) + 1
            assert extent.prod() == len(where)  # a full box: nothing is left out between its ends
    assert abs(covered - share) < 0.11


def test_blocks_lie_elsewhere_in_each_sample_and_reach_every_corner():
    target, source = tokens(batch=300)
    _, replaced, _ = cutmix(target, source, 0.2, (4, 6), torch.Generator().manual_seed(0))
    seen = replaced.view(300, 4, 6).any(0)
    assert seen.all()
    assert not torch.equal(replaced[0], replaced[1]) or not torch.equal(replaced[0], replaced[2])


def test_cutmix_refuses_another_grid():
    with pytest.raises(ValueError, match=r"grid \(5, 5\) has 25 tokens, target has 24"):
        cutmix(*tokens(), 0.5, (5, 5))


def test_gradients_reach_both_parents():
    target, source = (t.requires_grad_() for t in tokens())
    mixed, replaced, _ = cutmix(target, source, 0.5, (4, 6))
    (mixed.sum() + mixup(target, source, 0.25).sum()).backward()
    torch.testing.assert_close(target.grad, (~replaced).float()[..., None].expand_as(target) + 0.75)
    torch.testing.assert_close(source.grad, replaced.float()[..., None].expand_as(source) + 0.25)
