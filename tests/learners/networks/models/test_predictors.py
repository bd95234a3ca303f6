"""Predictors and the gate against loops that place every point by hand."""

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from pare.learners.networks.models.predictors import DensePredictor, Gate, PhysicalUnits, PooledPredictor


def placed(predictor, features):
    """The field, cell after cell and point after point."""
    cells = predictor.linear(features)
    channels, grid, cell = predictor.shape[0], predictor.grid, predictor.cell
    field = torch.zeros(len(features), channels, *(n * c for n, c in zip(grid, cell, strict=True)))
    for token, place in enumerate(product(*map(range, grid))):
        numbers = iter(range(cells.shape[2]))
        for channel in range(channels):
            for point in product(*map(range, cell)):
                where = tuple(p * c + q for p, c, q in zip(place, cell, point, strict=True))
                field[(slice(None), channel, *where)] = cells[:, token, next(numbers)]
    return field


@pytest.mark.parametrize(
    ("grid", "cell", "channels"), [((5,), (3,), 2), ((2, 3), (4, 4), 1), ((3, 2), (2, 5), 2), ((2, 3, 2), (2, 2, 2), 1)]
)
def test_each_tokens_cell_is_where_its_patch_was(grid, cell, channels):
    points = tuple(n * c for n, c in zip(grid, cell, strict=True))
    predictor = DensePredictor(8, grid, cell, points, (channels, *points))
    features = torch.randn(2, torch.Size(grid).numel(), 8)
    field = predictor((features,))
    assert field.shape == (2, channels, *points)
    torch.testing.assert_close(field, placed(predictor, features))


@pytest.mark.parametrize(("grid", "cell", "extent"), [((5,), (3,), (13,)), ((2, 3), (4, 4), (7, 9))])
def test_the_padding_of_the_input_is_cut_off_the_field(grid, cell, extent):
    predictor = DensePredictor(8, grid, cell, extent, (2, *extent))
    features = torch.randn(2, torch.Size(grid).numel(), 8)
    whole = placed(predictor, features)
    torch.testing.assert_close(predictor((features,)), whole[(..., *map(slice, extent))])


@pytest.mark.parametrize(("grid", "shape", "mode"), [((4,), (1, 10), "linear"), ((4, 4), (1, 10, 15), "bilinear")])
def test_a_field_that_was_resized_comes_back_to_its_own_size(grid, shape, mode):
    extent = (16,) * len(grid)
    predictor = DensePredictor(8, grid, (4,) * len(grid), extent, shape)
    features = torch.randn(2, torch.Size(grid).numel(), 8)
    expected = F.interpolate(placed(predictor, features), size=shape[1:], mode=mode, align_corners=False)
    torch.testing.assert_close(predictor((features,)), expected)


def test_classes_are_predicted_from_the_mean_token():
    predictor = PooledPredictor(8, 3)
    features = torch.randn(2, 5, 8)
    expected = sum(features[:, i] for i in range(5)) / 5 @ predictor.linear.weight.T + predictor.linear.bias
    torch.testing.assert_close(predictor((features,)), expected)


def test_physical_units_undo_the_normalisation():
    rng = torch.Generator().manual_seed(0)
    y = torch.randn(6, 1, 4, 4, generator=rng) * 3 + 100
    units = PhysicalUnits((1, 4, 4))
    torch.testing.assert_close(units(y), y)  # before it knows them, it changes nothing
    units.mean.copy_(y.mean(0))
    units.scale.copy_(y.std(0))
    torch.testing.assert_close(units((y - y.mean(0)) / y.std(0)), y)
    assert units(y.bfloat16()).dtype == torch.float32
    assert set(units.state_dict()) == {"mean", "scale"}
    assert not list(units.parameters())


def test_the_gate_scores_each_token_alone_between_0_and_1():
    gate = Gate(8)
    tokens = torch.randn(2, 5, 8)
    scores = gate(tokens)
    expected = 1 / (1 + torch.exp(-(tokens @ gate.layers.weight[0] + gate.layers.bias[0])))
    torch.testing.assert_close(scores, expected)
    torch.testing.assert_close(gate(tokens[:, [3]])[:, 0], scores[:, 3])
    assert ((scores > 0) & (scores < 1)).all()


def test_the_gate_scores_in_single_precision_whatever_the_tokens():
    assert Gate(8).bfloat16()(torch.randn(2, 5, 8).bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("kind", ["mlp", "mlp_dropout"])
def test_a_deeper_gate_scores_each_token_alone_and_drops_only_while_it_learns(kind):
    gate = Gate(8, kind)
    tokens = torch.randn(3, 5, 8)
    gate.eval()
    first, second = gate.layers[0], gate.layers[3]
    hidden = (tokens @ first.weight.T + first.bias).clamp(min=0)
    torch.testing.assert_close(gate(tokens), torch.sigmoid(hidden @ second.weight[0] + second.bias[0]))
    gate.train()
    assert torch.equal(gate(tokens), gate(tokens)) == (kind == "mlp")
