import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pare.paper.analysis.landscape import filter_normalised_direction, loss_landscapes

CPU = torch.device("cpu")
AXIS = np.array([-0.5, 0.0, 0.5])


def direction(model, seed=0):
    return filter_normalised_direction(model, torch.Generator().manual_seed(seed))


def test_every_filter_of_a_direction_has_the_norm_of_the_models_own(make_model):
    model = make_model().predictor.network
    found = direction(model)
    for name, step in found.items():
        weight = model.get_parameter(name).detach()
        for own, moved in zip(weight, step, strict=True):
            assert moved.norm().item() == pytest.approx(own.norm().item(), rel=1e-4, abs=1e-7)


def test_only_trained_matrices_that_a_prediction_passes_are_moved(make_model):
    found = direction(make_model().predictor.network)
    assert {"embedder.direction", "predictor.linear.weight"} <= found.keys()
    assert all(step.dim() > 1 for step in found.values())
    assert not any(name.startswith(("gate", "source_predictor")) or "word_embeddings" in name for name in found)


def test_the_middle_of_the_landscape_is_the_plain_loss_and_the_model_stays_as_it_is(make_model, rows):
    trained = make_model()
    before = {name: value.clone() for name, value in trained.predictor.network.state_dict().items()}
    table = loss_landscapes({"pare": trained}, rows, AXIS, 0, CPU)
    with torch.no_grad():
        logits = trained.predictor.network(torch.from_numpy(rows["x"]))
    plain = F.cross_entropy(logits, torch.from_numpy(rows["y"])).item()
    middle = table[(table["a"] == 0) & (table["b"] == 0)]
    assert middle["loss"].item() == pytest.approx(plain, rel=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in trained.predictor.network.state_dict().items())


def test_a_point_of_the_landscape_is_the_loss_of_a_model_with_these_weights(make_model, rows):
    table = loss_landscapes({"pare": make_model()}, rows, AXIS, 3, CPU)
    model = make_model().predictor.network
    generator = torch.Generator().manual_seed(3)
    steps = [filter_normalised_direction(model, generator) for _ in range(2)]
    with torch.no_grad():
        for name, first in steps[0].items():
            model.get_parameter(name).add_(0.5 * first - 0.5 * steps[1][name])
        loss = F.cross_entropy(model(torch.from_numpy(rows["x"])), torch.from_numpy(rows["y"])).item()
    point = table[(table["a"] == 0.5) & (table["b"] == -0.5)]
    assert point["loss"].item() == pytest.approx(loss, rel=1e-4)


def test_two_models_are_looked_at_along_the_same_draws(make_model, rows):
    table = loss_landscapes({"one": make_model(), "same": make_model()}, rows, AXIS, 0, CPU)
    one, same = (table[table["method"] == name]["loss"].to_numpy() for name in ("one", "same"))
    np.testing.assert_array_equal(one, same)
    assert len(table) == 2 * len(AXIS) ** 2
