"""Relaxed top-k against the paper's iterative operator, and where that one has no answer."""

import math
import runpy
from pathlib import Path

import pytest
import torch

from pare.learners.networks.mixing import relaxed_top_k
from pare.learners.networks.mixing.selection import gumbel, relaxed_top_ks

iterative_kappa = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "iterative.py"))["iterative_kappa"]
TAU = 0.9


def drawn(scores, seed):
    """The noise of a seed."""
    return gumbel(scores.shape, device=scores.device, generator=torch.Generator().manual_seed(seed))


def perturbed_scores(batch, tokens, seed=0):
    """Sigmoid-like scores plus Gumbel noise, as the paper selects from."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(batch, tokens, dtype=torch.float64, generator=generator)
    noise = -torch.empty_like(scores).exponential_(generator=generator).log()
    return (scores + noise).requires_grad_()


def gradient(of, scores, seed=1):
    weight = torch.randn(scores.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.autograd.grad((of * weight).sum(), scores)[0]


def by_top_of_kappa(kappa, k):
    return torch.zeros_like(kappa).scatter(-1, kappa.topk(k, dim=-1).indices, 1.0)


@pytest.mark.parametrize(("tokens", "k"), [(3136, 30), (3136, 300), (784, 250), (784, 750)])
def test_mask_and_gradient_match_the_iterative_operator(tokens, k):
    scores = perturbed_scores(4, tokens)
    kappa = iterative_kappa(scores, k, TAU)
    expected = gradient(kappa, scores)
    mask = relaxed_top_k(scores, k, TAU, noise=False)
    assert torch.equal(mask, by_top_of_kappa(kappa.detach(), k))
    found = gradient(mask, scores)
    assert (torch.cosine_similarity(found, expected, dim=-1) >= 0.9999).all()
    assert ((found - expected).norm() / expected.norm()).item() < 0.01


@pytest.mark.parametrize("k", range(1, 7))
def test_gradient_is_the_iterative_one_to_rounding_when_every_round_is_exact(k):
    scores = (4 * perturbed_scores(3, 7)).detach().requires_grad_()
    expected = gradient(iterative_kappa(scores, k, TAU), scores)
    found = gradient(relaxed_top_k(scores, k, TAU, noise=False, exact_rounds=8), scores)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def closed_form(scores, k):
    """Kappa of the closed form, its constraint sum(kappa) = k solved by plain bisection."""
    low, high = torch.full((len(scores), 1), -500.0).double(), torch.full((len(scores), 1), 500.0).double()
    zero = torch.zeros_like(scores)
    for _ in range(70):
        middle = (low + high) / 2
        small = TAU * torch.logaddexp(scores / TAU + middle, zero).sum(-1, keepdim=True) < k
        low, high = torch.where(small, middle, low), torch.where(small, high, middle)
    return TAU * torch.logaddexp(scores / TAU + low, zero)


@pytest.mark.parametrize("spread", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("k", [1, 4, 8])
def test_closed_form_gradient_is_the_slope_of_the_closed_form(k, spread):
    row = spread * perturbed_scores(1, 9).detach()
    scores = row.repeat(9, 1).requires_grad_()
    mask = relaxed_top_k(scores, k, TAU, noise=False, exact_rounds=0)
    jacobian = torch.autograd.grad(mask.diagonal().sum(), scores)[0]  # row j: the gradient of kappa_j
    step = 1e-5 * torch.eye(9, dtype=torch.float64)
    slope = (closed_form(row + step, k) - closed_form(row - step, k)) / 2e-5
    torch.testing.assert_close(jacobian, slope.T, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("k", [0, 12])
def test_no_gradient_where_nothing_can_be_chosen(k):
    scores = perturbed_scores(3, 12)
    mask = relaxed_top_k(scores, k)
    assert (mask == (k > 0)).all()
    assert (gradient(mask, scores) == 0).all()


@pytest.mark.parametrize("k", [1, 20, 49])
@pytest.mark.parametrize("exact_rounds", [0, 8])
def test_equal_scores_share_the_gradient_equally(k, exact_rounds):
    scores = torch.full((2, 50), 0.5, dtype=torch.float64, requires_grad=True)
    mask = relaxed_top_k(scores, k, noise=False, exact_rounds=exact_rounds)
    assert (mask.sum(-1) == k).all()
    jacobian_row = torch.autograd.grad(mask[:, 0].sum(), scores)[0]
    others = jacobian_row[:, 1:]
    torch.testing.assert_close(others, others[:, :1].expand_as(others))
    torch.testing.assert_close(jacobian_row.sum(-1), torch.zeros(2, dtype=torch.float64))
    assert (jacobian_row[:, 0] > 0).all()


def test_rows_are_selected_independently():
    scores = perturbed_scores(3, 100)
    together = gradient(relaxed_top_k(scores, 40, noise=False), scores)
    weight = torch.randn(3, 100, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    row = scores[1:2].detach().requires_grad_()
    mask = relaxed_top_k(row, 40, noise=False)
    alone = torch.autograd.grad((mask * weight[1:2]).sum(), row)[0]
    torch.testing.assert_close(together[1:2], alone)


def test_groups_with_a_k_of_their_own_are_as_if_they_were_alone():
    ks = (0, 3, 30, 40)  # 3 is fewer than the exact rounds
    scores = perturbed_scores(4 * 2, 40).detach().view(4, 2, 40).requires_grad_()
    masks = relaxed_top_ks(scores, ks, noise=False)
    weight = torch.randn(4, 2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    together = torch.autograd.grad((masks * weight).sum(), scores)[0]
    for group, k in enumerate(ks):
        rows = scores[group].detach().requires_grad_()
        mask = relaxed_top_k(rows, k, noise=False)
        assert torch.equal(masks[group], mask)
        alone = torch.autograd.grad((mask * weight[group]).sum(), rows)[0]
        torch.testing.assert_close(together[group], alone)


@pytest.mark.parametrize("k", [1, 2, 5, 15, 17, 19])
@pytest.mark.parametrize("noise", [True, False])
def test_infinite_scores_are_always_or_never_taken_and_leave_every_gradient_finite(k, noise):
    scores = perturbed_scores(4, 20).detach()
    scores[1, [3, 7]] = math.inf
    scores[2, [0, 4, 9]] = -math.inf
    scores[3, [3, 7]], scores[3, [0, 4, 9]] = math.inf, -math.inf
    scores.requires_grad_()
    mask = relaxed_top_k(scores, k, noise=noise)
    assert (mask.sum(-1) == k).all()
    assert (mask[[1, 3]][:, [3, 7]].sum(-1) == min(k, 2)).all()
    assert (mask[2:, [0, 4, 9]].sum(-1) == max(0, k - 17)).all()
    found = gradient(mask, scores)
    assert found.isfinite().all()
    assert (found[scores.isinf()] == 0).all()


def test_minus_infinity_is_as_if_the_token_were_not_there():
    scores = perturbed_scores(2, 30)
    padded = torch.cat([scores.detach(), torch.full((2, 5), -math.inf, dtype=torch.float64)], dim=1).requires_grad_()
    weight = torch.randn(2, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = gradient(relaxed_top_k(scores, 12, noise=False), scores)
    found = torch.autograd.grad((relaxed_top_k(padded, 12, noise=False)[:, :30] * weight).sum(), padded)[0]
    torch.testing.assert_close(found[:, :30], expected)


@pytest.mark.parametrize("all_scores", [math.inf, -math.inf])
def test_rows_of_one_infinity_have_k_ones_and_no_gradient(all_scores):
    scores = torch.full((2, 10), all_scores, requires_grad=True)
    mask = relaxed_top_k(scores, 4)
    assert (mask.sum(-1) == 4).all()
    assert (torch.autograd.grad(mask[:, :3].sum(), scores)[0] == 0).all()


@pytest.mark.parametrize("gap", [50.0, 1e4, 1e30, 1e300])
@pytest.mark.parametrize("k", [1, 3, 15, 19])
def test_gradients_stay_finite_and_bounded_where_one_score_dominates(gap, k):
    scores = perturbed_scores(2, 20).detach()
    scores[:, 5] += gap
    scores[1, 6] -= gap
    scores.requires_grad_()
    found = gradient(relaxed_top_k(scores, k, noise=False), scores)
    assert found.isfinite().all()
    assert found.abs().max() < 1e3


def test_a_nan_score_shows_in_the_gradient_of_its_row_only():
    scores = perturbed_scores(2, 20).detach()
    scores[0, 3] = math.nan
    scores.requires_grad_()
    mask = relaxed_top_k(scores, 12)
    assert (mask.sum(-1) == 12).all()
    found = gradient(mask, scores)
    assert found[0].isnan().all()
    assert found[1].isfinite().all()


def test_the_generator_alone_decides_the_noise():
    scores = torch.rand(2, 200, generator=torch.Generator().manual_seed(0))

    def choice(seed):
        return relaxed_top_k(scores, 50, noise=drawn(scores, seed))

    torch.manual_seed(1)
    first = choice(7)
    torch.manual_seed(2)
    assert torch.equal(first, choice(7))
    assert not torch.equal(first, choice(8))


def test_noise_takes_each_token_with_its_softmax_probability():
    scores = torch.tensor([[0.0, 1.0, 2.0]]).expand(20_000, 3)
    frequency = relaxed_top_k(scores, 1, noise=drawn(scores, 0)).mean(0)
    torch.testing.assert_close(frequency, scores[0].softmax(-1), rtol=0, atol=0.015)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_scores_keep_their_dtype_and_tie_no_choice(dtype):
    scores = torch.rand(2, 500, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
    mask = relaxed_top_k(scores, 400, noise=drawn(scores, 0))
    found = torch.autograd.grad(mask[:, :250].sum(), scores)[0]
    assert mask.dtype == found.dtype == dtype
    double = scores.detach().double().requires_grad_()
    exact = relaxed_top_k(double, 400, noise=drawn(double, 0))
    assert torch.equal(mask.double(), exact)
    reference = torch.autograd.grad(exact[:, :250].sum(), double)[0]
    torch.testing.assert_close(found.double(), reference, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("k", [-1, 11])
def test_an_impossible_number_is_refused_with_both_values(k):
    with pytest.raises(ValueError, match=rf"k={k} of 10 tokens"):
        relaxed_top_k(torch.rand(2, 10), k)


def test_malformed_arguments_are_refused():
    with pytest.raises(ValueError, match=r"\(10,\)"):
        relaxed_top_k(torch.rand(10), 2)
    with pytest.raises(ValueError, match="tau=0"):
        relaxed_top_k(torch.rand(1, 10), 2, 0.0)
    with pytest.raises(ValueError, match="exact_rounds=-1"):
        relaxed_top_k(torch.rand(1, 10), 2, exact_rounds=-1)
