"""Optimisers, averaged weights, fixed batch norms."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from pare.config import PareError
from pare.config.hyperparameters import MixingConfig, TrainingConfig
from pare.learners.networks.training.optimisers import (
    WeightAverage,
    build_optimiser,
    fix_batch_norms,
    muon,
    orthogonal,
    require_plain_steps,
    unnoticed_by_batch_norms,
)


def convolutions():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 4, 2), nn.Linear(4, 4))


def stepped(model, optimiser, gradients):
    """The weights after steps with given gradients."""
    for gradient in gradients:
        for weight, values in zip(model.parameters(), gradient, strict=True):
            weight.grad = values.clone()
        optimiser.step()
    return [weight.detach().clone() for weight in model.parameters()]


def random_gradients(model, steps=3):
    generator = torch.Generator().manual_seed(1)
    return [[torch.randn(w.shape, generator=generator) for w in model.parameters()] for _ in range(steps)]


def test_other_weights_learn_as_by_adamw():
    model, reference = convolutions(), convolutions()
    gradients, betas = random_gradients(model, 20), (0.9, 0.98)
    ours = stepped(model, muon(model, [{"params": list(model.parameters())}], 1e-2, 1e-3, betas), gradients)
    adamw = torch.optim.AdamW(reference.parameters(), 1e-2, weight_decay=1e-3, betas=betas, fused=True)
    expected = stepped(reference, adamw, gradients)
    kernels = {"0.weight", "2.weight"}
    for (name, _), ours_now, adamw_now in zip(model.named_parameters(), ours, expected, strict=True):
        assert torch.equal(ours_now, adamw_now) == (name not in kernels), name


def test_a_kernel_learns_as_a_matrix_by_the_muon_of_torch():
    theirs = getattr(torch.optim, "Muon", None)
    if theirs is None:
        pytest.skip("torch has Muon since 2.9")
    model = nn.Conv2d(3, 8, 3, bias=False)
    matrix = nn.Parameter(model.weight.detach().flatten(1).clone())
    gradients = random_gradients(model)
    ours = stepped(model, muon(model, [{"params": list(model.parameters())}], 1e-2, 1e-3, (0.9, 0.98)), gradients)
    reference = theirs([matrix], lr=1e-2, weight_decay=1e-3, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for (gradient,) in gradients:
        matrix.grad = gradient.flatten(1)
        reference.step()
    torch.testing.assert_close(ours[0].flatten(1), matrix.detach(), atol=1e-3, rtol=0)  # theirs is in bfloat16
    assert (ours[0].flatten(1) - nn.Conv2d(3, 8, 3).weight.flatten(1)).abs().max() > 1e-2


@pytest.mark.parametrize("dtype", [torch.cfloat, torch.float32])
@pytest.mark.parametrize("name", ["SGD", "AdamW", "Muon"])
def test_complex_weights_and_those_whose_first_gradient_comes_late_learn(name, dtype):
    model = nn.Module()
    model.spectral = nn.Parameter(torch.randn(3, 2, dtype=dtype))
    model.late = nn.Parameter(torch.randn(2))
    before = {key: value.clone() for key, value in model.named_parameters()}
    training = TrainingConfig(epochs=1, batch_size=1, optimiser=name, learning_rate=0.1)
    optimiser = build_optimiser(model, [{"params": list(model.parameters())}], training)
    for step in range(3):
        model.spectral.grad = torch.ones_like(model.spectral)
        model.late.grad = torch.ones(2) if step else None
        optimiser.step()
    assert all((value != before[key]).all() for key, value in model.named_parameters())


def test_a_step_changes_all_directions_alike():
    model = nn.Conv1d(16, 8, 3, bias=False)
    before = model.weight.detach().flatten(1).clone()
    stretched = torch.randn(8, 48) * torch.logspace(0, -2, 8).unsqueeze(1)  # some rows have a hundredth of others
    ours = stepped(
        model, muon(model, [{"params": [model.weight]}], 1.0, 0.0, (0.9, 0.98)), [[stretched.view_as(model.weight)]]
    )
    singular = torch.linalg.svdvals(ours[0].flatten(1) - before) / (0.2 * 48**0.5)
    assert singular.min() > 0.5
    assert singular.max() < 1.3


@pytest.mark.parametrize("shape", [(3, 8, 20), (2, 20, 8), (1, 5, 5)])
def test_orthogonal_changes_the_singular_values_only(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    values = values / values.norm(dim=1, keepdim=True)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    expected = left @ torch.diag_embed(values) @ right
    torch.testing.assert_close(orthogonal(matrices).double(), expected, atol=1e-4, rtol=0)


def test_a_gradient_of_zeros_and_none_at_all_change_nothing():
    model = convolutions()
    before = [weight.detach().clone() for weight in model.parameters()]
    optimiser = muon(model, [{"params": list(model.parameters())}], 1e-2, 0.0, (0.9, 0.98))
    optimiser.step()
    after = stepped(model, optimiser, [[torch.zeros_like(weight) for weight in before]])
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_wide_kernels_are_left_to_adamw_and_groups_keep_their_rates():
    model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.Conv2d(200, 200, 1))
    optimiser = build_optimiser(
        model,
        [{"params": list(model[0].parameters())}, {"params": list(model[1].parameters()), "lr": 0.5}],
        TrainingConfig(epochs=1, batch_size=1, optimiser="Muon", learning_rate=0.1),
    )
    found = [(len(g["params"]), g["lr"], g["kernels"]) for g in optimiser.param_groups]
    assert found == [(1, 0.1, False), (1, 0.1, True), (2, 0.5, False)]
    assert optimiser.param_groups[0]["betas"] == (0.9, 0.98)


def test_the_state_goes_on_after_a_checkpoint():
    model, again = convolutions(), convolutions()
    gradients = random_gradients(model, 4)
    first = muon(model, [{"params": list(model.parameters())}], 1e-2, 0.0, (0.9, 0.98))
    stepped(model, first, gradients[:2])
    second = muon(again, [{"params": list(again.parameters())}], 1e-2, 0.0, (0.9, 0.98))
    again.load_state_dict(model.state_dict())
    second.load_state_dict(deepcopy(first.state_dict()))
    for one, other in zip(stepped(model, first, gradients[2:]), stepped(again, second, gradients[2:]), strict=True):
        assert torch.equal(one, other)


def moved(model):
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn_like(weights))
    return model[0].weight.detach().clone()


def test_weights_are_averaged_with_falling_shares():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3).requires_grad_(False))
    average, expected = WeightAverage(model, 0.8), None
    for step in range(60):
        now = moved(model)
        average.update()
        keep = min(0.8, (1 + step) / (10 + step))
        expected = now if expected is None else keep * expected + (1 - keep) * now
    frozen = model[1].weight.clone()
    with average.applied():
        torch.testing.assert_close(model[0].weight, expected)
        assert torch.equal(model[1].weight, frozen)
    assert torch.equal(model[0].weight, now)


def test_an_average_goes_on_from_its_state():
    model = nn.Sequential(nn.Linear(2, 3))
    one = WeightAverage(model, 0.9)
    for _ in range(5):
        moved(model)
        one.update()
    other = WeightAverage(model, 0.9)
    other.load_state_dict(deepcopy(one.state_dict()))
    moved(model)
    one.update(), other.update()
    with one.applied():
        expected = model[0].weight.clone()
    with other.applied():
        assert torch.equal(model[0].weight, expected)


def test_fixed_statistics_stay_while_scales_and_all_else_are_learnt():
    model = nn.Sequential(nn.Conv1d(2, 3, 1), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    model(torch.randn(8, 2, 5))
    fix_batch_norms(model)
    mean = model[1].running_mean.clone()
    model(torch.randn(8, 2, 5) + 7).square().sum().backward()
    assert torch.equal(model[1].running_mean, mean)
    assert model[1].weight.grad.abs().min() > 0
    assert model[2].training


def test_a_fixed_norm_does_to_a_row_what_it_does_without_the_others():
    model = nn.Sequential(nn.BatchNorm2d(3)).train()
    model(torch.randn(8, 3, 4, 4) * 2 + 1)
    fix_batch_norms(model)
    rows = torch.randn(5, 3, 4, 4)
    torch.testing.assert_close(model(rows)[:1], model(rows[:1]))


def test_what_passes_unnoticed_is_normalised_by_its_own_batch_and_leaves_no_trace():
    model = nn.Sequential(nn.BatchNorm2d(3)).train()
    model(torch.randn(8, 3, 4, 4) * 2 + 1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = torch.randn(5, 3, 4, 4) + 7
    with unnoticed_by_batch_norms(model):
        found = model(rows)
    torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model(rows)
    assert not torch.equal(model[0].running_mean, before["0.running_mean"])


def test_what_passes_unnoticed_is_normalised_by_statistics_that_were_fixed():
    model = nn.Sequential(nn.BatchNorm2d(3)).train()
    fix_batch_norms(model)
    rows = torch.randn(5, 3, 4, 4) + 7
    with unnoticed_by_batch_norms(model):
        torch.testing.assert_close(model(rows), rows, rtol=1e-4, atol=1e-4)


def test_a_training_whose_norms_would_see_mixed_rows_alone_is_refused():
    model, alone = nn.Sequential(nn.BatchNorm1d(3)), MixingConfig(start=0.3, passes=1)
    with pytest.raises(PareError, match=r"in 2 epochs before they are fixed.*early with training\.fixed_norms=0\.6"):
        require_plain_steps(model, alone, [4, 2])
    require_plain_steps(model, alone, [4, 0])
    require_plain_steps(model, alone.model_copy(update={"batches": 0.5}), [4, 2])
    require_plain_steps(model, alone.model_copy(update={"passes": 2}), [4, 2])
    require_plain_steps(nn.LayerNorm(3), alone, [4, 2])
