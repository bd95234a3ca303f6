import numpy as np
import pandas as pd
import pytest

from pare.own_data.numbered_columns import look_like_points, numbered_run


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["id", "900", "902.5", "905", "kind"], ["900", "902.5", "905"]),
        (["4000", "3998", "3996"], ["4000", "3998", "3996"]),
        (["x1", "x2", "t0", "t1", "t2", "t3"], ["t0", "t1", "t2", "t3"]),
        (["s1_t1", "s1_t2", "s1_t3", "s2_t1"], ["s1_t1", "s1_t2", "s1_t3"]),
        (["350 nm", "351 nm", "352 nm"], ["350 nm", "351 nm", "352 nm"]),
        (["1", "3", "2", "1", "0"], ["3", "2", "1", "0"]),
        (["mass", "site"], ["mass"]),
        ([], []),
    ],
)
def test_a_run_of_names_differs_in_one_number(names, expected):
    assert numbered_run(names) == expected


def columns(values, prefix="t"):
    return pd.DataFrame(values, columns=[f"{prefix}{i}" for i in range(values.shape[1])])


def test_columns_look_like_points_where_neighbours_are_alike():
    noise = np.random.default_rng(0).normal(size=(50, 40))
    walks = columns(noise.cumsum(1))
    assert look_like_points(walks.assign(site="north")) == [f"t{i}" for i in range(40)]
    assert look_like_points(columns(noise, "V")) == []  # such as principal components
    assert look_like_points(columns(np.ones((50, 40)))) == []
    assert look_like_points(columns(noise.cumsum(1)[:, :10])) == []  # few
    assert look_like_points(walks.assign(t7="high")) == []
