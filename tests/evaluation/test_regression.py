import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from pare.config.errors import PareError
from pare.evaluation.regression import MAE, MAE_8A, MAE_8A_PUBLISHED, RELATIVE_L2, RMSE, r2

CANVAS, BORDER = 64, 5
LENGTHS = (40, 54, 30)


def fields(n=23, shape=(2, 5, 7), seed=0):
    draw = np.random.default_rng(seed)
    truth = draw.normal(3.0, 1.0, (n, *shape))
    return truth + draw.normal(0.0, 0.3, truth.shape), truth


def partly_masked():
    prediction, truth = fields()
    truth[2, 0] = np.nan
    truth[5, :, 3:, 1] = np.nan
    truth[7] = np.nan
    return prediction, truth


def test_relative_l2_is_the_mean_over_samples_of_the_ratio_of_norms():
    prediction, truth = fields()
    error, size = (np.sqrt((f**2).sum(axis=(1, 2, 3))) for f in (prediction - truth, truth))
    assert RELATIVE_L2(prediction, truth) == pytest.approx(np.mean(error / size), rel=1e-12)


def test_relative_l2_is_the_nrmse_of_pdebench_and_leaves_out_what_is_masked():
    prediction, truth = partly_masked()
    ratios = []
    for p, t in zip(prediction, truth, strict=True):
        valid = ~np.isnan(t)
        if valid.any():
            ratios.append(np.sqrt(np.mean((p[valid] - t[valid]) ** 2)) / np.sqrt(np.mean(t[valid] ** 2)))
    assert len(ratios) == 22
    assert RELATIVE_L2(prediction, truth) == pytest.approx(np.mean(ratios), rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [(RMSE, root_mean_squared_error), (MAE, mean_absolute_error)],
)
@pytest.mark.parametrize("data", [fields, partly_masked])
def test_rmse_and_mae_pool_all_valid_numbers(metric, reference, data):
    prediction, truth = data()
    valid = ~np.isnan(truth)
    assert metric(prediction, truth) == pytest.approx(reference(truth[valid], prediction[valid]), rel=1e-12)


def test_r2_is_the_mean_over_the_predicted_numbers_even_where_their_mean_is_large():
    prediction, truth = (part + 1e6 for part in fields(shape=(3,)))
    assert r2(prediction, truth) == pytest.approx(r2_score(truth, prediction), rel=1e-12)


def test_predicting_the_mean_has_an_r2_of_zero():
    _, truth = fields(shape=(2,))
    constant = np.broadcast_to(truth.mean(axis=0), truth.shape).copy()
    assert r2(constant, truth) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "place", "value", "message"),
    [
        (r2, np.s_[:, 1], 4, "found the same in all 23 samples"),
        (r2, np.s_[3, 1], np.nan, "found NaN"),
        (RELATIVE_L2, np.s_[3], 0, "found 1 of 23 samples"),
    ],
)
def test_truths_of_which_a_metric_is_not_defined_are_refused(metric, place, value, message):
    prediction, truth = fields(shape=(2,))
    truth[place] = value
    with pytest.raises(PareError, match=message):
        metric(prediction, truth)


@pytest.mark.parametrize("metric", [RELATIVE_L2, RMSE, MAE, r2])
def test_infinite_truths_and_other_shapes_are_refused(metric):
    prediction, truth = fields(shape=(2,))
    with pytest.raises(ValueError, match=r"\(23, 1\).*\(23, 2\)"):
        metric(prediction[:, :1], truth)
    truth[3, 0] = np.inf
    with pytest.raises(PareError, match="found 1 infinite"):
        metric(prediction, truth)


@pytest.mark.parametrize("metric", [RELATIVE_L2, RMSE, MAE])
def test_nothing_valid_is_an_error(metric):
    prediction, truth = fields()
    with pytest.raises(PareError, match="at least one valid sample"):
        metric(prediction, truth * np.nan)


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
    return prediction, truth, alone


def slow(prediction, alone, distance):
    """Mean over proteins of the mean error over pairs; ``distance`` makes one of the predictions for (i, j), (j, i)."""
    errors = []
    for canvas, block in zip(prediction[:, 0], alone, strict=True):
        pairs = []
        for i in range(len(block)):
            for j in range(i + 24, len(block)):
                if block[i, j] <= 8:
                    upper, lower = canvas[i + BORDER, j + BORDER], canvas[j + BORDER, i + BORDER]
                    pairs.append(abs(distance(upper, lower) - block[i, j]))
        errors.append(np.mean(pairs))
    return np.mean(errors)


def test_mae_of_contacts_is_the_mean_over_proteins_of_the_mean_over_long_range_contacts(proteins):
    prediction, truth, alone = proteins
    expected = slow(prediction, alone, lambda upper, lower: max((upper + lower) / 2, 0.01))
    assert MAE_8A(prediction, truth) == pytest.approx(expected, rel=1e-12)


def test_the_published_metric_averages_the_triangles_twice(proteins):
    prediction, truth, alone = proteins

    def twice(upper, lower):
        first = max((upper + lower) / 2, 0.01)
        return (first + max(lower, 0.01)) / 2

    assert MAE_8A_PUBLISHED(prediction, truth) == pytest.approx(slow(prediction, alone, twice), rel=1e-12)
    positive = np.abs(prediction) + 1
    expected = slow(positive, alone, lambda upper, lower: 0.25 * upper + 0.75 * lower)
    assert MAE_8A_PUBLISHED(positive, truth) == pytest.approx(expected, rel=1e-12)


def test_both_agree_where_the_prediction_is_symmetric(proteins):
    prediction, truth, _ = proteins
    symmetric = prediction + prediction.swapaxes(2, 3)
    assert MAE_8A(symmetric, truth) == pytest.approx(MAE_8A_PUBLISHED(symmetric, truth))


def test_what_is_predicted_outside_the_protein_and_beyond_contact_has_no_say(proteins):
    prediction, truth, _ = proteins
    other = np.where(truth <= 8, prediction, 1e6)
    assert MAE_8A(other, truth) == MAE_8A(prediction, truth)


def test_a_protein_without_a_long_range_contact_has_no_part_in_the_mean(proteins):
    prediction, truth, _ = proteins
    without = truth.copy()
    without[1] = without[1].clip(8.1)
    expected = MAE_8A(prediction[[0, 2]], truth[[0, 2]])
    assert MAE_8A(prediction, without) == pytest.approx(expected)
    with pytest.raises(PareError, match="two residues at least 24 apart and at most 8 Å away, found none"):
        MAE_8A(prediction[1:2], without[1:2])


def test_predictions_that_are_not_finite_or_of_another_shape_are_refused(proteins):
    prediction, truth, _ = proteins
    with pytest.raises(ValueError, match=r"both must be \(rows, 1, C, C\)"):
        MAE_8A(prediction[:, 0], truth[:, 0])
    with pytest.raises(ValueError, match=r"both must be \(rows, 1, C, C\)"):
        MAE_8A(prediction[..., :60], truth[..., :60])
    prediction[0, 0, 0, 0] = np.nan
    with pytest.raises(PareError, match="found 1 NaN"):
        MAE_8A(prediction, truth)
