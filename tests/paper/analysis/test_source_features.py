import numpy as np
import pytest
import torch

from pare.learners.networks.models import load_backbone
from pare.paper.analysis.source_features import frequent_classes, neighbour_accuracy, source_features, source_labels


def test_classes_that_lie_apart_are_told_by_their_neighbours_and_mixed_ones_are_not():
    draw = np.random.default_rng(0)
    points = draw.normal(size=(60, 3))
    labels = ["a", "b", "c"] * 20
    apart = points + 50 * np.repeat(np.arange(3), 20)[:, None]
    assert neighbour_accuracy(apart, sorted(labels)) == 1
    assert neighbour_accuracy(points, labels) < 0.6


def test_accuracy_is_that_of_looking_at_each_sample_in_turn():
    draw = np.random.default_rng(1)
    points, labels = draw.normal(size=(30, 2)), draw.integers(2, size=30)
    hits = 0
    for i, point in enumerate(points):
        others = np.delete(np.arange(30), i)
        near = others[np.linalg.norm(points[others] - point, axis=1).argsort()[:5]]
        hits += round(labels[near].mean()) == labels[i]
    assert neighbour_accuracy(points, labels.tolist()) == pytest.approx(hits / 30)


def test_a_map_for_each_encoder_has_all_samples(tiny_bert, source):
    encoders = {name: load_backbone(tiny_bert, (6,)) for name in ("pretrained", "pare")}
    inputs, y = next(source.batches(20, np.random.default_rng(0)))
    labels = source_labels(y.numpy(), ["early", "late"])
    table = source_features(encoders, inputs, labels, 0, torch.device("cpu"))
    assert table["encoder"].tolist() == ["pretrained"] * 20 + ["pare"] * 20
    one, other = (table[table["encoder"] == name].drop(columns="encoder").to_numpy() for name in encoders)
    np.testing.assert_array_equal(one, other)  # the same weights
    assert table["label"].tolist()[:20] == labels


def test_masks_fall_into_halves_by_their_share_of_foreground():
    masks = np.stack([np.full((2, 2), 0), np.full((2, 2), 1), np.array([[1, -100], [-100, 1]]), np.eye(2, dtype=int)])
    assert source_labels(masks, None) == ["less foreground", "more foreground", "more foreground", "less foreground"]


def test_the_most_frequent_classes_are_kept_in_the_order_of_the_samples():
    labels = [*"abcdefghi", *"bcdefghi"]  # a is the rarest of nine
    chosen = frequent_classes(labels, 12)
    assert [labels[i] for i in chosen] == [*"bcdefghi", *"bcde"]
