"""RealMLP against pytabkit, called directly; what is kept is an ONNX file."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.utils import compute_class_weight

pytabkit = pytest.importorskip("pytabkit")

from pare.config import PareError  # noqa: E402
from pare.evaluation.calibration import fit_temperature  # noqa: E402
from pare.learners.libraries.realmlp import ESTIMATORS, RealMLPOptions, fit_realmlp  # noqa: E402

OPTIONS = RealMLPOptions(epochs=4)
COUNTS = {"both": (0, 0, 3, 12), "numbers": (), "categories": (4, 3)}


def table(n, seed, columns):
    """Columns of some kind, and a class of three."""
    draw = np.random.default_rng(seed)
    counts = COUNTS[columns] or (0, 0, 0)
    x = np.stack([draw.integers(0, count, n) if count else draw.normal(size=n) for count in counts], 1)
    return x.astype(np.float32), (x[:, 0] > 0.5).astype(int) + (x[:, 1] > 0.5)


def frame(x, columns):
    """As pandas has it."""
    counts = COUNTS[columns] or (0, 0, 0)
    return pd.DataFrame(
        {
            f"{'category' if count else 'number'}_{i}": pd.Categorical(column.astype(int), list(range(count)))
            if count
            else column
            for i, (column, count) in enumerate(zip(x.T, counts, strict=True))
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("columns", COUNTS)
def test_classes_are_predicted_as_the_library_does(columns, problem):
    parts = [table(n, seed, columns) for n, seed in ((120, 0), (40, 1), (30, 2))]
    (x, y), (val_x, val_y), (test_x, _) = parts
    made = problem("classification", 4, COUNTS[columns], train=parts[0], validation=parts[1])
    found = softmax(fit_realmlp(made, OPTIONS).predict(test_x), axis=1)
    model = pytabkit.RealMLP_TD_Classifier(device="cpu", random_state=3, n_threads=1, n_epochs=4)
    model.fit(frame(x, columns), y, frame(val_x, columns), val_y)
    np.testing.assert_allclose(found[:, :3], model.predict_proba(frame(test_x, columns)), atol=1e-5)
    assert (found[:, 3] < 1e-8).all()  # a class that no training row has


@pytest.mark.slow
def test_numbers_are_predicted_as_the_library_does(problem):
    (x, _), (val_x, _), (test_x, _) = (table(n, seed, "numbers") for n, seed in ((120, 0), (40, 1), (30, 2)))
    y, val_y = ((100 + 20 * rows[:, :1] * rows[:, 1:2]).astype(np.float32) for rows in (x, val_x))
    fitted = fit_realmlp(problem("regression", train=(x, y), validation=(val_x, val_y)), OPTIONS)
    model = pytabkit.RealMLP_TD_Regressor(device="cpu", random_state=3, n_threads=1, n_epochs=4)
    model.fit(frame(x, "numbers"), y[:, 0], frame(val_x, "numbers"), val_y[:, 0])
    wanted = model.predict(frame(test_x, "numbers"))
    np.testing.assert_allclose(fitted.predict(test_x)[:, 0], wanted, rtol=1e-4)
    assert np.ptp(wanted) > 1


@pytest.mark.slow
def test_a_missing_value_says_what_it_says(problem):
    """A number is missing where the class is 1, and a category where it is 2."""
    x, y = table(200, 0, "both")
    draw = np.random.default_rng(1)
    y, x[:, 0] = draw.integers(0, 3, 200), draw.normal(size=200)
    x[y == 1, 0], x[y == 2, 2] = np.nan, np.nan
    fitted = fit_realmlp(
        problem("classification", 3, COUNTS["both"], train=(x[:120], y[:120]), validation=(x[120:160], y[120:160])),
        RealMLPOptions(epochs=30),
    )
    assert (fitted.predict(x[160:]).argmax(1) == y[160:]).mean() > 0.9


@pytest.mark.slow
def test_labels_have_a_network_each_and_what_was_written_predicts_the_same(problem, tmp_path):
    (x, y), (new, new_y) = table(150, 0, "both"), table(60, 2, "both")
    labels = np.stack([y > 0, y > 9], 1).astype(np.float32)
    made = problem("multilabel", None, COUNTS["both"], train=(x, labels))  # no validation rows
    fitted = fit_realmlp(made, RealMLPOptions(epochs=60))
    outputs = fitted.predict(new)
    assert ((outputs[:, 0] > 0) == (new_y > 0)).mean() > 0.8
    np.testing.assert_allclose(expit(outputs[:, 1]), 0, atol=1e-6)  # no training row has the second label
    fitted.model.write(tmp_path)
    loaded = ESTIMATORS["realmlp"].load(tmp_path, SimpleNamespace(task=made.task), OPTIONS)
    np.testing.assert_array_equal(loaded.predict(new), outputs)


def test_too_few_rows_are_refused(problem):
    few = problem("classification", 3, train=table(9, 0, "numbers"))
    with pytest.raises(PareError, match="at least 10 training rows, found 9"):
        fit_realmlp(few, OPTIONS)


@pytest.mark.slow
def test_odds_of_classes_are_raised_by_their_weights(problem):
    """By Bayes' rule, after the temperature of the validation rows; the weights are those that scikit-learn says."""
    (x, y), held = table(60, 0, "numbers"), table(40, 1, "numbers")
    made = problem("classification", 3, train=(x[10:], y[10:]), validation=held)
    plain, weighted = (fit_realmlp(replace(made, class_weights=asked), OPTIONS) for asked in (False, True))
    new, _ = table(20, 2, "numbers")
    weights = compute_class_weight("balanced", classes=np.arange(3), y=y[10:])
    assert np.ptp(weights) > 0.01
    expected = softmax(plain.predict(new) / fit_temperature(plain.predict(held[0]), held[1]), axis=1) * weights
    found = softmax(weighted.predict(new), axis=1)
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), rtol=1e-3)


@pytest.mark.slow
def test_a_label_that_is_weighted_has_as_many_times_the_odds(problem):
    x, y = table(60, 0, "numbers")
    made = problem("multilabel", None, train=(x, np.stack([y > 0, y > 1], 1).astype(np.float32)))
    plain, weighted = (fit_realmlp(replace(made, positive_weight=asked), OPTIONS) for asked in (1.0, 3.0))
    new, _ = table(20, 2, "numbers")
    np.testing.assert_allclose(weighted.predict(new), plain.predict(new) + np.log(3), rtol=1e-3, atol=1e-3)
