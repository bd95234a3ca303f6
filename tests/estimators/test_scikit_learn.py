"""The estimators keep scikit-learn's rules, and are what `kedro run` fits."""

import pickle
import pydoc
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine, make_multilabel_classification
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import (
    check_dont_overwrite_parameters,
    check_estimators_pickle,
    check_fit_idempotent,
    parametrize_with_checks,
)

from pare import PaReClassifier, PaReRegressor
from pare.config import PareError
from pare.estimators.in_memory import shipped
from pare.learners.networks.start.cross_validation import folds_that_keep
from pare.learners.networks.start.heads import solve_head

RNG = np.random.default_rng(0)
WINE = load_wine(return_X_y=True)
IMAGES, TABLE = (np.random.default_rng(1).normal(size=shape) for shape in ((64, 1, 12, 12), (64, 5)))
IN_32_BITS = "other batches change a number by more than 1e-7: the encoder computes in 32 bits"
NOT_SCIKIT_LEARNS = {
    "check_methods_subset_invariance": IN_32_BITS,
    "check_methods_sample_order_invariance": IN_32_BITS,
    "check_sample_weight_equivalence_on_dense_data": "rows are held out, and folds choose a penalty: repeated rows are "
    "cut otherwise than weighted ones, as in LogisticRegressionCV",
}


@pytest.fixture
def one_penalty(monkeypatch):
    """Leave out the choice of a penalty, of which scikit-learn asks nothing, and which takes most of the time."""
    monkeypatch.setattr("pare.learners.networks.start.solved_start.solve_head", partial(solve_head, penalties=(1.0,)))


@pytest.mark.slow
@parametrize_with_checks([PaReClassifier(), PaReRegressor()], expected_failed_checks=lambda _: NOT_SCIKIT_LEARNS)
def test_scikit_learns_own_checks(estimator, check, one_penalty):
    check(estimator)


@pytest.mark.parametrize("check", [check_estimators_pickle, check_fit_idempotent, check_dont_overwrite_parameters])
def test_a_trained_network_keeps_them_as_well(check):
    check("PaReRegressor", PaReRegressor("finetune", training={"epochs": 1, "precision": "no"}))


def test_classes_of_a_table_with_text_and_missing_values(wine):
    X, y = wine
    model = PaReClassifier().fit(X[:120], y[:120])
    assert model.score(X[120:], y[120:]) > 0.9
    assert list(model.classes_) == ["barbera", "barolo", "grignolino"]
    shares = model.predict_proba(X[120:])
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    assert (model.predict(X[120:]) == model.classes_[shares.argmax(1)]).all()
    assert list(model.feature_names_in_) == list(X.columns)
    np.testing.assert_array_equal(model.predictor_.predict_proba(X[120:]), shares)


def test_sets_of_classes_and_intervals_of_numbers(wine):
    X, y = wine
    model = PaReClassifier().fit(X[:120], y[:120])
    sets = model.predict_set(X[120:])
    assert [names[0] for names in sets] == list(model.predict(X[120:]))
    assert np.mean([truth in names for truth, names in zip(y[120:], sets, strict=True)]) > 0.8
    x, progress = load_diabetes(return_X_y=True)
    numbers = PaReRegressor().fit(x[:300], progress[:300])
    lower, upper = numbers.predict_interval(x[300:], coverage=0.8)
    assert lower.shape == (142,)
    np.testing.assert_allclose((lower + upper) / 2, numbers.predict(x[300:]))
    assert 0.6 < ((lower <= progress[300:]) & (progress[300:] <= upper)).mean() < 0.95


def test_a_column_of_text_reaches_the_prediction(wine):
    X = wine[0][["ash", "colour"]].dropna()
    model = PaReClassifier().fit(X, X["colour"])
    assert model.score(X, X["colour"]) == 1
    unknown = model.predict_proba(X.assign(colour="green"))
    np.testing.assert_array_equal(unknown, model.predict_proba(X.assign(colour=None)))


def test_an_array_with_text_is_a_table(wine):
    X, y = wine
    named = PaReClassifier().fit(X, y)
    array = PaReClassifier().fit(X.to_numpy(dtype=object), y)
    np.testing.assert_allclose(array.predict_proba(X.to_numpy(dtype=object)), named.predict_proba(X), rtol=1e-4)


def test_probabilities_are_those_of_the_network_on_scaled_rows():
    X, y = WINE
    model = PaReClassifier().fit(X, y)
    trained = model.predictor_.trained
    network, statistics = trained.predictor.network, trained.preparation.statistics
    scaled = (X.astype(np.float32) - statistics["x_mean"]) / statistics["x_scale"]
    with torch.no_grad():
        logits = network(torch.from_numpy(scaled)).numpy()
    temperature = model.predictor_.calibration.temperature
    assert 0.8 < temperature < 1.2
    np.testing.assert_allclose(model.predict_proba(X), softmax(logits / temperature, axis=1), rtol=1e-4)


def test_numbers_have_the_units_and_the_shape_of_y():
    X, y = load_diabetes(return_X_y=True)
    model = PaReRegressor().fit(X, y)
    assert model.score(X, y) > 0.4
    both = PaReRegressor().fit(X, np.stack([y, -1000 * y], axis=1)).predict(X)
    np.testing.assert_allclose(both[:, 0], model.predict(X), rtol=1e-3)
    np.testing.assert_allclose(both[:, 1], -1000 * both[:, 0], rtol=1e-2)


@pytest.mark.parametrize("shape", [(2, 60), (1, 12, 12), (3, 16, 16)], ids=["series", "grey images", "colour images"])
def test_series_and_images_are_learnt(shape):
    y = np.arange(60) % 2
    X = RNG.normal(size=(60, *shape))
    X[y == 1, 0, :6] += 4
    model = PaReClassifier().fit(X[:40], y[:40])
    assert model.score(X[40:], y[40:]) > 0.8
    assert model.predictor_.trained.run.source_name == "dinov2_small"
    with pytest.raises(PareError, match="new rows have shape"):
        model.predict(X[..., 1:])
    with pytest.raises(PareError, match=r"X holds NaN, a missing value, in row 2 .* fill it in"):
        model.predict(np.stack([X[0], np.full(shape, np.nan)]))


@pytest.mark.parametrize("X", [IMAGES, TABLE], ids=["images", "table"])
def test_threads_that_predict_at_once_do_not_mix_their_rows(X):
    torch_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        model = PaReClassifier(random_state=0).fit(X, np.arange(64) % 2)
        alone = [model.predict_proba(rows) for rows in (X[:32], X[32:])]
        both_are_inside = Barrier(2, timeout=60)
        network = model.predictor_.trained.predictor.network

        def wait(*_):
            both_are_inside.wait()

        network.backbone.encoder.register_forward_pre_hook(wait)
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(model.predict_proba, (X[:32], X[32:])))
        np.testing.assert_allclose(together, alone, atol=1e-5)  # numbers of threads round otherwise
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(torch_threads)


@pytest.mark.slow
def test_it_is_cloned_pickled_searched_and_put_into_pipelines(one_penalty):
    X, y = WINE
    model = PaReClassifier(random_state=3).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    others = {"source": None, "training": None, "minutes": None, "ordered": False, "channels": "auto"}
    assert clone(model).get_params() == {"method": "probe", "random_state": 3, **others}
    pipeline = make_pipeline(FunctionTransformer(np.log1p), PaReClassifier())
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.9
    search = GridSearchCV(PaReClassifier(), {"random_state": [0, 1]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("method", ["finetune", "pare", "orca"])
def test_a_method_trains_with_the_values_given(method):
    X, y = WINE
    weak = X[:, 2:5]  # by which the start makes errors, which leave something to train
    model = PaReClassifier(method, training={"epochs": 2, "precision": "no"}).fit(weak, y)
    record = model.predictor_.trained.record
    assert len(record["history"]) == 2
    assert (record["alignment"] is not None) == (method == "orca")
    assert model.score(weak, y) > 0.6


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"method": "prob"}, "method 'prob' is unknown. Did you mean 'probe'"),
        ({"source": "minlm"}, "source 'minlm' is unknown. Did you mean 'minilm'"),
        ({"training": {"epochs": 3}}, r"training\.epochs has no effect on method 'probe'"),
        ({"method": "catboost", "source": "minilm"}, "source has no effect on method 'catboost'"),
        ({"method": "pare", "training": {"epochs": 3}, "minutes": 1}, "name one of them"),
        ({"method": "choose", "minutes": 0}, "'minutes': Input should be greater than 0"),
        ({"method": "pare", "training": {"epoch": 3}}, r"key 'training\.epoch' is unknown"),
    ],
)
def test_a_misspelt_choice_is_told(choice, message):
    X, y = WINE
    with pytest.raises(PareError, match=message):
        PaReClassifier(**choice).fit(X, y)


@pytest.fixture(scope="module")
def seasons():
    """Two years of rows whose number is the season's, their dates as times, one of them missing."""
    when = pd.Series(pd.date_range("2020-01-01", periods=250, freq="3D"), name="when")
    y = np.cos(2 * np.pi * when.dt.dayofyear / 365.25).to_numpy()
    when[7] = pd.NaT
    return pd.DataFrame({"when": when, "noise": RNG.normal(size=len(when))}), y


def test_times_say_the_season(seasons):
    X, y = seasons
    model = PaReRegressor().fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.95
    assert model.n_features_in_ == 2


@pytest.mark.slow
@pytest.mark.parametrize("method", ["probe", "lightgbm"])
def test_dates_as_text_in_an_array_or_in_another_zone_are_the_same(seasons, method, one_penalty):
    if method == "lightgbm":
        pytest.importorskip(method)
    X, y = seasons
    text = X.assign(when=X["when"].dt.strftime("%Y-%m-%d"))
    there = X.assign(when=X["when"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    expected = PaReRegressor(method).fit(X, y).predict(X)
    for same in (text, there, text.to_numpy(object)):
        np.testing.assert_allclose(PaReRegressor(method).fit(same, y).predict(same), expected, atol=1e-6)


def test_a_text_among_new_dates_is_told(seasons):
    X, y = seasons
    model = PaReRegressor().fit(X, y)
    with pytest.raises(PareError, match="X: column 'when' holds 'soon' in row 2; expected a date"):
        model.predict(pd.DataFrame({"when": ["2021-01-01", "soon"], "noise": [0.0, 0.0]}))


def test_the_callers_random_numbers_go_on_as_without_a_fit():
    def drawn(fit):
        np.random.seed(0)
        random.seed(0)
        torch.manual_seed(0)
        fit()
        return np.random.rand(), random.random(), torch.rand(1).item()

    X, y = WINE
    assert drawn(lambda: PaReClassifier().fit(X, y)) == drawn(lambda: None)


def test_few_rows_leave_none_for_validation():
    record = PaReClassifier().fit(np.arange(8.0).reshape(4, 2), [0, 0, 1, 1]).predictor_.trained.record
    assert (record["validation"], record["n_train"]) == (None, 4)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["logistic_regression", "choose"])
def test_libraries_and_the_best_of_several_are_fitted_as_well(wine, monkeypatch, method):
    tried = {"folds": 3, "methods": ["probe", "logistic_regression"]}
    monkeypatch.setitem(shipped("learners")["choose"]["candidates"], "table", tried)
    frame, cultivar = wine
    model = PaReClassifier(method, minutes=1).fit(frame[:120], cultivar[:120])
    assert model.score(frame[120:], cultivar[120:]) > 0.9
    again = pickle.loads(pickle.dumps(model))
    assert again.predict_proba(frame[120:]) == pytest.approx(model.predict_proba(frame[120:]))


@pytest.mark.parametrize("method", ["probe", "logistic_regression"])
def test_groups_stay_whole(method):
    """Five copies of each row, whose class is chance: what is chosen on copies is sure of itself."""
    rng, group = np.random.default_rng(0), np.arange(100) // 5
    X, y = rng.normal(size=(20, 8))[group] + 0.01 * rng.normal(size=(100, 8)), rng.integers(0, 2, 20)[group]
    new = rng.normal(size=(50, 8))
    apart, together = (PaReClassifier(method).fit(X, y, groups=groups).predict_proba(new) for groups in (None, group))
    assert together.max(axis=1).mean() < apart.max(axis=1).mean() - 0.1


TWELVE = RNG.normal(size=(12, 3))


@pytest.mark.parametrize(
    ("X", "groups", "message"),
    [
        (pd.DataFrame({"id": [f"n{i}" for i in range(300)]}), None, "nearly all texts differ in id"),
        (np.array(["a"] * 12), None, r"shape \(12,\); expected a table"),
        (TWELVE, ["a"] * 12, "all rows are of the group 'a'; at least two"),
        (TWELVE, ["a", "b"], "X has 12 rows and groups 2; expected a group of each row"),
        (TWELVE, ["a", None] + ["b"] * 10, "the group of row 2 is missing"),
    ],
)
def test_what_is_no_table_or_are_no_groups_is_told(X, groups, message):
    with pytest.raises(ValueError, match=message):
        PaReClassifier().fit(X, np.arange(len(X)) % 2, groups=groups)


@pytest.fixture
def cuts(monkeypatch):
    """The folds by which heads are solved, noted."""
    cuts = []
    monkeypatch.setattr(
        "pare.learners.networks.start.solved_start.folds_that_keep",
        lambda *given: cuts.append(folds_that_keep(*given)) or cuts[-1],
    )
    return cuts


def test_rows_in_the_order_of_time_are_held_out_from_their_end(cuts):
    """The last ten of a hundred rows validate, and rows that are left out follow each other."""
    X, y = RNG.normal(size=(100, 3)), np.arange(100.0)
    model = PaReRegressor(ordered=True).fit(X, y)
    np.testing.assert_array_equal(model.predictor_.calibration.arrays["truth"][:, 0], y[90:])
    assert all((np.diff(held) == 1).all() for _, held in cuts[0])


def test_rows_in_order_have_no_groups():
    with pytest.raises(PareError, match="give one"):
        PaReRegressor(ordered=True).fit(RNG.normal(size=(20, 3)), np.arange(20.0), groups=np.arange(20) // 2)


def test_equal_rows_are_not_both_fitted_and_held_out(cuts):
    """Forty inputs of noise with random classes, each five times: the held-out rows say that nothing is known."""
    noise = np.random.default_rng(0)
    rows = noise.permutation(np.repeat(np.arange(40), 5))
    X, y = noise.normal(size=(40, 3))[rows], noise.integers(0, 2, 40)[rows]
    model = PaReClassifier().fit(X, y)
    assert len(model.predictor_.calibration.arrays["truth"]) == 5 * 4  # a tenth of the different rows
    assert cuts[0] is not None


def test_rows_that_are_all_equal_are_fitted_without_validation():
    model = PaReRegressor().fit(np.ones((20, 3)), np.arange(20.0))
    np.testing.assert_allclose(model.predict(np.ones((1, 3))), 9.5, atol=0.5)


def test_names_of_rows_are_left_out_with_a_warning(wine):
    X, y = wine
    named = X.assign(bottle=[f"no. {number}" for number in range(len(X))])
    with pytest.warns(UserWarning, match="X: left out: nearly all texts differ in bottle"):
        model = PaReClassifier().fit(named[:120], y[:120])
    expected = PaReClassifier().fit(X[:120], y[:120]).predict_proba(X[120:])
    np.testing.assert_array_equal(model.predict_proba(named[120:]), expected)
    with pytest.raises(ValueError, match="yet now missing:\n- bottle"):
        model.predict(X)


@pytest.mark.parametrize("text", [False, True])
def test_numbers_that_32_bits_do_not_tell_apart_are_told_of_both_sides(text):
    seconds = 1.7e9 + np.arange(30.0)
    X = pd.DataFrame({"time": seconds, "site": ["a", "b", "c"] * 10 if text else 0})
    with pytest.warns(UserWarning) as said:
        PaReRegressor("lightgbm").fit(X, seconds)
    told = "; ".join(str(one.message) for one in said if one.filename == __file__)
    assert [remark.split()[0] for remark in told.removeprefix("X: ").split("; ") if "has 30 different" in remark] == [
        "time",
        "y",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PaReClassifier("lightgbm").fit(np.ones((30, 1)), (seconds % 2).astype(int) + 1_700_000_000)  # names of classes


IMAGES = RNG.normal(size=(60, 3, 16, 16))
IMAGES[::2, 0, :6] += 4
KINDS = np.arange(60) % 2


@pytest.mark.parametrize(
    ("X", "channels"), [(IMAGES, "last"), (IMAGES[:, :1], "last"), (IMAGES[:, :1], "none"), (IMAGES[:, :2, 0], "last")]
)
def test_channels_may_be_last_or_none(X, channels):
    """As numpy, PIL and TensorFlow have images; and series, (rows, points, channels)."""
    expected = PaReClassifier(channels="first").fit(X, KINDS).predict_proba(X)
    other = X[:, 0] if channels == "none" else np.moveaxis(X, 1, -1)
    for said in {channels, "auto"} - ({"auto"} if channels == "none" else set()):
        model = PaReClassifier(channels=said).fit(other, KINDS)
        np.testing.assert_array_equal(model.predict_proba(other), expected)
        assert model.n_features_in_ == X.shape[1]


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_help_explains_each_parameter(kind):
    shown = pydoc.render_doc(kind, renderer=pydoc.plaintext)
    assert all(f"{name}: " in shown for name in kind().get_params())


@pytest.mark.slow
def test_several_labels_a_row():
    X, y = make_multilabel_classification(150, 8, n_classes=4, random_state=0)
    model = PaReClassifier("logistic_regression").fit(X[:100], y[:100])
    shares = model.predict_proba(X[100:])
    np.testing.assert_array_equal(model.predict(X[100:]), shares > 0.5)
    for label, share in zip(y.T, shares.T, strict=True):
        alone = PaReClassifier("logistic_regression").fit(X[:100], label[:100]).predict_proba(X[100:])[:, 1]
        assert np.corrcoef(share, alone)[0, 1] > 0.95
    with pytest.raises(ValueError, match=r"y has shape \(150, 4\); expected one class a row, \(rows,\), or several"):
        PaReClassifier().fit(X, y + 3)


def test_a_state_of_random_numbers_decides_as_its_next_number():
    X, y = WINE
    by_state = [PaReClassifier(random_state=np.random.RandomState(5)).fit(X, y).predict_proba(X) for _ in range(2)]
    np.testing.assert_array_equal(*by_state)
    number = np.random.RandomState(5).randint(2**31 - 1)
    np.testing.assert_array_equal(PaReClassifier(random_state=number).fit(X, y).predict_proba(X), by_state[0])
