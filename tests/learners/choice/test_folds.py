"""Folds of the training and validation rows."""

import numpy as np
import pytest

from pare.config import PareError
from pare.config.schema import SplitConfig
from pare.learners.choice.folds import fold_parts, write_fold
from pare.storage.store import ArrayStore, write_store


class Rows:
    """What `fold_parts` asks of a task."""

    def __init__(self, classes=None, share=0.2, ordered=False):
        self.classes, self.split = classes, SplitConfig(validation=share, ordered=ordered)


@pytest.fixture
def store(tmp_path) -> ArrayStore:
    y = np.arange(60) % 3
    x = np.arange(60, dtype=np.float32)[:, None]
    group = np.repeat(np.arange(20), 3)
    parts = {"train": slice(0, 45), "validation": slice(45, 60), "test": slice(0, 5)}
    write_store(
        tmp_path / "s.h5",
        rows={name: len(y[rows]) for name, rows in parts.items()},
        blocks=[(name, {"x": x[rows], "y": y[rows], "group": group[rows]}) for name, rows in parts.items()],
        statistics={"x_mean": np.ones(1)},
        fingerprint="f",
        description={"columns": ["a"]},
    )
    return ArrayStore(tmp_path / "s.h5")


@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_row_is_held_out_once_and_never_in_two_parts(store, count):
    folds = fold_parts(store, Rows(), count)
    assert sorted(np.concatenate([parts["test"] for parts in folds])) == list(range(60))
    for parts in folds:
        assert sorted(np.concatenate(list(parts.values()))) == list(range(60))


def test_groups_stay_whole(store):
    group = np.repeat(np.arange(20), 3)
    for parts in fold_parts(store, Rows(), 4):
        of = [set(group[rows]) for rows in parts.values()]
        assert not (of[0] & of[1] or of[0] & of[2] or of[1] & of[2])


def test_of_one_fold_the_validation_rows_are_held_out(store):
    (parts,) = fold_parts(store, Rows(), 1)
    assert parts["test"].tolist() == list(range(45, 60))
    assert len(parts["validation"]) == pytest.approx(9, abs=3)


def test_a_fold_has_the_rows_that_it_names_with_their_answers_and_statistics(store, tmp_path):
    parts = fold_parts(store, Rows(3), 5)[0]
    fold = write_fold(tmp_path, store, parts, compress=False)
    for name, numbers in parts.items():
        rows = fold.rows(name).read(0, len(numbers))
        assert rows["x"][:, 0].tolist() == sorted(numbers)
        assert rows["y"].tolist() == (np.sort(numbers) % 3).tolist()
    assert fold.statistics["x_mean"] == 1
    assert fold.description == {"columns": ["a"]}
    assert fold.fingerprint != store.fingerprint


def test_a_fold_of_rows_in_order_is_rows_one_after_the_other(tmp_path):
    splits = {"train": np.arange(45.0), "validation": np.arange(45.0, 60), "test": np.arange(60.0, 65)}
    blocks = [(name, {"x": x[:, None], "y": x.astype(int) % 3}) for name, x in splits.items()]
    rows = {name: len(x) for name, x in splits.items()}
    write_store(tmp_path / "s.h5", rows=rows, blocks=blocks, statistics={}, fingerprint="f", description={})
    folds = fold_parts(ArrayStore(tmp_path / "s.h5"), Rows(classes=3, ordered=True), 5)
    assert [parts["test"].tolist() for parts in folds] == [list(range(i, i + 12)) for i in range(0, 60, 12)]
    assert folds[4]["validation"].tolist() == list(range(39, 48))  # the last of those that come before


@pytest.mark.parametrize("groups", [False, True])
def test_rows_may_all_be_for_training(tmp_path, groups):
    arrays = {"x": np.zeros((40, 1), np.float32), "y": np.arange(40) % 2}
    arrays |= {"group": np.arange(40) // 4} if groups else {}
    write_store(
        tmp_path / "all.h5",
        rows={"train": 40, "validation": 0},
        blocks=[("train", arrays)],
        statistics={},
        fingerprint="all",
        description={},
    )
    folds = fold_parts(ArrayStore(tmp_path / "all.h5"), Rows(2), 4)
    assert sorted(np.concatenate([parts["test"] for parts in folds])) == list(range(40))


def test_no_test_row_is_in_a_fold(store, tmp_path):
    fold = write_fold(tmp_path, store, fold_parts(store, Rows(), 3)[0], compress=False)
    assert sum(len(fold.rows(name)) for name in ("train", "validation", "test")) == 60


@pytest.mark.parametrize(
    ("rows", "group", "folds", "message"),
    [
        (4, False, 5, "at least 5 different ones, or groups of rows; .* has 4"),
        (12, True, 5, "at least 5 different ones, or groups of rows; .* has 4"),
        (40, False, 1, "at least 5 different ones, or groups of rows; .* has 2"),
    ],
)
def test_too_few_rows_or_groups_are_refused(tmp_path, rows, group, folds, message):
    arrays = {"x": np.zeros((rows, 1), np.float32), "y": np.zeros((rows, 1), np.float32)}
    if group:
        arrays["group"] = np.arange(rows) // 3
    parts = {"train": slice(0, rows - 2), "validation": slice(rows - 2, rows)}
    write_store(
        tmp_path / "few.h5",
        rows={name: len(arrays["y"][part]) for name, part in parts.items()},
        blocks=[(name, {key: array[part] for key, array in arrays.items()}) for name, part in parts.items()],
        statistics={},
        fingerprint="few",
        description={},
    )
    with pytest.raises(PareError, match=message):
        fold_parts(ArrayStore(tmp_path / "few.h5"), Rows(), folds)


def test_training_rows_of_one_group_are_refused(tmp_path):
    blocks = [
        (name, {"x": np.zeros((len(group), 1), np.float32), "y": np.zeros((len(group), 1)), "group": group})
        for name, group in {"train": np.full(20, 9), "validation": np.arange(6)}.items()
    ]
    rows = {"train": 20, "validation": 6}
    write_store(tmp_path / "s.h5", rows=rows, blocks=blocks, statistics={}, fingerprint="f", description={})
    with pytest.raises(PareError, match="training rows of at least two groups, found one"):
        fold_parts(ArrayStore(tmp_path / "s.h5"), Rows(), 1)


def test_equal_rows_stay_whole_and_classes_are_spread_over_them(tmp_path):
    rng = np.random.default_rng(0)
    equal = rng.integers(0, 60, 200)
    y = (np.arange(60) % 10 == 0).astype(int)[equal]
    arrays = {"x": equal[:, None].astype(np.float32), "y": y, "equal": equal}
    write_store(
        tmp_path / "s.h5",
        rows={"train": 200},
        blocks=[("train", arrays)],
        statistics={},
        fingerprint="f",
        description={},
    )
    for parts in fold_parts(ArrayStore(tmp_path / "s.h5"), Rows(2), 4):
        of = [set(equal[rows]) for rows in parts.values()]
        assert not (of[0] & of[1] or of[0] & of[2] or of[1] & of[2])
        assert all(set(y[rows]) == {0, 1} for rows in parts.values())
