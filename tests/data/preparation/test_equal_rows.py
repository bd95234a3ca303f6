"""Rows with equal inputs are found, counted and kept in one part."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from pare.config import PareError
from pare.config.schema import Task
from pare.data.preparation import ModelInput
from pare.data.preparation.equal_rows import EqualRows
from pare.storage.samples import Samples
from pare.storage.store import SPLITS, ArrayStore


def equal_rows(x, y=None, block=7):
    y = np.zeros(len(x), int) if y is None else y
    return EqualRows.among(("all", x[i : i + block], y[i : i + block]) for i in range(0, len(x), block))


def test_rows_are_equal_where_pandas_finds_them_equal():
    x = np.random.default_rng(0).integers(0, 3, (200, 4)).astype(np.float32)
    x[np.random.default_rng(1).random(x.shape) < 0.2] = np.nan
    numbers, _ = pd.factorize(pd.MultiIndex.from_frame(pd.DataFrame(x).fillna(-1)))
    np.testing.assert_array_equal(equal_rows(x).numbers["all"], numbers)


def test_both_zeros_are_equal_and_all_missing_values():
    payload = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    x = np.array([[0.0, np.nan], [-0.0, -np.nan], [0.0, payload], [0.0, 1.0]], np.float32)
    assert equal_rows(x).numbers["all"].tolist() == [0, 0, 0, 1]
    assert np.signbit(x[1, 0])  # the caller's own rows stay as they are


def test_numbers_are_the_same_in_each_process():
    """Python's hashes differ from process to process; numbers follow the order of the rows."""
    assert equal_rows(np.array([[5.0], [3.0], [5.0], [1.0]])).numbers["all"].tolist() == [0, 1, 0, 2]


def test_groups_and_all_that_they_equal_are_one():
    rng = np.random.default_rng(0)
    x, own = rng.integers(0, 60, (60, 1)), rng.integers(0, 40, 60)
    joined = equal_rows(x).groups({"all": own})["all"]
    wanted = pd.Series(np.arange(60))
    for _ in range(60):  # each row takes the least number of its group, and of the rows that it equals
        wanted = wanted.groupby(own).transform("min").groupby(x[:, 0]).transform("min")
    np.testing.assert_array_equal(pd.factorize(joined)[0], pd.factorize(wanted)[0])
    assert 1 < joined.max() < 30


def test_groups_without_equal_rows_keep_their_numbers():
    own = np.repeat(np.arange(10), 3)
    np.testing.assert_array_equal(equal_rows(np.arange(30.0)[:, None]).groups({"all": own})["all"], own)


def test_repeats_ambiguous_rows_and_known_test_rows_are_counted():
    x = np.array([[1], [1], [2], [2], [2], [3], [1]], float)
    equal = equal_rows(x, np.array([0, 0, 0, 1, 0, 1, 0]))
    repeats = equal.repeats({"all": np.array(["train"] * 4 + ["test"] * 3)}, together=False)
    assert (repeats.rows, repeats.repeats, repeats.ambiguous, repeats.test, repeats.known) == (7, 4, 3, 3, 2)
    assert repeats.sentences() == [
        "4 of 7 rows have the inputs of an earlier row",
        "3 rows have the inputs of a row of another class: no model tells them apart",
        "2 of 3 test rows have the inputs of a training row",
    ]


def task_of(rows, split, raw=None, **more):
    return Task.model_validate(
        {
            "title": "noise",
            "raw": raw or {"files": ["none"]},
            "reader": {"name": "table"},
            "samples": {"all": rows},
            "input": {"shape": [4]},
            "output": {"kind": "classification", "shape": [2]},
            "split": {"test": 0.2, "validation": 0.2} | split,
            **more,
        }
    )


@pytest.fixture
def noise():
    """60 rows of noise with random labels, each five times."""
    rng = np.random.default_rng(0)
    order = rng.permutation(np.repeat(np.arange(60), 5))
    return rng.normal(size=(60, 4)).astype(np.float32)[order], rng.integers(0, 2, 60)[order]


def written(path, task, x, y, groups=None):
    ModelInput("noise", task, {"all": Samples.of_arrays(x, y, groups=groups)}, "raw", validated=True).write(path)
    return ArrayStore(path)


def inputs_of(store):
    rows = {split: store.rows(split) for split in SPLITS}
    return {split: {row.tobytes() for row in of_split.array("x")} for split, of_split in rows.items()}


def share_an_input(store):
    train, validation, test = inputs_of(store).values()
    return bool(train & validation or train & test or validation & test)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stratified", [True, False])
@pytest.mark.parametrize("fold", [None, {"number": 2, "folds": 4}])
@pytest.mark.parametrize("grouped", [True, False])
def test_parts_never_share_an_input(tmp_path, seed, stratified, fold, grouped):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 4)).astype(np.float32)[rng.integers(0, 120, 200)]
    groups = rng.integers(0, 150, 200) if grouped else None
    split = {"stratified": stratified} | ({"fold": fold} if fold else {})
    store = written(tmp_path / "s.h5", task_of(200, split), x, rng.integers(0, 2, 200), groups)
    assert not share_an_input(store)
    assert store.repeats["known"] == 0
    if grouped:
        kept = [set(store.rows(split).groups) for split in SPLITS]
        assert not (kept[0] & kept[1] or kept[0] & kept[2] or kept[1] & kept[2])


def test_where_all_inputs_differ_the_file_is_that_of_rows_apart(tmp_path, noise):
    x, y = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32), noise[1]
    for rule in ("together", "apart"):
        written(tmp_path / f"{rule}.h5", task_of(300, {"stratified": True, "equal_rows": rule}), x, y)
    stores = [ArrayStore(tmp_path / f"{rule}.h5") for rule in ("together", "apart")]
    assert inputs_of(stores[0]) == inputs_of(stores[1])
    assert all(store.repeats is None and store.rows("train").groups is None for store in stores)


def test_published_tables_are_divided_as_before_and_say_what_test_rows_are_known(tmp_path, noise, library):
    published = {"raw": library.tasks["openml_car"]["raw"]}
    store = written(tmp_path / "s.h5", task_of(300, {}, **published), *noise)
    train, validation, _ = inputs_of(store).values()
    assert store.rows("train").groups is None
    x = store.rows("test").array("x")
    assert store.repeats["known"] == sum(row.tobytes() in train | validation for row in x) > 30
    together = written(tmp_path / "t.h5", task_of(300, {"equal_rows": "together"}, **published), *noise)
    assert not share_an_input(together)


def test_rows_in_order_stay_in_order_and_say_what_test_rows_are_known(tmp_path, noise):
    store = written(tmp_path / "s.h5", task_of(300, {"ordered": True}), *noise)
    assert len(store.rows("test")) == 60
    assert store.repeats["known"] > 30
    assert store.rows("train").groups is None
    with pytest.raises(ValueError, match="leave equal_rows out"):
        task_of(300, {"ordered": True, "equal_rows": "together"})


def test_three_equal_rows_do_not_end_stratification(tmp_path):
    x = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    y = (np.arange(1000) % 50 == 0).astype(int)  # 20 of 1000
    x[[3, 500]] = x[700]
    store = written(tmp_path / "s.h5", task_of(1000, {"stratified": True}), x, y)
    counts = [np.bincount(store.rows(split).array("y")) for split in SPLITS]
    np.testing.assert_allclose(counts, [[627, 13], [157, 3], [196, 4]], atol=3)
    assert [count[1] for count in counts] == [13, 3, 4]


def test_rows_that_are_averaged_keep_the_groups_of_the_task(tmp_path):
    own = np.arange(100) // 2
    x = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    x[[0, 50]] = x[98]
    store = written(tmp_path / "s.h5", task_of(100, {}, average_groups=True), x, own % 2, own)
    kept = [set(store.rows(split).groups) for split in SPLITS]
    assert set.union(*kept) == set(own)
    assert any({0, 25, 49} <= groups for groups in kept)


def test_one_input_in_all_rows_cannot_be_divided(tmp_path):
    x, y = np.ones((20, 4), np.float32), np.arange(20) % 2
    with pytest.raises(PareError, match=r"cannot cut 4 test rows from 20.*split"):
        written(tmp_path / "s.h5", task_of(20, {"stratified": True}), x, y)


@pytest.mark.parametrize(("rule", "least", "most"), [("together", 30, 70), ("apart", 0, 5)])
def test_noise_with_random_labels_is_predicted_by_chance_where_equal_rows_stay_together(
    tmp_path, noise, rule, least, most
):
    """Each row is there five times: its like in training would give the label away."""
    store = written(tmp_path / "s.h5", task_of(300, {"stratified": True, "equal_rows": rule}), *noise)
    train, test = store.rows("train"), store.rows("test")
    nearest = KNeighborsClassifier(1).fit(train.array("x"), train.array("y"))
    assert least <= 100 * (1 - nearest.score(test.array("x"), test.array("y"))) <= most
