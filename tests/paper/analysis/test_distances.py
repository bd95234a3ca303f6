import numpy as np
import pytest
import torch

from pare.paper.analysis.distances import dataset_distances
from pare.paper.analysis.embeddings import Embeddings

TOKENS = 4


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
