import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import accuracy_score, roc_auc_score

from pare.config.errors import PareError
from pare.evaluation.metrics import METRICS, build_metric


def fields(n=23, shape=(2, 5, 7), seed=0):
    draw = np.random.default_rng(seed)
    truth = draw.normal(3.0, 1.0, (n, *shape))
    return truth + draw.normal(0.0, 0.3, truth.shape), truth


def logits_and_labels(classes, n=60, seed=0):
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return draw.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels], labels


def score(metric, prediction, target, chunks=1):
    prediction, target = torch.as_tensor(prediction), torch.as_tensor(target)
    for p, t in zip(prediction.tensor_split(chunks), target.tensor_split(chunks), strict=True):
        metric.update(p, t)
    return metric.compute().item()


def hand_and_till(probabilities, labels):
    """Hand and Till (2001), by counting pairs of samples; no scikit-learn."""
    areas = []
    for i in range(probabilities.shape[1]):
        for j in range(i):
            for positive, negative in ((i, j), (j, i)):
                high = probabilities[labels == positive, positive][:, None]
                low = probabilities[labels == negative, positive][None, :]
                areas.append(np.mean((high > low) + 0.5 * (high == low)))
    return np.mean(areas)


def test_relative_l2_is_the_mean_over_samples_of_the_ratio_of_norms():
    prediction, truth = fields()
    error, size = (np.sqrt((f**2).sum(axis=(1, 2, 3))) for f in (prediction - truth, truth))
    expected = np.mean(error / size)
    assert score(build_metric("relative_l2"), prediction, truth) == pytest.approx(expected, rel=1e-12)


def test_auroc_of_two_classes_is_the_ordinary_one_on_the_second_class():
    logits, labels = logits_and_labels(2)
    expected = roc_auc_score(labels, logits[:, 1] - logits[:, 0])
    assert score(build_metric("auroc_ovo", 2), logits, labels) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("classes", [3, 7])
def test_auroc_of_many_classes_is_the_one_of_hand_and_till(classes):
    logits, labels = logits_and_labels(classes)
    expected = hand_and_till(softmax(logits, axis=1), labels)
    assert score(build_metric("auroc_ovo", classes), logits, labels) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
def test_error_rate_is_one_minus_the_accuracy(classes):
    logits, labels = logits_and_labels(classes)
    expected = 1 - accuracy_score(labels, logits.argmax(axis=1))
    assert score(build_metric("error_rate", classes), logits, labels) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_uneven_chunks_give_the_same_value_as_one_update(name):
    dense = METRICS[name].dense
    classes = None if dense else 4
    batch = fields() if dense else logits_and_labels(classes, n=53)
    whole = score(build_metric(name, classes), *batch)
    assert score(build_metric(name, classes), *batch, chunks=6) == pytest.approx(whole, rel=1e-12)


def test_auroc_in_chunks_is_not_the_mean_of_the_chunks():
    logits, labels = logits_and_labels(3, n=30)
    parts = [score(build_metric("auroc_ovo", 3), logits[i::2], labels[i::2]) for i in range(2)]
    assert score(build_metric("auroc_ovo", 3), logits, labels, chunks=2) != pytest.approx(np.mean(parts), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision_logits_of_many_classes_are_accepted(dtype):
    logits, labels = logits_and_labels(26, n=260)
    logits = torch.as_tensor(logits * 30).to(dtype)
    expected = hand_and_till(softmax(logits.double().numpy(), axis=1), labels)
    assert score(build_metric("auroc_ovo", 26), logits, labels) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_direction_agrees_with_a_perfect_prediction(name):
    spec = METRICS[name]
    classes = None if spec.dense else 3
    good_and_bad = fields() if spec.dense else logits_and_labels(3)
    prediction, target = good_and_bad
    perfect = target if spec.dense else 9.0 * np.eye(3)[target]
    better, worse = (score(build_metric(name, classes), p, target) for p in (perfect, prediction))
    assert (better < worse) == (spec.direction == "lower")
    assert build_metric(name, classes).higher_is_better == (spec.direction == "higher")


def test_reset_forgets_what_was_seen():
    metric = build_metric("relative_l2")
    score(metric, *fields(seed=1))
    metric.reset()
    assert score(metric, *fields()) == score(build_metric("relative_l2"), *fields())


def test_missing_class_is_named():
    logits, labels = logits_and_labels(4)
    with pytest.raises(PareError, match=r"none of class 2 among 45"):
        score(build_metric("auroc_ovo", 4), logits[labels != 2], labels[labels != 2])


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_predictions_that_are_not_finite_are_refused(name, value):
    dense = METRICS[name].dense
    prediction, target = fields() if dense else logits_and_labels(3)
    prediction[(4, *[0] * (prediction.ndim - 1))] = value
    with pytest.raises(PareError, match="found 1 NaN or infinite"):
        score(build_metric(name, None if dense else 3), prediction, target)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_true_field_without_a_norm_is_refused(value):
    prediction, truth = fields()
    truth[3] = value
    with pytest.raises(PareError, match="found 1 of 23 samples"):
        score(build_metric("relative_l2"), prediction, truth)


def test_fields_of_different_shapes_are_not_broadcast():
    prediction, truth = fields()
    with pytest.raises(ValueError, match=r"\(23, 1, 5, 7\).*\(23, 2, 5, 7\)"):
        score(build_metric("relative_l2"), prediction[:, :1], truth)


@pytest.mark.parametrize("name", ["auroc_ovo", "error_rate"])
def test_logits_of_another_width_and_strange_labels_are_refused(name):
    logits, labels = logits_and_labels(4)
    with pytest.raises(ValueError, match=r"expected \(batch, 3\)"):
        score(build_metric(name, 3), logits, labels)
    with pytest.raises(PareError, match=r"0\.\.2, found 3"):
        score(build_metric(name, 3), logits[:, :3], labels)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_an_empty_test_set_is_an_error(name):
    with pytest.raises(PareError, match="found none"):
        build_metric(name, None if METRICS[name].dense else 3).compute()


def test_unknown_metric_is_answered_with_the_nearest_name():
    with pytest.raises(PareError, match="Did you mean 'relative_l2'"):
        build_metric("relativ_l2")


def test_metric_that_does_not_suit_the_output_is_answered_with_those_that_do():
    with pytest.raises(PareError, match="compares classes, the task predicts fields; use one of relative_l2"):
        build_metric("auroc_ovo")
    with pytest.raises(PareError, match="compares fields, the task predicts classes; use one of auroc_ovo"):
        build_metric("relative_l2", 3)
    with pytest.raises(PareError, match="at least 2 classes, found 1"):
        build_metric("error_rate", 1)
