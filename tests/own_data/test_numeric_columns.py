"""Remarks on numbers of a table."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from pare.own_data.numeric_columns import followers, stand_ins
from users_files import NUMBERS, RNG, N, look, table


@pytest.mark.parametrize(
    "leak", [1.1 * NUMBERS, -NUMBERS, np.exp(NUMBERS), np.where(np.arange(N) % 4, NUMBERS, np.nan)]
)
def test_a_column_in_the_order_of_the_target_is_named_with_what_leaves_it_out(tmp_path, leak):
    paths = table(tmp_path, answer=NUMBERS, mass=RNG.normal(size=N), leak=leak)
    (remark,) = look(paths, "answer").remarks
    assert remark == "leak orders the rows as answer does; if new rows do not have it, say --ignore leak"
    assert look(paths, "answer", ignore=("leak",)).remarks == ()


def test_columns_below_the_limit_are_no_leak():
    answer = pd.DataFrame({"y": np.arange(500.0)})
    noise = RNG.normal(size=500)
    for size, expected in ((2, True), (30, False)):
        column = answer["y"] + size * noise
        assert bool(abs(spearmanr(column, answer["y"])[0]) > 0.999) is expected
        assert bool(followers(column.to_frame("x"), answer)) is expected


def test_a_column_that_separates_two_classes_may_be_genuine():
    classes = np.arange(N) % 2
    free = pd.DataFrame({"x": classes + 0.1 * RNG.normal(size=N)})
    assert followers(free, pd.DataFrame({"y": classes})) == []


@pytest.mark.parametrize(("number", "where"), [(-999, "below"), (1e6, "above")])
def test_a_number_far_outside_that_repeats_may_mean_missing(number, where):
    free = pd.DataFrame({"x": np.where(np.arange(N) % 10, NUMBERS, number), "other": NUMBERS})
    (remark,) = stand_ins(free)
    said = f"{number:.15g}"
    assert remark == f"x is {said} in 6 of 60 rows, far {where} all others; if it means missing, say --missing={said}"


@pytest.mark.parametrize(
    "column",
    [
        NUMBERS,
        np.where(np.arange(N) == 3, -999, NUMBERS),  # one row
        np.where(np.arange(N) % 10, 30 + NUMBERS, 25),  # near
        np.where(np.arange(N) % 10, 1000 + NUMBERS, 0)[::-1] * (np.arange(N) % 3 == 0),  # most rows
        np.arange(N) % 2 * 1000,  # two values
    ],
)
def test_other_columns_have_no_such_number(column):
    assert list(stand_ins(pd.DataFrame({"x": column}))) == []
