"""The estimators among the tools of scikit-learn, with frames of polars, and in several threads."""

import io
from threading import Thread

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.inspection import permutation_importance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pare import PaReClassifier, PaReRegressor, load

TRAIN, TEST = slice(120), slice(120, None)


def in_threads(work, count):
    """What a function of a number gives for each of several threads."""
    results = [None] * count

    def keep(number):
        results[number] = work(number)

    threads = [Thread(target=keep, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_several_threads_predict_their_own_rows(wine):
    X, y = wine
    model = PaReClassifier().fit(X[TRAIN], y[TRAIN])
    expected = [model.predict_proba(X[TEST][part::4]) for part in range(4)]
    for shares, alone in zip(in_threads(lambda part: model.predict_proba(X[TEST][part::4]), 4), expected, strict=True):
        np.testing.assert_array_equal(shares, alone)


def test_several_threads_fit_what_each_would_fit_alone(wine):
    X, y = wine

    def shares(seed):
        model = PaReClassifier("finetune", random_state=seed, training={"epochs": 1, "precision": "no"})
        return model.fit(X[TRAIN], y[TRAIN]).predict_proba(X[TEST])

    for together, seed in zip(in_threads(shares, 3), range(3), strict=True):
        np.testing.assert_array_equal(together, shares(seed))


def test_a_frame_of_polars_is_one_of_pandas(wine):
    polars = pytest.importorskip("polars")
    X, y = wine
    expected = PaReClassifier().fit(X[TRAIN], y[TRAIN]).predict_proba(X[TEST])
    frame = polars.from_pandas(X)
    model = PaReClassifier().fit(frame[TRAIN], polars.Series(list(y[TRAIN])))
    np.testing.assert_array_equal(model.predict_proba(frame[TEST]), expected)
    reordered = frame[TEST].select(frame.columns[::-1])  # columns have their names in a model on its own, too
    np.testing.assert_array_equal(model.predictor_.predict_proba(reordered), expected)
    assert list(model.feature_names_in_) == list(X)


def test_tools_that_clone_weigh_and_shuffle_take_them(wine):
    X, y = wine
    calibrated = CalibratedClassifierCV(PaReClassifier(), cv=2)
    calibrated.fit(X[TRAIN], y[TRAIN], sample_weight=np.linspace(1, 2, 120))
    assert calibrated.score(X[TEST], y[TEST]) > 0.9
    model = PaReClassifier().fit(X[["color_intensity", "hue", "ash"]][TRAIN], y[TRAIN])
    found = permutation_importance(model, X[["color_intensity", "hue", "ash"]][TEST], y[TEST], random_state=0)
    assert found.importances_mean[2] < found.importances_mean[:2].min()


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_a_step_before_it_may_give_frames(wine, output):
    pytest.importorskip(output)
    X, y = wine
    numbers = list(X.select_dtypes(float))
    scaled = ColumnTransformer([("scaled", StandardScaler(), numbers)], remainder="passthrough")
    pipeline = make_pipeline(scaled.set_output(transform=output), PaReClassifier())
    assert pipeline.fit(X[TRAIN], y[TRAIN]).score(X[TEST], y[TEST]) > 0.9


def test_a_model_of_joblib_predicts_as_before(wine):
    X, y = wine
    model, stored = PaReClassifier().fit(X[TRAIN], y[TRAIN]), io.BytesIO()
    joblib.dump(model, stored)
    stored.seek(0)
    np.testing.assert_array_equal(joblib.load(stored).predict_proba(X[TEST]), model.predict_proba(X[TEST]))


def test_a_saved_model_of_numbers_knows_its_columns_by_name(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    model = PaReRegressor().fit(X, 3 * X["a"] - X["b"])
    model.predictor_.trained.save(tmp_path / "model")
    saved = load(tmp_path / "model")
    np.testing.assert_array_equal(saved.predict(X[["c", "a", "b"]]), saved.predict(X))
    with pytest.raises(ValueError, match="same order"):  # scikit-learn's own rule
        model.predict(X[["c", "a", "b"]])
    with pytest.raises(Exception, match="lacks b; it has a, c"):
        saved.predict(X[["a", "c"]])


@pytest.mark.parametrize("argument", [np.ones(20), np.arange(20) // 4])
def test_weights_and_groups_have_their_names(argument):
    """As a third argument, weights were taken for groups."""
    with pytest.raises(TypeError, match="positional argument"):
        PaReRegressor().fit(np.ones((20, 2)), np.arange(20.0), argument)


def test_texts_with_spaces_and_numbers_as_text_are_read_as_in_a_file():
    """Spaces around categories of an export, NA between numbers as R writes it, and durations."""
    rng = np.random.default_rng(0)
    value, site = rng.normal(size=150), rng.integers(0, 3, 150)
    written = pd.Series(value.round(4).astype(str))
    written[::10] = "NA"
    X = pd.DataFrame(
        {"site": pd.Categorical.from_codes(site, [" a", " b ", "c "]), "written": written, "z": rng.normal(size=150)}
    )
    X["took"] = pd.to_timedelta(rng.uniform(0, 5, 150), unit="h")
    plain = pd.DataFrame(
        {"site": site.astype(str), "written": value.round(4), "z": X["z"], "took": X["took"].dt.total_seconds()}
    )
    plain.loc[::10, "written"] = np.nan
    y = 2 * value + 3 * (site == 1) + plain["took"] / 3600
    expected = PaReRegressor().fit(plain[:100], y[:100]).score(plain[100:], y[100:])
    assert expected > 0.7
    assert PaReRegressor().fit(X[:100], y[:100]).score(X[100:], y[100:]) == pytest.approx(expected, abs=0.01)
