"""The usual metrics against scikit-learn and by hand."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics

from evaluated_runs import with_task
from pare.config import resolve
from pare.evaluation.usual import probability_errors, usual_metrics

RNG = np.random.default_rng(0)


@pytest.fixture
def task_of(library, parameters):
    """A task of a kind of output."""
    run = resolve(library, parameters | {"task": "openml_wdbc", "method": "finetune"}, {})

    def task_of(kind, shape, **changes):
        suited = {
            "classification": {"loss": "cross_entropy", "metric": "error_percent"},
            "multilabel": {"loss": "binary_cross_entropy", "metric": "one_minus_auroc"},
            "regression": {"loss": "mse", "metric": "rmse"},
            "dense": {
                **{"loss": "mse", "metric": "rmse", "input": {"shape": shape}},
                "tokens": {"kind": "patch", "patch": 1},
            },
        }
        return with_task(run, output={"kind": kind, "shape": shape}, **suited[kind] | changes).task

    return task_of


def test_of_classes(task_of):
    logits, truth = RNG.normal(size=(60, 3)), RNG.integers(3, size=60)
    found = usual_metrics(task_of("classification", [3]), {"prediction": logits, "truth": truth})
    predicted, shares = logits.argmax(1), softmax(logits, axis=1)
    assert found["accuracy"] == metrics.accuracy_score(truth, predicted)
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert found["recall"] == list(metrics.recall_score(truth, predicted, average=None))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, shares))
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truth, shares, multi_class="ovo"))
    bins, right, sure = np.ceil(shares.max(1) * 10), predicted == truth, shares.max(1)
    gaps = [(bins == b).mean() * abs(right[bins == b].mean() - sure[bins == b].mean()) for b in np.unique(bins)]
    assert found["calibration_error"] == pytest.approx(sum(gaps))


def test_what_is_undefined_is_none(task_of):
    logits, truth = RNG.normal(size=(20, 3)), RNG.integers(2, size=20)
    found = usual_metrics(task_of("classification", [3]), {"prediction": logits, "truth": truth})
    assert found["auroc"] is None and found["recall"][2] is None and found["recall"][0] is not None
    number = {"prediction": RNG.normal(size=(20, 1)), "truth": np.ones((20, 1))}
    assert usual_metrics(task_of("regression", [1]), number)["r2"] is None


def test_of_labels(task_of):
    logits, truth = RNG.normal(size=(60, 2)), RNG.integers(2, size=(60, 2)).astype(np.float32)
    found = usual_metrics(task_of("multilabel", [2]), {"prediction": logits, "truth": truth})
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truth, logits, average="macro"))
    assert found["map"] == pytest.approx(metrics.average_precision_score(truth, logits, average="macro"))
    wanted = np.mean([metrics.log_loss(truth[:, i], expit(logits[:, i])) for i in range(2)])
    assert found["log_loss"] == pytest.approx(wanted)


def test_of_numbers(task_of):
    prediction, truth = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2))
    found = usual_metrics(task_of("regression", [2]), {"prediction": prediction, "truth": truth})
    assert found["rmse"] == pytest.approx(metrics.mean_squared_error(truth, prediction) ** 0.5)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, prediction))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, prediction))


def test_of_fields_and_each_of_their_channels(task_of):
    truth = RNG.normal(size=(20, 2, 3, 4))
    prediction = truth + np.array([1.0, 3.0])[:, None, None]
    truth[0, 1, 0, 0] = np.nan
    truth[1, 0] = 0  # nothing to be relative to
    task = task_of("dense", [2, 3, 4])
    found = usual_metrics(task, {"prediction": prediction, "truth": truth})
    assert found["channels"]["channel 1"]["relative_l2"] is None
    assert found["channels"]["channel 2"]["rmse"] == pytest.approx(3)
    assert found["channels"]["channel 2"]["max_error"] == pytest.approx(3)
    assert found["rmse"] == pytest.approx(np.sqrt(np.nanmean((prediction - truth) ** 2)))
    masks = task_of("dense", [2, 3, 4], loss="binary_cross_entropy", metric="one_minus_auroc")
    assert usual_metrics(masks, {"prediction": prediction, "truth": truth}) == {}


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_channel_that_is_masked_everywhere_has_no_errors(task_of):
    truth = RNG.normal(size=(20, 2, 3, 4))
    prediction = truth + 2
    truth[:, 1] = np.nan
    found = usual_metrics(task_of("dense", [2, 3, 4]), {"prediction": prediction, "truth": truth})
    assert found["channels"]["channel 2"] == {"relative_l2": None, "rmse": None, "max_error": None}
    assert found["max_error"] == found["channels"]["channel 1"]["max_error"] == pytest.approx(2)


def test_probabilities_that_round_to_0_have_a_loss():
    logits = np.array([[800.0, 0.0]])
    errors = probability_errors(softmax(logits, axis=1), logits, np.array([1]))
    assert errors == {"log_loss": 800.0, "calibration_error": 1.0}
