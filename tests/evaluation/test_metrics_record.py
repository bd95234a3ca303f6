"""What metrics.json says of a run."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics

from evaluated_runs import PREDICTIONS, TRAINING, with_task, write_splits
from pare.config import resolve
from pare.evaluation.metrics_record import evaluation_record, probability_errors, summary, usual_metrics

RNG = np.random.default_rng(0)


def test_a_record_has_the_score_with_those_of_the_constant_baseline_and_the_paper(run, store):
    metrics = evaluation_record(run, TRAINING, store, PREDICTIONS)
    assert metrics["test"] == pytest.approx(8 / 9)
    assert metrics["constant_prediction"] == 0.5
    named = {"name": "auroc_ovo", "title": "AUROC, one-vs-one", "unit": "", "direction": "higher"}
    assert metrics["metric"] == named
    wanted = {"task": "openml_wdbc", "method": "finetune", "seed": 0, "n_test": 6, "protocol": "validated"}
    assert wanted.items() <= metrics.items()
    assert metrics["proxy_samples"] is None
    assert metrics["paper"] == run.task.paper.get("finetune")
    assert summary(metrics) == "test AUROC, one-vs-one 0.8889 on 6 samples (constant baseline: 0.5)"


def test_the_papers_figure_is_given_for_the_papers_metric_only(run, store):
    task = {"metric": "error_percent", "paper_metric": "auroc_ovo", "paper": {"finetune": 0.99}}
    for protocol, name, paper in (("validated", "error_percent", None), ("paper", "auroc_ovo", 0.99)):
        one = with_task(run, **task).model_copy(update={"protocol": protocol})
        metrics = evaluation_record(one, TRAINING, store, PREDICTIONS)
        assert (metrics["metric"]["name"], metrics["paper"]) == (name, paper)
    variant = with_task(run, **task).model_copy(update={"protocol": "paper", "variant": "short"})
    metrics = evaluation_record(variant, TRAINING, store, PREDICTIONS)
    assert (metrics["variant"], metrics["paper"]) == ("short", None)


def test_every_kind_of_output_has_a_constant_baseline(run, tmp_path):
    draw = np.random.default_rng(0)
    labels = (draw.random((20, 2)) < 0.5).astype(np.float32)
    numbers = draw.normal(size=(20, 2)).astype(np.float32)
    kinds = {"multilabel": ("binary_cross_entropy", "one_minus_auroc", labels), "regression": ("mse", "r2", numbers)}
    for kind, (loss, metric, truth) in kinds.items():
        train = {"x": np.zeros((20, 3), np.float32), "y": truth}
        store = write_splits(tmp_path / f"{kind}.h5", train=train)
        one = with_task(run, output={"kind": kind, "shape": [2]}, loss=loss, metric=metric)
        metrics = evaluation_record(one, TRAINING, store, {"prediction": 2 * truth - 1, "truth": truth})
        assert metrics["constant_prediction"] == pytest.approx(0.5 if kind == "multilabel" else 0, abs=1e-6)


def test_what_a_library_does_not_have_is_none(library, parameters, run, store):
    asked = {"task": "openml_wdbc", "method": "logistic_regression"}
    metrics = evaluation_record(resolve(library, parameters | asked, asked), TRAINING, store, PREDICTIONS)
    assert metrics.keys() == evaluation_record(run, TRAINING, store, PREDICTIONS).keys()
    assert all(metrics[key] is None for key in ("source", "proxy", "proxy_samples", "epochs", "paper"))


def test_equal_rows_are_recorded_where_there_are_some(run, store):
    assert "repeats" not in evaluation_record(run, TRAINING, store, PREDICTIONS)
    repeats = {"rows": 14, "repeats": 3, "ambiguous": 0, "test": 6, "known": 2, "together": False}
    store.repeats = repeats
    metrics = evaluation_record(run, TRAINING, store, PREDICTIONS)
    assert metrics["repeats"] == repeats
    assert "(constant baseline: 0.5). 2 of 6 test rows have the inputs of a training row" in summary(metrics)


def test_of_several_members_their_mean_is_kept(run, store):
    assert evaluation_record(run, TRAINING | {"members": [{}] * 3}, store, PREDICTIONS)["kept"] == "mean of 3 trainings"


START = "solved start"


@pytest.mark.parametrize(
    ("kept", "epochs", "left_nothing", "said"),
    [
        ("epoch 2", 3, False, ". Selected: epoch 2, validation 1.25 %; the solved start had 5 %"),
        (START, 3, False, ". Selected: solved start, validation 5 %; no epoch was clearly better"),
        (START, 0, True, ". Selected: solved start, validation 5 %; it left nothing to train"),
        (START, 0, False, ""),  # a probe
    ],
)
def test_what_is_kept_is_named_where_epochs_were_asked_for_and_values_have_units(kept, epochs, left_nothing, said):
    record = {
        **{"metric": {"name": "error_percent"}, "test": 2.5, "n_test": 1, "constant_prediction": 60},
        **{"kept": kept, "epochs": epochs, "validation": 5 if kept == START else 1.25, "start_validation": 5},
        "start_left_nothing": left_nothing,
    }
    assert summary(record) == f"test error 2.5 % on 1 sample (constant baseline: 60 %){said}"


@pytest.fixture
def task_of(run):
    """A task of a kind of output."""

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
