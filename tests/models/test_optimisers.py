"""Muon against torch's own on matrices, and which weights it learns."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from pare.config.hyperparameters import TrainingConfig
from pare.models.optimisers import build_optimiser, muon, orthogonal


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
    gradients, betas = random_gradients(model), (0.9, 0.98)
    ours = stepped(model, muon(model, [{"params": list(model.parameters())}], 1e-2, 1e-3, betas), gradients)
    adamw = torch.optim.AdamW(reference.parameters(), 1e-2, weight_decay=1e-3, betas=betas)
    expected = stepped(reference, adamw, gradients)
    kernels = {"0.weight", "2.weight"}
    for (name, _), ours_now, adamw_now in zip(model.named_parameters(), ours, expected, strict=True):
        assert torch.allclose(ours_now, adamw_now, atol=1e-6) == (name not in kernels), name


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
