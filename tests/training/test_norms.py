"""Batch norms that stop following their batches."""

import pytest
import torch
from torch import nn

from pare.config import PareError
from pare.config.hyperparameters import MixingConfig
from pare.training.norms import fix_batch_norms, require_plain_steps, unnoticed_by_batch_norms


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
