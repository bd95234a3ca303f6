"""The mixed tokens against their two parents."""

import pytest
import torch

from pare.learners.networks.mixing import relaxed_top_k, replace_patches
from pare.learners.networks.mixing.selection import gumbel

B, N, D = 3, 40, 5


def drawn(seed):
    return gumbel((2, B, N), device=torch.device("cpu"), generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def parents():
    """Target and source tokens with no value in common, and a score for each token."""
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(B * N * D, dtype=torch.float32).reshape(B, N, D) + 1
    scores = torch.rand(2, B, N, generator=generator)
    return target, -target, scores[0], scores[1]


@pytest.mark.parametrize("k", [1, 13, 39])
def test_every_token_comes_from_one_parent_and_exactly_k_from_the_source(parents, k):
    target, source, *_ = parents
    mixed, replaced = replace_patches(*parents, k)
    assert replaced.dtype == torch.bool
    assert (replaced.sum(1) == k).all()
    assert torch.equal(mixed[~replaced], target[~replaced])
    for sample in range(B):
        ancestors = {tuple(token) for token in source[sample].tolist()}
        assert {tuple(token) for token in mixed[sample][replaced[sample]].tolist()} <= ancestors


def test_lowest_target_tokens_make_room_for_the_highest_source_tokens(parents):
    _, source, target_scores, source_scores = parents
    mixed, replaced = replace_patches(*parents, 13, noise=False)
    for sample in range(B):
        lowest = target_scores[sample].argsort()[:13].sort().values
        highest = source_scores[sample].argsort(descending=True)[:13].sort().values
        assert replaced[sample].nonzero().flatten().tolist() == lowest.tolist()
        assert torch.equal(mixed[sample, lowest], source[sample, highest])


def test_both_parents_keep_their_reading_order(parents):
    mixed, replaced = replace_patches(*parents, 20)
    for sample in range(B):
        from_source = mixed[sample, replaced[sample], 0].abs()
        from_target = mixed[sample, ~replaced[sample], 0]
        assert (from_source.diff() > 0).all()
        assert (from_target.diff() > 0).all()


def test_nothing_replaced_is_the_target_and_all_replaced_the_source(parents):
    target, source, *_ = parents
    mixed, replaced = replace_patches(*parents, 0)
    assert torch.equal(mixed, target) and not replaced.any()
    mixed, replaced = replace_patches(*parents, N)
    assert torch.equal(mixed, source) and replaced.all()


def test_gradients_are_those_of_the_pseudocode_with_masks_that_multiply(parents):
    """Algorithm 1 written sample by sample, with nonzero, on the same two masks."""
    target, source, target_scores, source_scores = (parent.double().requires_grad_() for parent in parents)
    leaves = (target, source, target_scores, source_scores)
    weight = torch.randn(B, N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    k = 13

    kept = relaxed_top_k(target_scores, N - k, noise=False)
    taken = relaxed_top_k(source_scores, k, noise=False)
    samples = []
    for sample in range(B):
        token = target[sample] * kept[sample, :, None]
        free = (kept[sample] == 0).nonzero().flatten()
        chosen = (source[sample] * taken[sample, :, None])[taken[sample].nonzero().flatten()]
        samples.append(token.index_put((free,), chosen))
    expected_mixed = torch.stack(samples)
    expected = torch.autograd.grad((expected_mixed * weight).sum(), leaves)

    mixed, _ = replace_patches(*leaves, k, noise=False)
    assert torch.equal(mixed, expected_mixed)
    for found, wanted in zip(torch.autograd.grad((mixed * weight).sum(), leaves), expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_both_modalities_teach_the_gate_they_share(parents):
    target, source, *_ = parents
    for learns_from in (0, 1):
        gate = torch.nn.Linear(D, 1)
        tokens = torch.stack([target, source]) / target.max()
        scores = gate(tokens).sigmoid().squeeze(-1)
        seen = [score if side == learns_from else score.detach() for side, score in enumerate(scores)]
        mixed, _ = replace_patches(*tokens, *seen, 13)
        mixed.square().sum().backward()
        assert gate.weight.grad is not None and (gate.weight.grad != 0).any()


def test_a_parent_without_gradient_is_left_alone(parents):
    target, source, *scores = parents
    target.requires_grad_()
    mixed, replaced = replace_patches(target, source, *scores, 13)
    mixed.sum().backward()
    assert torch.equal(target.grad, (~replaced).float()[..., None].expand_as(target))
    assert source.grad is None


def test_same_generator_seed_gives_the_same_mixture(parents):
    def mix(seed):
        return replace_patches(*parents, 13, noise=drawn(seed))[0]

    assert torch.equal(mix(3), mix(3))
    assert not torch.equal(mix(3), mix(4))


def test_bfloat16_tokens_and_scores_of_another_precision_mix_in_the_dtype_of_the_target(parents):
    target, source, *scores = parents
    target = target.bfloat16().requires_grad_()
    scores = [score.requires_grad_() for score in scores]
    mixed, replaced = replace_patches(target, source, *scores, 13)
    assert mixed.dtype == torch.bfloat16
    assert torch.equal(mixed[~replaced], target[~replaced])
    mixed.float().square().mean().backward()
    assert target.grad.isfinite().all()
    assert all(score.grad.isfinite().all() and (score.grad != 0).any() for score in scores)


def test_transposed_tokens_mix_like_contiguous_ones(parents):
    target, source, *scores = parents
    strided = [tokens.transpose(1, 2).contiguous().transpose(1, 2) for tokens in (target, source)]
    mixed, _ = replace_patches(*strided, *scores, 13, noise=False)
    assert torch.equal(mixed, replace_patches(target, source, *scores, 13, noise=False)[0])


def test_parents_and_scores_of_other_shapes_are_refused_with_both_shapes(parents):
    target, source, target_scores, source_scores = parents
    with pytest.raises(ValueError, match=r"\(3, 40, 5\) and source \(3, 39, 5\)"):
        replace_patches(target, source[:, 1:], target_scores, source_scores, 3)
    with pytest.raises(ValueError, match=r"\(3, 40\) \(target\) and \(3, 39\) \(source\)"):
        replace_patches(target, source, target_scores, source_scores[:, 1:], 3)


@pytest.mark.parametrize("k", [-1, 41])
def test_an_impossible_number_is_refused_with_both_values(parents, k):
    with pytest.raises(ValueError, match=rf"k={k} of 40 tokens"):
        replace_patches(*parents, k)
