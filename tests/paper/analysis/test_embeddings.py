import numpy as np
import pytest
import torch

from pare.paper.analysis.embeddings import Embeddings, dataset_distances, embed, project

CPU = torch.device("cpu")

TOKENS = 4


def test_no_token_replaced_is_the_target_and_all_replaced_the_source(make_model, rows, source):
    found = embed(make_model(), rows, source, [0, 3, 6], CPU)
    np.testing.assert_array_equal(found.mixed[0], found.target)
    np.testing.assert_array_equal(found.mixed[6], found.source)
    assert not np.allclose(found.mixed[3], found.target)
    assert not np.allclose(found.mixed[3], found.source)


def test_an_embedding_is_the_mean_of_the_tokens_that_enter_the_encoder(make_model, rows, source):
    trained = make_model()
    found = embed(trained, rows, source, [0], CPU)
    with torch.no_grad():
        tokens = trained.predictor.network.embed(torch.from_numpy(rows["x"])).tokens
        scores = trained.predictor.network.gate(tokens)
    np.testing.assert_allclose(found.target, tokens.mean(1).numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.target_scores, scores.numpy(), rtol=1e-5)
    assert found.source.shape == found.target.shape == (24, 32)
    assert found.source_scores.shape == (24, 6)
    assert found.source_y.shape == (24,)


def test_embeddings_are_the_same_each_time(make_model, rows, source):
    first, second = (embed(make_model(), rows, source, [2], CPU) for _ in range(2))
    np.testing.assert_array_equal(first.mixed[2], second.mixed[2])


def test_a_map_has_a_line_a_point_in_the_order_of_the_groups():
    draw = np.random.default_rng(0)
    near, far = draw.normal(size=(20, 4)), 100 + draw.normal(size=(15, 4))
    first, second = (project({"near": near, "far": far}, 0) for _ in range(2))
    assert first["group"].tolist() == ["near"] * 20 + ["far"] * 15
    assert first.equals(second)
    centres = first.groupby("group")[["x", "y"]].mean()
    spread = first.groupby("group")[["x", "y"]].std().to_numpy().mean()
    assert np.linalg.norm(centres.loc["near"] - centres.loc["far"]) > spread


def embeddings(target_y, source_y):
    draw = np.random.default_rng(0)
    target, source = draw.normal(size=(40, 3)), 3 + draw.normal(size=(40, 3))
    mixed = {k: target + k / TOKENS * (source - target) for k in range(TOKENS + 1)}
    single = np.float32
    return Embeddings(
        target.astype(single),
        source.astype(single),
        {k: points.astype(single) for k, points in mixed.items()},
        target_y,
        source_y,
        np.zeros((40, TOKENS), single),
        np.zeros((40, TOKENS), single),
    )


CLASSES = np.arange(40) % 2
FIELDS = np.random.default_rng(1).normal(size=(40, 1, 5)).astype(np.float32)
MASKS = np.where(np.random.default_rng(2).random((40, 4, 4)) < 0.1, -100, np.arange(40)[:, None, None] % 2)


@pytest.mark.parametrize(("target_y", "source_y"), [(CLASSES, CLASSES), (FIELDS, CLASSES), (FIELDS, MASKS)])
def test_the_way_leads_from_the_target_to_the_source(target_y, source_y):
    table = dataset_distances(embeddings(target_y, source_y), TOKENS, 0, torch.device("cpu"))
    assert table["share"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert table["to_target"].iloc[0] == pytest.approx(0, abs=1e-4)
    assert table["to_source"].iloc[-1] == pytest.approx(0, abs=1e-4)
    assert table["to_target"].is_monotonic_increasing
    assert table["to_source"].is_monotonic_decreasing


def test_the_distance_of_shifted_points_is_at_least_the_square_of_the_shift():
    draw = np.random.default_rng(0)
    target = draw.normal(size=(40, 3)).astype(np.float32)
    none = np.zeros((40, TOKENS), np.float32)
    one = np.zeros(40, np.int64)
    found = Embeddings(target, target + 2, {0: target + 1}, one, one, none, none)
    table = dataset_distances(found, TOKENS, 0, torch.device("cpu"))
    # 3 coordinates by 1 each for the points, and the same again for their one class.
    assert table["to_target"].item() == pytest.approx(6, rel=1e-3)
    assert table["to_source"].item() == pytest.approx(6, rel=1e-3)
