"""Boosters and logistic regression against their libraries, called directly on the same table."""

import time
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import torch
import xgboost
from scipy.special import expit, softmax
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from blas import blas_threads
from pare.config import PareError
from pare.config.split import SplitConfig
from pare.learners.ensemble import combined, mean_of
from pare.learners.libraries.boosting import ESTIMATORS, BoosterOptions
from pare.learners.libraries.scikit_learn import ESTIMATORS as LOGISTIC
from pare.learners.libraries.scikit_learn import LogisticOptions, fit_logistic_regression

ROUNDS = 5
FITS = {name: estimator.fit for name, estimator in ESTIMATORS.items()}
SIZES = {"xgboost": "n_estimators", "lightgbm": "n_estimators", "catboost": "iterations"}


def table(n, seed):
    """Two numbers and a category of three; numbers and categories are missing here and there."""
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=(n, 2)), draw.integers(0, 3, n)])
    y = (x[:, 0] + (x[:, 2] == 1) + 0.3 * draw.normal(size=n) > 0).astype(int) + (x[:, 1] > 1)
    x[draw.random(x.shape) < 0.05] = np.nan
    return x.astype(np.float32), y.astype(np.int64)


SPLITS = table(200, 0), table(60, 1), table(40, 2)


@pytest.fixture
def classes(problem):
    return problem("classification", 3, (0, 0, 3), train=table(200, 0), validation=table(60, 1), test=table(40, 2))


def options(name, trees=30, bags=1, **more):
    threads = "thread_count" if name == "catboost" else "n_jobs"
    return BoosterOptions(early_stopping_rounds=ROUNDS, bags=bags, **{SIZES[name]: trees, threads: 1}, **more)


def predict(fitted, x):
    """Outputs of a fit; of several models their mean."""
    outputs = {str(number): model.predict(x) for number, model in enumerate((fitted.model, *fitted.others))}
    equal = dict.fromkeys(outputs, 1 / len(outputs))
    return combined(outputs, equal, dict.fromkeys(outputs, 1.0), mean_of(fitted.model.task))


@pytest.mark.parametrize("name", FITS)
def test_a_library_predicts_a_table_at_once(name, classes, monkeypatch):
    model, x, calls = FITS[name](classes, options(name)).model, table(300, 5)[0], []
    expected = model.predict(x)
    estimator = model.estimators[0].estimator
    own = estimator.predict_proba
    monkeypatch.setattr(estimator, "predict_proba", lambda rows: calls.append(len(rows)) or own(rows))
    np.testing.assert_array_equal(model.outputs(x, torch.device("cuda")), expected)
    assert calls == [300]


def frame(x, missing):
    """The table with its category as whole numbers, or as pandas has categories."""
    data = pd.DataFrame(x, columns=["feature_0", "feature_1", "feature_2"])
    codes = data["feature_2"].fillna(-1).astype(int)
    data["feature_2"] = codes if missing == "code" else pd.Categorical.from_codes(codes, [0, 1, 2])
    return data


def direct(name, depth, weights=False, parts=SPLITS):
    """Probabilities of the test rows by the library itself, and the log loss of its validation rows."""
    (x, y), (val_x, val_y), (test_x, _) = parts
    weight = compute_sample_weight("balanced", y) if weights else None
    held_weight = np.bincount(y)[val_y] if weights else None
    if weights:
        held_weight = len(y) / 3 / held_weight
    x, val_x, test_x = (frame(part, "code" if name == "catboost" else "category") for part in (x, val_x, test_x))
    if name == "xgboost":
        model = xgboost.XGBClassifier(
            n_estimators=30,
            max_depth=depth,
            random_state=3,
            enable_categorical=True,
            early_stopping_rounds=ROUNDS,
            n_jobs=1,
        )
        more = {"sample_weight_eval_set": [held_weight]} if weights else {}
        model.fit(x, y, sample_weight=weight, eval_set=[(val_x, val_y)], verbose=False, **more)
        return model.predict_proba(test_x), model.best_score
    if name == "lightgbm":
        model = lightgbm.LGBMClassifier(
            n_estimators=30,
            max_depth=depth,
            random_state=3,
            deterministic=True,
            force_row_wise=True,
            verbosity=-1,
            n_jobs=1,
        )
        stop = [lightgbm.early_stopping(ROUNDS, verbose=False)]
        more = {"eval_sample_weight": [held_weight]} if weights else {}
        model.fit(x, y, sample_weight=weight, eval_X=val_x, eval_y=val_y, callbacks=stop, **more)
        return model.predict_proba(test_x), model.best_score_["valid_0"]["multi_logloss"]
    model = catboost.CatBoostClassifier(
        iterations=30, depth=depth, random_seed=3, verbose=False, allow_writing_files=False, thread_count=1
    )
    pool = catboost.Pool(val_x, val_y, weight=held_weight, cat_features=[2])
    model.fit(x, y, sample_weight=weight, cat_features=[2], eval_set=pool, early_stopping_rounds=ROUNDS)
    return model.predict_proba(test_x), model.get_best_score()["validation"]["MultiClass"]


@pytest.mark.parametrize("name", FITS)
def test_the_better_of_two_depths_on_the_validation_rows_predicts_as_the_library_does(name, classes):
    depth = "depth" if name == "catboost" else "max_depth"
    fitted = FITS[name](classes, options(name, search={depth: [1, 4]}))
    found = softmax(predict(fitted, table(40, 2)[0]), axis=1)
    wanted, _ = min((direct(name, 1), direct(name, 4)), key=lambda outcome: outcome[1])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert set(fitted.versions) == {name}


@pytest.mark.parametrize("name", FITS)
def test_classes_are_weighted_by_their_inverse_frequency_where_the_task_says_so(name, classes):
    depth = {"depth" if name == "catboost" else "max_depth": 2}
    fitted = FITS[name](replace(classes, class_weights=True), options(name, **depth))
    found = softmax(predict(fitted, table(40, 2)[0]), axis=1)
    np.testing.assert_allclose(found, direct(name, 2, weights=True)[0], atol=1e-5)
    assert np.abs(found - direct(name, 2)[0]).max() > 0.01


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("ordered", [False, True])
def test_a_bag_is_the_mean_over_folds_of_training_and_validation_rows(name, classes, ordered):
    split = SplitConfig(ordered=ordered)
    classes = replace(classes, task=classes.task.model_copy(update={"split": split}))
    folds = KFold(3) if ordered else StratifiedKFold(3, shuffle=True, random_state=0)
    depth = {"depth" if name == "catboost" else "max_depth": 2}
    fitted = FITS[name](classes, options(name, bags=3, **depth))
    x, y = (np.concatenate(parts) for parts in zip(table(200, 0), table(60, 1), strict=True))
    test, shares, unseen = table(40, 2), [], np.empty((260, 3))
    for rest, held in folds.split(x, y):
        learnt, left_out = (x[rest], y[rest]), (x[held], y[held])
        shares.append(direct(name, 2, parts=(learnt, left_out, test))[0])
        unseen[held] = direct(name, 2, parts=(learnt, left_out, left_out))[0]
    np.testing.assert_allclose(softmax(predict(fitted, test[0]), axis=1), np.mean(shares, axis=0), atol=1e-5)
    np.testing.assert_allclose(softmax(fitted.unseen, axis=1), unseen[200:], atol=1e-5)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_unseen_predictions_of_a_bag_are_of_rows_left_out(name, kind, problem):
    """Answers are noise: what was learnt by heart is met, what was left out is not."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 3))
    y = draw.integers(0, 2, 300) if kind == "classification" else draw.normal(size=(300, 1)).astype(np.float32)
    splits = {"train": (x[:150], y[:150]), "validation": (x[150:], y[150:])}
    noise = problem(kind, 2 if kind == "classification" else None, **splits)
    learns = {"lightgbm": {"min_child_samples": 2}}.get(name, {})
    fitted = FITS[name](noise, options(name, 200, bags=4, learning_rate=0.3, **learns))
    found, left_out = predict(fitted, x[150:].astype(np.float32)), fitted.unseen
    if kind == "classification":
        assert (found.argmax(1) == y[150:]).mean() > 0.6 > (left_out.argmax(1) == y[150:]).mean()
    else:
        assert np.corrcoef(found[:, 0], y[150:, 0])[0, 1] > 0.3 > np.corrcoef(left_out[:, 0], y[150:, 0])[0, 1]


@pytest.mark.parametrize("belong", ["groups", "equal"])
def test_a_bag_leaves_whole_groups_and_equal_rows_out(problem, belong):
    """All rows of a group are alike, and their answers are the group's: what is left out cannot be known."""
    draw = np.random.default_rng(0)
    groups = np.arange(200) // 5
    x, y = draw.normal(size=(40, 2))[groups], draw.integers(0, 2, 40)[groups]
    parts = {"train": slice(0, 150), "validation": slice(150, 200)}
    errors = []
    for known in ({name: groups[rows] for name, rows in parts.items()}, None):
        splits = {name: (x[rows], y[rows]) for name, rows in parts.items()}
        made = problem("classification", 2, **{belong: known}, **splits)
        unseen = FITS["xgboost"](made, options("xgboost", 200, bags=5)).unseen
        errors.append(100 * (unseen.argmax(1) != y[150:]).mean())
    assert errors[1] < 20 < errors[0]


@pytest.mark.parametrize("name", FITS)
def test_rows_and_folds_may_be_as_few_as_one_another(name, problem):
    x, y = table(4, 0)
    few = problem("classification", 3, (0, 0, 3), train=(x[:3], y[:3]), validation=(x[3:], y[3:]))
    outputs = predict(FITS[name](few, options(name, 3, bags=5)), x)
    assert outputs.shape == (4, 3) and np.isfinite(outputs).all()


@pytest.mark.parametrize("name", FITS)
def test_the_first_of_the_search_is_taken_where_there_are_no_validation_rows(name, problem):
    depth = "depth" if name == "catboost" else "max_depth"
    alone = problem("classification", 3, (0, 0, 3), train=table(100, 0))
    first, searched = (
        FITS[name](alone, options(name, 10, **choice)) for choice in ({depth: 2}, {"search": {depth: [2, 5]}})
    )
    x = table(40, 2)[0]
    np.testing.assert_array_equal(predict(first, x), predict(searched, x))


@pytest.mark.parametrize("name", FITS)
def test_labels_and_numbers_have_an_estimator_each(name, problem):
    (x, y), (val_x, val_y) = table(200, 0), table(60, 1)
    labels = [np.stack([part > 0, part > 9], 1).astype(np.float32) for part in (y, val_y)]
    numbers = [np.stack([part[:, 0], 3 - part[:, 0]], 1).astype(np.float32) for part in (x, val_x)]
    known = np.isfinite(x[:, 0]), np.isfinite(val_x[:, 0])
    labelled = problem("multilabel", None, (0, 0, 3), train=(x, labels[0]), validation=(val_x, labels[1]))
    outputs = predict(FITS[name](labelled, options(name)), val_x)
    assert ((outputs[:, 0] > 0) == (val_y > 0)).mean() > 0.8
    np.testing.assert_allclose(expit(outputs[:, 1]), 0, atol=1e-6)  # no training row has the second label
    counted = problem(
        "regression",
        None,
        (0, 0, 3),
        train=(x[known[0]], numbers[0][known[0]]),
        validation=(val_x[known[1]], numbers[1][known[1]]),
    )
    found = predict(FITS[name](counted, options(name, 100)), val_x[known[1]])
    assert found.shape == numbers[1][known[1]].shape
    assert np.mean((found - numbers[1][known[1]]) ** 2) < 0.3


@pytest.mark.parametrize("name", [*FITS, "logistic_regression"])
def test_a_class_without_training_rows_is_possible_but_never_likely(name, problem):
    x, y = table(200, 0)
    few = problem("classification", 4, (0, 0, 3), train=(x, np.array([0, 1, 3])[y]), validation=(x, y))
    if name in FITS:
        fitted = FITS[name](few, options(name, 5))
    else:
        fitted = fit_logistic_regression(few, LogisticOptions(strengths=2, folds=2, iterations=500))
    outputs = predict(fitted, x)
    assert outputs.shape == (200, 4) and np.isfinite(outputs).all()
    assert (softmax(outputs, axis=1)[:, 2] < 1e-8).all()


@pytest.mark.parametrize(("name", "asked"), [("xgboost", "max_dept"), ("lightgbm", "num_leafs"), ("catboost", "deph")])
def test_an_unknown_option_is_answered_with_the_known_one(name, asked, classes):
    with pytest.raises(PareError, match=rf"option '{asked}' is unknown.*Did you mean"):
        FITS[name](classes, options(name, **{asked: 3}))


@pytest.mark.parametrize("name", FITS)
def test_a_value_that_the_library_refuses_is_told_in_one_message(name, classes):
    with pytest.raises(PareError, match=rf"^{name} refuses to fit: .*correct its options"):
        FITS[name](classes, options(name, learning_rate="fast"))


def test_catboost_says_which_number_it_cannot_learn(problem):
    x, y = table(30, 0)
    made = problem("regression", 2, (0, 0, 3), train=(x, np.stack([y, 0 * y + 7], 1).astype(np.float32)))
    with pytest.raises(PareError, match=r"^CatBoost learns no number .* found 7 in all 30; .* method=lightgbm$"):
        FITS["catboost"](made, options("catboost", 5))


def test_logistic_regression_is_the_best_of_its_strengths_in_cross_validation(classes):
    fitted = fit_logistic_regression(classes, LogisticOptions(strengths=3, folds=4, iterations=1000))
    (x, y), (test_x, _) = table(200, 0), table(40, 2)
    impute = SimpleImputer(strategy="median", add_indicator=True).fit(x[:, :2])
    scale = StandardScaler().fit(impute.transform(x[:, :2]))
    one_hot = OneHotEncoder(handle_unknown="ignore").fit(x[:, 2:])

    def columns(rows):
        return np.hstack([scale.transform(impute.transform(rows[:, :2])), one_hot.transform(rows[:, 2:]).toarray()])

    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    scores = {
        strength: cross_val_score(
            make_pipeline(LogisticRegression(C=strength)), columns(x), y, cv=folds, scoring="neg_log_loss"
        ).mean()
        for strength in (1e-4, 1, 1e4)
    }
    model = LogisticRegression(C=max(scores, key=scores.get), max_iter=1000).fit(columns(x), y)
    found = softmax(predict(fitted, test_x), axis=1)
    np.testing.assert_allclose(found, model.predict_proba(columns(test_x)), atol=1e-4)


def test_logistic_regression_is_fitted_by_one_thread(classes, monkeypatch):
    seen, solve = set(), LogisticRegression.fit

    def noted(model, *args, **kwargs):
        seen.update(blas_threads())
        return solve(model, *args, **kwargs)

    monkeypatch.setattr(LogisticRegression, "fit", noted)
    with threadpool_limits(2, user_api="blas"):
        fit_logistic_regression(classes, LogisticOptions(strengths=2, folds=2, iterations=500))
    assert seen == {1}


def test_rows_of_a_group_are_left_out_together_by_logistic_regression(problem):
    """Ten copies of each row, whose class is chance: a weak penalty is right for the copies and wrong for new rows."""
    rng, group = np.random.default_rng(0), np.arange(300) // 10
    x, y = rng.normal(size=(30, 20)).astype(np.float32)[group], rng.integers(0, 2, 30)[group]
    new, options = rng.normal(size=(50, 20)).astype(np.float32), LogisticOptions(strengths=3, folds=5, iterations=500)

    def confidence(groups):
        fitted = fit_logistic_regression(problem("classification", 2, train=(x, y), groups=groups), options)
        return softmax(predict(fitted, new), axis=1).max(axis=1).mean()

    assert confidence({"train": group}) < 0.6
    assert confidence(None) > 0.9


def test_logistic_regression_needs_a_class_in_two_groups(problem):
    x, y = table(50, 0)
    with pytest.raises(PareError, match=r"without any group of rows, .* a class has no training rows"):
        fit_logistic_regression(
            problem("classification", 3, train=(x, y), groups={"train": y}),
            LogisticOptions(strengths=2, folds=5, iterations=9),
        )


def test_logistic_regression_needs_two_rows_of_a_class(problem):
    x, y = table(50, 0)
    y = np.where(np.arange(50) == 7, 2, y > 0).astype(np.int64)
    with pytest.raises(PareError, match=r"class 2 has 1 training row"):
        fit_logistic_regression(
            problem("classification", 3, train=(x, y)), LogisticOptions(strengths=2, folds=5, iterations=9)
        )


@pytest.mark.parametrize("name", [*FITS, "logistic_regression"])
@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("bags", [1, 3])
def test_what_was_written_predicts_the_same(name, kind, bags, problem, tmp_path):
    """Two classes of three, labels of which one is constant, and numbers."""
    (x, y), (new, _) = table(200, 0), table(40, 2)
    answers = {
        "classification": np.array([0, 2, 2])[y],
        "multilabel": np.stack([y > 0, y > 9, y > 1], 1).astype(np.float32),
        "regression": np.stack([y, 3 - y], 1).astype(np.float32),
    }[kind]
    some = problem(
        kind, 3 if kind == "classification" else None, (0, 0, 3), train=(x, answers), validation=(x, answers)
    )
    estimator = (ESTIMATORS | LOGISTIC)[name]
    if kind == "regression" and name not in FITS:
        pytest.skip(f"{name} predicts no numbers")
    chosen = options(name, bags=bags) if name in FITS else LogisticOptions(strengths=2, folds=2, iterations=500)
    fitted = estimator.fit(some, chosen)
    assert len(fitted.others) == (bags - 1 if name in FITS else 0)
    fitted.model.write(tmp_path)
    loaded = estimator.load(tmp_path, SimpleNamespace(task=some.task), chosen)
    np.testing.assert_allclose(loaded.predict(new), fitted.model.predict(new), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_rounds_end_at_the_deadline(name, problem):
    """Answers are noise of so many rows that all rounds would take minutes."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(4000, 20)), draw.normal(size=(4000, 1)).astype(np.float32)
    made = problem("regression", train=(x[:3000], y[:3000]), validation=(x[3000:], y[3000:]))
    many = BoosterOptions(early_stopping_rounds=100_000, bags=2, **{SIZES[name]: 100_000})
    started = time.monotonic()
    fitted = FITS[name](replace(made, deadline=started + 1.0), many)
    assert time.monotonic() - started < 10
    assert np.isfinite(predict(fitted, x[:10].astype(np.float32))).all()


@pytest.mark.parametrize("name", FITS)
def test_rounds_that_the_deadline_ends_are_those_of_the_least_loss(name, problem, monkeypatch):
    """Answers are noise, so that each round after the first ones makes the validation rows worse."""
    draw, clock = np.random.default_rng(0), count()
    x, y = draw.normal(size=(400, 5)), draw.normal(size=(400, 1)).astype(np.float32)
    made = problem("regression", train=(x[:300], y[:300]), validation=(x[300:], y[300:]))
    monkeypatch.setattr("pare.learners.libraries.boosting.time", SimpleNamespace(monotonic=lambda: next(clock)))
    many = BoosterOptions(early_stopping_rounds=100_000, bags=1, learning_rate=0.3, **{SIZES[name]: 100_000})
    found = FITS[name](replace(made, deadline=100), many).model.predict(x[300:].astype(np.float32))
    assert 100 < next(clock) < 200
    assert np.square(found - y[300:]).mean() < 1.1 * y[300:].var()
