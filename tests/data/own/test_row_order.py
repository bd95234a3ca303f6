"""That rows which depend on the row before are noticed, and rows in no order, or in a harmless one, are not."""

import numpy as np
import pandas as pd
import pytest

from pare.data.own.row_order import neighbours_remark, order_remark
from users_files import CLASSES, NUMBERS, N, look, table

WALK = np.cumsum(np.random.default_rng(0).normal(size=(300, 3)), axis=0)
TREND = WALK @ [1, -1, 1]
NAMES = np.array(["low", "high"])
NOISE = np.random.default_rng(1).normal(size=(300, 3))


def remark(x, answers):
    return order_remark(pd.DataFrame(x).add_prefix("x"), answers)


def classes(answers):
    return (answers > np.median(answers)).astype(int)


def sorted_by(answers, *arrays):
    order = np.argsort(answers, kind="stable")
    return [array[order] for array in (*arrays, answers)]


def by_numbers(answers):
    return answers[:, None]


@pytest.mark.parametrize("form", [classes, by_numbers])
def test_a_walk_is_noticed_until_its_rows_are_shuffled(form):
    said = remark(WALK, form(TREND))
    assert "alike in x0, x1, x2: a random split" in said and "--ordered" in said and "--groups NAME" in said
    mixed = np.random.default_rng(0).permutation(300)
    assert remark(WALK[mixed], form(TREND[mixed])) is None


def test_answers_alone_may_be_alike():
    assert "rows next to each other are alike: a random" in remark(NOISE, by_numbers(TREND))


@pytest.mark.parametrize("size", [3, 10])
def test_rows_of_one_person_are_noticed_where_the_table_is_sorted_by_the_answer(size):
    person = np.arange(300) // size
    x = np.random.default_rng(0).normal(size=(300, 3))[person] + 0.3 * NOISE
    x, answers = sorted_by(classes(NOISE[person, 0]), x)
    assert "--groups" in remark(x, answers)


@pytest.mark.parametrize("form", [classes, by_numbers])
def test_rows_that_are_only_sorted_by_the_answer_are_fine(form):
    x, answers = sorted_by(NOISE.sum(1), NOISE)
    assert remark(x, form(answers)) is None


@pytest.mark.parametrize("column", [np.arange(300) // 7 * 0.5, NAMES[np.arange(300) // 150], NOISE[:, 0].cumsum() ** 0])
def test_a_column_that_rows_are_sorted_by_is_named(column):
    said = order_remark(pd.DataFrame(NOISE).add_prefix("x").assign(day=column), classes(NOISE[:, 1]))
    assert said is None if len(set(column)) == 1 else said.startswith("rows are sorted by day; where that is the order")


@pytest.mark.parametrize("column", [np.arange(300), np.r_[1, np.zeros(299)], np.where(NOISE[:, 0] > 2, np.nan, 3)])
def test_numbers_of_rows_and_nearly_constant_columns_are_no_order(column):
    assert order_remark(pd.DataFrame({"x": NOISE[:, 0], "day": column}), classes(NOISE[:, 1])) is None


def test_a_designed_experiment_may_be_in_any_order():
    levels = np.stack(np.meshgrid(*[np.arange(4)] * 4, indexing="ij"), -1).reshape(-1, 4)
    assert remark(levels, classes(levels.sum(1))) is None
    assert remark(levels[:-1], classes(levels.sum(1))[:-1]).startswith("rows are sorted by x0")


def test_infinite_numbers_count_as_missing():
    with np.errstate(all="raise"):
        assert remark(np.where(NOISE > 0.5, np.inf, NOISE), classes(TREND)) is None


def test_few_rows_say_nothing():
    assert neighbours_remark(WALK[:15], by_numbers(TREND[:15])) is None


@pytest.mark.parametrize("asked", [{"ordered": True}, {"groups": "unit"}])
def test_what_the_user_says_of_the_order_is_believed(tmp_path, asked):
    walk = WALK[:N, 0]
    paths = table(tmp_path, walk=walk, answer=NUMBERS[::-1], unit=CLASSES)
    assert "alike in walk" in " ".join(look(paths, "answer").remarks)
    assert look(paths, "answer", **asked).remarks == ()
