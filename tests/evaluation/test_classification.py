from functools import partial

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from pare.config.errors import PareError
from pare.evaluation.classification import (
    auroc_one_vs_one,
    error_percent,
    one_minus_balanced_accuracy,
    one_minus_f1,
)


def auroc_of(classes):
    return partial(auroc_one_vs_one, classes=classes)


METRICS = [auroc_of, error_percent, one_minus_balanced_accuracy, one_minus_f1]


def logits_and_labels(classes, n=60):
    draw = np.random.default_rng(0)
    labels = np.arange(n) % classes
    return draw.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels], labels


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


def test_auroc_of_two_classes_is_the_ordinary_one_on_the_second_class():
    logits, labels = logits_and_labels(2)
    expected = roc_auc_score(labels, logits[:, 1] - logits[:, 0])
    assert auroc_of(2)(logits, labels) == pytest.approx(expected, rel=1e-12)


def test_sure_predictions_of_two_classes_do_not_tie():
    logits = np.array([[0.0, 40.0], [0.0, 50.0], [0.0, 60.0], [0.0, 70.0]])
    assert auroc_of(2)(logits, np.array([0, 0, 1, 1])) == 1


@pytest.mark.parametrize("classes", [3, 10])
def test_auroc_of_more_classes_is_that_of_hand_and_till(classes):
    logits, labels = logits_and_labels(classes)
    expected = hand_and_till(softmax(logits, axis=1), labels)
    assert auroc_of(classes)(logits, labels) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_low_precision_logits_of_many_classes_are_accepted(dtype):
    logits, labels = logits_and_labels(26, n=260)
    logits = (logits * 30).astype(dtype)
    expected = hand_and_till(softmax(logits.astype(float), axis=1), labels)
    assert auroc_of(26)(logits, labels) == pytest.approx(expected, rel=1e-9)


def test_a_missing_class_is_named():
    logits, labels = logits_and_labels(4)
    with pytest.raises(PareError, match=r"none of class 2 among 45.*metric: error_percent"):
        auroc_of(4)(logits[labels != 2], labels[labels != 2])


def scikit_learn(metric, truth, predicted, **options):
    """The same by scikit-learn, and how closely both agree."""
    options |= {"average": "macro"}
    return {
        error_percent: lambda: pytest.approx(100 * (1 - accuracy_score(truth, predicted)), rel=1e-12),
        one_minus_balanced_accuracy: lambda: pytest.approx(1 - recall_score(truth, predicted, **options), rel=1e-12),
        one_minus_f1: lambda: pytest.approx(1 - f1_score(truth, predicted, **options), rel=1e-6),
    }[metric]()


@pytest.mark.parametrize("metric", [error_percent, one_minus_balanced_accuracy, one_minus_f1])
@pytest.mark.parametrize("classes", [2, 5])
def test_error_balanced_accuracy_and_f1_are_those_of_scikit_learn(metric, classes):
    logits, labels = logits_and_labels(classes)
    labels[::3] = 0
    assert metric(classes)(logits, labels) == scikit_learn(metric, labels, logits.argmax(axis=1))


@pytest.mark.parametrize("metric", [one_minus_balanced_accuracy, one_minus_f1])
def test_balanced_accuracy_and_f1_are_averaged_over_the_classes_that_have_samples(metric):
    logits, labels = logits_and_labels(5)
    logits, labels = logits[labels != 3], labels[labels != 3]
    predicted = logits.argmax(axis=1)
    assert 3 in predicted
    assert metric(5)(logits, labels) == scikit_learn(metric, labels, predicted, labels=[0, 1, 2, 4])


def test_f1_of_a_class_that_is_never_predicted_is_zero():
    labels = np.array([0, 0, 1])
    assert one_minus_f1(3)(np.eye(3)[[0, 0, 0]], labels) == pytest.approx(1 - (0.8 + 0) / 2, rel=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_logits_of_another_width_and_strange_labels_are_refused(metric):
    logits, labels = logits_and_labels(4)
    with pytest.raises(ValueError, match=r"expected \(rows, 3\)"):
        metric(3)(logits, labels)
    with pytest.raises(PareError, match=r"0\.\.2, found 3"):
        metric(3)(logits[:, :3], labels)
