"""The metrics of PSICOV against loops over pairs of residues."""

import numpy as np
import pytest
import torch

from pare.config.errors import PareError
from pare.evaluation.proteins import MaeContacts, MaeContactsPublished

CANVAS, BORDER = 64, 5
LENGTHS = (40, 54, 30)


def distances(draw, length):
    points = draw.normal(0, 5, (length, 3))
    return np.linalg.norm(points[:, None] - points, axis=2)


@pytest.fixture
def proteins():
    """Predictions and truths of three proteins on a canvas, and the truths of each alone."""
    draw = np.random.default_rng(0)
    alone = [distances(draw, length) for length in LENGTHS]
    truth = np.full((3, 1, CANVAS, CANVAS), np.nan)
    for i, block in enumerate(alone):
        truth[i, 0, BORDER : BORDER + len(block), BORDER : BORDER + len(block)] = block
    prediction = draw.normal(5, 4, truth.shape)  # some are negative
    return torch.from_numpy(prediction), torch.from_numpy(truth), alone


def slow(prediction, alone, distance):
    """Mean over proteins of the mean error over pairs; ``distance`` makes one of the predictions for (i, j), (j, i)."""
    errors = []
    for canvas, block in zip(prediction[:, 0].numpy(), alone, strict=True):
        pairs = []
        for i in range(len(block)):
            for j in range(i + 24, len(block)):
                if block[i, j] <= 8:
                    upper, lower = canvas[i + BORDER, j + BORDER], canvas[j + BORDER, i + BORDER]
                    pairs.append(abs(distance(upper, lower) - block[i, j]))
        errors.append(np.mean(pairs))
    return np.mean(errors)


def score(metric, prediction, truth):
    metric.update(prediction, truth)
    return float(metric.compute())


def test_mae_of_contacts_is_the_mean_over_proteins_of_the_mean_over_long_range_contacts(proteins):
    prediction, truth, alone = proteins
    expected = slow(prediction, alone, lambda upper, lower: max((upper + lower) / 2, 0.01))
    assert score(MaeContacts(), prediction, truth) == pytest.approx(expected, rel=1e-12)


def test_the_published_metric_averages_the_triangles_twice(proteins):
    prediction, truth, alone = proteins

    def twice(upper, lower):
        first = max((upper + lower) / 2, 0.01)
        return (first + max(lower, 0.01)) / 2

    assert score(MaeContactsPublished(), prediction, truth) == pytest.approx(slow(prediction, alone, twice), rel=1e-12)
    positive = prediction.abs() + 1
    expected = slow(positive, alone, lambda upper, lower: 0.25 * upper + 0.75 * lower)
    assert score(MaeContactsPublished(), positive, truth) == pytest.approx(expected, rel=1e-12)


def test_both_agree_where_the_prediction_is_symmetric(proteins):
    prediction, truth, _ = proteins
    symmetric = prediction + prediction.mT
    assert score(MaeContacts(), symmetric, truth) == pytest.approx(score(MaeContactsPublished(), symmetric, truth))


def test_what_is_predicted_outside_the_protein_and_beyond_contact_has_no_say(proteins):
    prediction, truth, _ = proteins
    other = torch.where(truth <= 8, prediction, 1e6)
    assert score(MaeContacts(), other, truth) == score(MaeContacts(), prediction, truth)


def test_a_protein_without_a_long_range_contact_has_no_part_in_the_mean(proteins):
    prediction, truth, _ = proteins
    without = truth.clone()
    without[1] = without[1].clamp_min(8.1)
    expected = score(MaeContacts(), prediction[[0, 2]], truth[[0, 2]])
    assert score(MaeContacts(), prediction, without) == pytest.approx(expected)
    with pytest.raises(PareError, match="two residues at least 24 apart and at most 8 Å away, found none"):
        score(MaeContacts(), prediction[1:2], without[1:2])


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_batches_do_not_show_and_reset_forgets(proteins):
    prediction, truth, _ = proteins
    metric = MaeContacts()
    for i in range(3):
        metric.update(prediction[i : i + 1], truth[i : i + 1])
    assert float(metric.compute()) == pytest.approx(score(MaeContacts(), prediction, truth), rel=1e-12)
    metric.reset()
    with pytest.raises(PareError, match="found none"):
        metric.compute()


def test_predictions_that_are_not_finite_or_of_another_shape_are_refused(proteins):
    prediction, truth, _ = proteins
    with pytest.raises(ValueError, match=r"both must be \(batch, 1, C, C\)"):
        MaeContacts().update(prediction[:, 0], truth[:, 0])
    with pytest.raises(ValueError, match=r"both must be \(batch, 1, C, C\)"):
        MaeContacts().update(prediction[..., :60], truth[..., :60])
    prediction[0, 0, 0, 0] = np.nan
    with pytest.raises(PareError, match="found 1 NaN"):
        MaeContacts().update(prediction, truth)
