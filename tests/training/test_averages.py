"""The average of weights against one by hand."""

import torch
from torch import nn

from pare.training.averages import WeightAverage


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
    other.load_state_dict({name: value.clone() for name, value in one.state_dict().items()})
    moved(model)
    one.update(), other.update()
    with one.applied():
        expected = model[0].weight.clone()
    with other.applied():
        assert torch.equal(model[0].weight, expected)
