"""The average of weights against one by hand."""

import torch
from torch import nn

from pare.training.averages import weight_average


def test_weights_are_averaged_with_falling_shares_and_buffers_are_the_last():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    averaged = weight_average(model, 0.8)
    expected = None
    for step in range(60):
        with torch.no_grad():
            for weights in model.parameters():
                weights.copy_(torch.randn_like(weights))
        model(torch.randn(4, 2))
        averaged.update_parameters(model)
        now = model[0].weight.detach().clone()
        keep = min(0.8, (1 + step) / (10 + step))
        expected = now if expected is None else keep * expected + (1 - keep) * now
    torch.testing.assert_close(averaged.module[0].weight, expected)
    assert torch.equal(averaged.module[1].running_mean, model[1].running_mean)
