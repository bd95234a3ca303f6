import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from pare.config.errors import PareError
from pare.evaluation.chunks import ChunkMean
from pare.evaluation.classification import ErrorPercent, OneMinusF1
from pare.evaluation.ranking import OneMinusRanking, auroc


def classified(n, classes=4):
    draw = np.random.default_rng(0)
    labels = draw.integers(classes, size=n)
    return draw.normal(size=(n, classes)) + np.eye(classes)[labels], labels


def score(metric, prediction, target, size=64):
    """The metric after updates of ``size`` samples."""
    for part in zip(torch.as_tensor(prediction).split(size), torch.as_tensor(target).split(size), strict=True):
        metric.update(*part)
    return metric.compute().item()


@pytest.mark.parametrize("n", [700, 1000, 2300])
def test_a_short_last_chunk_counts_as_much_as_a_whole_one(n):
    logits, labels = classified(n)
    bounds = [(start, min(start + 1000, n)) for start in range(0, n, 1000)]
    chunks = [f1_score(labels[a:b], logits[a:b].argmax(axis=1), average="macro") for a, b in bounds]
    assert score(ChunkMean(OneMinusF1(4)), logits, labels) == pytest.approx(1 - np.mean(chunks), rel=1e-6)
    assert score(ChunkMean(OneMinusF1(4)), logits, labels, size=n) == pytest.approx(1 - np.mean(chunks), rel=1e-6)


def test_whole_chunks_of_a_mean_over_samples_change_nothing():
    logits, labels = classified(2000)
    whole = score(ErrorPercent(4), logits, labels)
    assert score(ChunkMean(ErrorPercent(4)), logits, labels) == pytest.approx(whole, rel=1e-12)


def test_a_label_without_positives_in_a_chunk_is_left_out_of_that_chunk():
    draw = np.random.default_rng(0)
    labels = (draw.random((1500, 2)) < 0.1).astype(np.float32)
    labels[1000:, 1] = 0
    logits = (draw.normal(size=labels.shape) + labels).astype(np.float32)
    metric = OneMinusRanking(auroc, pooled=False)
    first = score(metric, logits[:1000], labels[:1000])
    metric.reset()
    second = score(metric, logits[1000:, :1], labels[1000:, :1])
    chunked = score(ChunkMean(OneMinusRanking(auroc, pooled=False)), logits, labels)
    assert chunked == pytest.approx((first + second) / 2, rel=1e-12)


def test_reset_forgets_the_chunks():
    metric = ChunkMean(ErrorPercent(4))
    score(metric, *classified(50))
    metric.reset()
    assert score(metric, *classified(30)) == score(ErrorPercent(4), *classified(30))


def test_nothing_seen_is_an_error():
    metric = ChunkMean(ErrorPercent(4))
    with pytest.warns(UserWarning, match="compute"), pytest.raises(PareError, match="found none"):
        metric.compute()
