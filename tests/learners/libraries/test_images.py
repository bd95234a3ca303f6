"""The support vector machine on images, against scikit-learn's."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from pare.config import PareError
from pare.learners.libraries.scikit_learn import ESTIMATORS, MachineOptions

OPTIONS = MachineOptions(strengths=[10.0], folds=3, rows=2000, edge=32)
fit = ESTIMATORS["svm"].fit


@pytest.fixture(scope="module")
def digits():
    """Images of three digits, (rows, 1, 8, 8), and their classes."""
    x, y = load_digits(n_class=3, return_X_y=True)
    return (x.reshape(-1, 1, 8, 8) / 16).astype(np.float32), y


def test_scores_are_those_of_the_library(digits, problem):
    x, y = digits
    found = fit(problem("classification", 4, train=(x[:200], y[:200])), OPTIONS).model.predict(x[200:])
    machine = SVC(C=10.0).fit(x[:200].reshape(200, -1), y[:200])
    np.testing.assert_allclose(found[:, :3], machine.decision_function(x[200:].reshape(-1, 64)), rtol=1e-5)
    assert (found[:, 3] < found[:, :3].min(1)).all()  # a class that no training row has
    assert (found.argmax(1) == y[200:]).mean() > 0.98


def test_the_strength_is_that_of_the_least_error_of_rows_left_out(digits, problem):
    x, y = digits
    choosing = MachineOptions(strengths=[1e-6, 10.0], folds=3, rows=60, edge=32)
    made = problem("classification", 3, train=(x[:200], y[:200]))
    chosen = fit(made, choosing).model.machine
    assert chosen.C == 10.0
    assert chosen.shape_fit_ == (200, 64)  # of all rows, whereas 60 choose


def test_large_images_are_averaged_over_areas(digits, problem):
    x, y = digits
    large = np.repeat(np.repeat(x, 3, 2), 3, 3)
    small = fit(problem("classification", 3, train=(x[:100], y[:100])), OPTIONS)
    found = fit(problem("classification", 3, train=(large[:100], y[:100])), OPTIONS.model_copy(update={"edge": 8}))
    np.testing.assert_allclose(found.model.predict(large[100:]), small.model.predict(x[100:]), rtol=1e-3, atol=1e-4)


def test_two_classes_have_a_score_each(digits, problem):
    x, y = digits
    two = y < 2
    found = fit(problem("classification", 2, train=(x[two][:100], y[two][:100])), OPTIONS).model.predict(x[two][100:])
    assert found.shape[1] == 2
    assert (found.argmax(1) == y[two][100:]).mean() > 0.98


@pytest.mark.parametrize(
    ("classes", "message"),
    [([0] * 12, "all 12 training rows are of one class"), ([0] * 11 + [1], "class 1 has 1 trai")],
)
def test_classes_without_rows_to_compare_are_refused(problem, classes, message):
    made = problem("classification", 2, train=(np.zeros((12, 1, 4, 4)), np.array(classes)))
    with pytest.raises(PareError, match=message):
        fit(made, OPTIONS)


def test_rows_that_choose_have_every_class_and_keep_their_order(digits, problem, monkeypatch):
    """Two of the last rows are of a class of their own, and groups stay whole where the strength is chosen."""
    x, y = digits
    rare = np.concatenate([y[:60] % 2, [2, 2]])
    groups = {"train": np.repeat(np.arange(31), 2)}
    seen = []
    monkeypatch.setattr(
        "pare.learners.libraries.scikit_learn.GridSearchCV", lambda *_, cv, **__: seen.append(cv) or Chosen()
    )
    made = problem("classification", 3, train=(x[:62], rare), groups=groups)
    fit(made, OPTIONS.model_copy(update={"rows": 20}))
    (folds,) = seen
    firsts = [np.flatnonzero(rare == known)[:2] for known in range(3)]
    chosen = np.unique(np.concatenate([np.linspace(0, 61, 20).astype(int), *firsts]))
    for fitted, held in folds:
        assert not {*groups["train"][chosen[fitted]]} & {*groups["train"][chosen[held]]}


class Chosen:
    """A search that is done."""

    best_params_ = {"C": 1.0}  # noqa: RUF012

    def fit(self, x, y):
        assert len(x) == len(y) and {*y.tolist()} == {0, 1, 2}
        return self


def test_classes_count_alike_where_they_are_weighted(digits, problem):
    x, y = digits
    made = problem("classification", 2, train=(x[y < 2][:100], y[y < 2][:100]))
    assert fit(replace(made, class_weights=True), OPTIONS).model.machine.class_weight == "balanced"
    assert fit(made, OPTIONS).model.machine.class_weight is None


def test_very_many_rows_are_refused(problem, monkeypatch):
    monkeypatch.setattr("pare.learners.libraries.scikit_learn.MOST_ROWS", 11)
    made = problem("classification", 2, train=(np.zeros((12, 1, 4, 4)), np.arange(12) % 2))
    with pytest.raises(PareError, match=r"of 12 training rows takes too long.*method=probe"):
        fit(made, OPTIONS)
