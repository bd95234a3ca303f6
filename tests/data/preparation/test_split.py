"""Which row goes where: every row somewhere, the same every time, and in the shares that the task declares."""

import numpy as np
import pytest

from pare.config import PareError
from pare.config.schema import Task
from pare.config.split import FoldConfig, SplitConfig
from pare.data.preparation.split import assign_parts, draw_rows, folds_of

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [120, 60, 20]))


@pytest.fixture
def table(library):
    """A task of 200 rows, half of them for testing, a fifth of the others for validation."""

    def build(**split):
        rule = {"test": 0.5, "validation": 0.2, "stratified": True} | split
        return Task.model_validate(library.tasks["openml_wdbc"] | {"samples": {"all": 200}, "split": rule})

    return build


@pytest.fixture
def field(library):
    """A task whose publisher gives 50 training and 10 test rows."""
    changes = {"samples": {"train": 50, "test": 10}, "split": {"validation": 0.1}}
    return Task.model_validate(library.tasks["darcy_flow"] | changes)


def counts(names):
    return dict(zip(*(part.tolist() for part in np.unique(names, return_counts=True)), strict=True))


def test_every_row_has_one_part_and_the_shares_are_the_declared_ones(table):
    names = assign_parts(table(), "all", LABELS, validated=True)
    assert names.shape == (200,)
    assert counts(names) == {"train": 80, "validation": 20, "test": 100}


def test_a_validation_part_exists_only_where_one_is_asked_for(table, field):
    assert counts(assign_parts(table(), "all", LABELS, validated=False)) == {"train": 100, "test": 100}
    assert counts(assign_parts(field, "train", None, validated=False)) == {"train": 50}


def test_the_test_rows_are_the_same_with_and_without_a_validation_part(table):
    with_part, without = (assign_parts(table(), "all", LABELS, validated=v) for v in (True, False))
    np.testing.assert_array_equal(with_part == "test", without == "test")


def test_the_publishers_test_part_is_never_touched(field):
    assert counts(assign_parts(field, "train", None, validated=True)) == {"train": 45, "validation": 5}
    for validated in (True, False):
        assert counts(assign_parts(field, "test", None, validated=validated)) == {"test": 10}


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_stratified_parts_hold_every_class_in_its_share(table, part):
    names = assign_parts(table(), "all", LABELS, validated=True)
    shares = np.bincount(LABELS[names == part], minlength=3) / (names == part).sum()
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.01)


def test_the_split_is_the_same_every_time_and_does_not_ask_numpys_global_seed(table):
    np.random.seed(1)
    first = assign_parts(table(), "all", LABELS, validated=True)
    np.random.seed(2)
    np.testing.assert_array_equal(first, assign_parts(table(), "all", LABELS, validated=True))


def test_rows_are_drawn_and_not_cut_off_the_end(table):
    names = assign_parts(table(stratified=False), "all", None, validated=True)
    assert 30 < (names[:100] == "test").sum() < 70


def test_a_small_training_part_still_gives_one_validation_row(field):
    few = field.model_copy(update={"samples": {"train": 4, "test": 10}})
    assert counts(assign_parts(few, "train", None, validated=True)) == {"train": 3, "validation": 1}


def test_a_class_with_one_row_cannot_be_stratified(table):
    labels = np.zeros(200, dtype=np.int64)
    labels[7] = 1
    with pytest.raises(PareError, match=r"cannot cut 100 test rows from 200.*change split in the task"):
        assign_parts(table(), "all", labels, validated=True)


def test_one_row_cannot_be_divided(field):
    single = field.model_copy(update={"samples": {"train": 1, "test": 10}})
    with pytest.raises(PareError, match="cannot cut 1 validation rows from 1"):
        assign_parts(single, "train", None, validated=True)


def held_out(task, folds, labels=LABELS, groups=None):
    """The rows of each fold's test part, ``(folds, rows)``; a name for each row."""
    parts = []
    for number in range(1, folds + 1):
        split = task.split.model_copy(update={"fold": FoldConfig(number=number, folds=folds)})
        parts.append(assign_parts(task.model_copy(update={"split": split}), "all", labels, groups, validated=True))
    return np.array(parts) == "test", parts


def test_each_row_is_a_test_row_of_one_fold(table):
    tested, parts = held_out(table(stratified=False), 7, labels=None)
    np.testing.assert_array_equal(tested.sum(0), 1)
    assert set(tested.sum(1)) == {28, 29}
    assert all(counts(names)["validation"] in (34, 35) for names in parts)  # a fifth of the others


def test_folds_hold_every_class_in_its_share(table):
    tested, _ = held_out(table(), 5)
    for rows in tested:
        np.testing.assert_allclose(np.bincount(LABELS[rows]), [24, 12, 4])


def test_folds_keep_groups_whole(table):
    groups = np.arange(200) // 8
    tested, parts = held_out(table(), 5, labels=None, groups=groups)
    np.testing.assert_array_equal(tested.sum(0), 1)
    for names in parts:
        assert all(len(set(names[groups == group])) == 1 for group in range(25))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (None, "21 folds need at least as many rows of each class, found 20; use fewer folds; or set split.strat"),
        (np.arange(200) // 10, "21 folds need at least as many groups of rows, found 20; use fewer folds$"),
    ],
)
def test_a_fold_without_a_class_or_a_group_is_refused(table, groups, message):
    with pytest.raises(PareError, match=message):
        held_out(table(), 21, labels=LABELS if groups is None else None, groups=groups)


@pytest.fixture
def ordered(table):
    return lambda **split: table(stratified=False, ordered=True, **split)


def test_of_rows_in_order_the_last_are_the_test_part_and_those_before_them_the_validation_part(ordered):
    names = assign_parts(ordered(), "all", None, validated=True)
    assert names.tolist() == ["train"] * 80 + ["validation"] * 20 + ["test"] * 100
    assert assign_parts(ordered(), "all", None, validated=False).tolist() == ["train"] * 100 + ["test"] * 100


def test_of_the_publishers_training_rows_in_order_the_last_are_the_validation_part(field):
    task = field.model_copy(update={"split": SplitConfig(validation=0.1, ordered=True)})
    assert assign_parts(task, "train", None, validated=True).tolist() == ["train"] * 45 + ["validation"] * 5


def test_folds_of_rows_in_order_are_rows_one_after_the_other(ordered):
    for number in range(1, 5):
        names = assign_parts(ordered(fold=FoldConfig(number=number, folds=4)), "all", None, validated=True)
        assert np.flatnonzero(names == "test").tolist() == list(range(50 * number - 50, 50 * number))
        rest = names[names != "test"]
        assert rest.tolist() == ["train"] * 120 + ["validation"] * 30


def test_rows_in_order_have_no_groups_and_are_not_stratified(ordered, table):
    with pytest.raises(PareError, match=r"split\.ordered, .* and groups"):
        assign_parts(ordered(), "all", None, np.arange(200) // 2, validated=True)
    with pytest.raises(ValueError, match="whatever their classes are; set stratified: false"):
        table(ordered=True)


def test_a_part_of_rows_in_order_leaves_some(ordered):
    with pytest.raises(PareError, match="cannot cut 1 validation rows from 1"):
        assign_parts(ordered(test=0.995), "all", None, validated=True)


def test_a_split_without_order_is_written_as_before():
    assert "ordered" not in SplitConfig().model_dump()
    assert SplitConfig(ordered=True).model_dump()["ordered"] is True


def test_a_share_of_the_rows_is_drawn_by_the_seed_and_keeps_their_order():
    drawn, again, other = draw_rows(200, 0.25, 0), draw_rows(200, 0.25, 0), draw_rows(200, 0.25, 1)
    assert len(drawn) == 50 and drawn.min() >= 0 and drawn.max() < 200
    assert (np.diff(drawn) > 0).all()  # each once, in the order of time where rows have one
    np.testing.assert_array_equal(drawn, again)
    assert set(drawn) != set(other)
    assert draw_rows(3, 0.01, 0).shape == (1,)
    np.testing.assert_array_equal(draw_rows(5, 1, 0), np.arange(5))


def test_the_rows_of_a_rare_class_lie_in_folds_of_their_own_and_other_classes_are_spread_all_the_same():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [50, 25, 3]))
    cuts = list(folds_of(np.arange(len(labels)), labels, None, 5))
    counted = np.array([np.bincount(labels[held], minlength=3) for _, held in cuts])
    assert (counted[:, :2] == [10, 5]).all()
    assert sorted(counted[:, 2]) == [0, 0, 1, 1, 1]


def test_where_no_class_has_a_row_for_each_fold_the_folds_are_any_rows():
    labels = np.repeat(range(4), 3)
    held = [part for _, part in folds_of(np.arange(12), labels, None, 5)]
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(12))
