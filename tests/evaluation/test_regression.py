import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from pare.config.errors import PareError
from pare.evaluation.regression import (
    CoefficientOfDetermination,
    MeanAbsoluteError,
    RelativeL2,
    RootMeanSquaredError,
)


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


def score(metric, prediction, truth):
    metric.update(torch.as_tensor(prediction), torch.as_tensor(truth))
    return metric.compute().item()


def test_relative_l2_is_the_mean_over_samples_of_the_ratio_of_norms():
    prediction, truth = fields()
    error, size = (np.sqrt((f**2).sum(axis=(1, 2, 3))) for f in (prediction - truth, truth))
    assert score(RelativeL2(), prediction, truth) == pytest.approx(np.mean(error / size), rel=1e-12)


def test_relative_l2_is_the_nrmse_of_pdebench_and_leaves_out_what_is_masked():
    prediction, truth = partly_masked()
    ratios = []
    for p, t in zip(prediction, truth, strict=True):
        valid = ~np.isnan(t)
        if valid.any():
            ratios.append(np.sqrt(np.mean((p[valid] - t[valid]) ** 2)) / np.sqrt(np.mean(t[valid] ** 2)))
    assert len(ratios) == 22
    assert score(RelativeL2(), prediction, truth) == pytest.approx(np.mean(ratios), rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [(RootMeanSquaredError, root_mean_squared_error), (MeanAbsoluteError, mean_absolute_error)],
)
@pytest.mark.parametrize("data", [fields, partly_masked])
def test_rmse_and_mae_pool_all_valid_numbers(metric, reference, data):
    prediction, truth = data()
    valid = ~np.isnan(truth)
    assert score(metric(), prediction, truth) == pytest.approx(reference(truth[valid], prediction[valid]), rel=1e-12)


def test_r2_is_the_mean_over_the_predicted_numbers_even_where_their_mean_is_large():
    prediction, truth = (part + 1e6 for part in fields(shape=(3,)))
    assert score(CoefficientOfDetermination(), prediction, truth) == pytest.approx(
        r2_score(truth, prediction), rel=1e-12
    )


def test_predicting_the_mean_has_an_r2_of_zero():
    _, truth = fields(shape=(2,))
    constant = np.broadcast_to(truth.mean(axis=0), truth.shape).copy()
    assert score(CoefficientOfDetermination(), constant, truth) == pytest.approx(0, abs=1e-12)


def test_r2_needs_numbers_that_differ():
    _, truth = fields(shape=(2,))
    truth[:, 1] = 4
    with pytest.raises(PareError, match="found the same in all 23 samples"):
        score(CoefficientOfDetermination(), truth, truth)


def test_r2_needs_a_number_everywhere():
    prediction, truth = fields(shape=(2,))
    truth[3, 1] = np.nan
    with pytest.raises(PareError, match="found NaN"):
        score(CoefficientOfDetermination(), prediction, truth)


def test_a_true_field_without_a_norm_is_refused():
    prediction, truth = fields()
    truth[3] = 0
    with pytest.raises(PareError, match="found 1 of 23 samples"):
        score(RelativeL2(), prediction, truth)


@pytest.mark.parametrize("metric", [RelativeL2, RootMeanSquaredError, MeanAbsoluteError, CoefficientOfDetermination])
def test_infinite_truths_and_other_shapes_are_refused(metric):
    prediction, truth = fields(shape=(2,))
    with pytest.raises(ValueError, match=r"\(23, 1\).*\(23, 2\)"):
        score(metric(), prediction[:, :1], truth)
    truth[3, 0] = np.inf
    with pytest.raises(PareError, match="found 1 infinite"):
        score(metric(), prediction, truth)


@pytest.mark.parametrize("metric", [RelativeL2, RootMeanSquaredError, MeanAbsoluteError])
def test_nothing_valid_is_an_error(metric):
    prediction, truth = fields()
    with pytest.raises(PareError, match="at least one valid sample"):
        score(metric(), prediction, truth * np.nan)
