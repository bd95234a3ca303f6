"""Series in wide format, compared with the arrays that they were written from."""

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from users_files import read as read_any

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(6, 5)).astype(np.float32)
KINDS = ["wet", "dry", "dry", "wet", "wet", "dry"]


def wide_format(values=VALUES):
    """A row a series; a column that is no point lies between its points."""
    frame = pd.DataFrame(values, columns=["900", "902", "904", "906", "908"])
    frame.insert(0, "id", [f"s{i}" for i in range(len(frame))])
    frame.insert(3, "person", [f"p{i // 2}" for i in range(len(frame))])
    return frame.assign(kind=KINDS)


def read(folder, frame, **options):
    frame.to_csv(folder / "t.csv", index=False)
    options = {"target": "kind", "first": "900", "last": "908", "points": 5, "ignore": ["person"]} | options
    return read_any("series_rows", folder, **options)["all"]


def test_a_series_is_a_row_between_two_columns(tmp_path):
    samples = read(tmp_path, wide_format())
    x, y = samples.read(0, 6)
    assert (samples.count, samples.classes, x.dtype) == (6, ["dry", "wet"], np.float32)
    np.testing.assert_array_equal(y, [1, 0, 0, 1, 1, 0])
    np.testing.assert_allclose(x[:, 0], VALUES, rtol=1e-6)


def test_some_points_may_be_left_out_and_rows_may_belong_together(tmp_path):
    samples = read(tmp_path, wide_format(), first="902", last="906", points=3, ignore=[], group="person")
    np.testing.assert_array_equal(samples.groups, [0, 0, 1, 1, 2, 2])
    np.testing.assert_allclose(samples.read(0, 6)[0][:, 0], VALUES[:, 1:4], rtol=1e-6)


def test_a_row_may_end_early(tmp_path):
    values = VALUES.copy()
    values[1, 3:] = np.nan
    x, _ = read(tmp_path, wide_format(values), fill=[9.0]).read(0, 6)
    np.testing.assert_allclose(x[1, 0], [*VALUES[1, :3], 9, 9], rtol=1e-6)
    x, _ = read(tmp_path, wide_format(values), lengths="resampled").read(0, 6)
    np.testing.assert_allclose(x[1, 0, ::2], VALUES[1, :3], rtol=1e-5)


@pytest.mark.parametrize(
    ("place", "value", "found"),
    [((2, "904"), np.nan, "'904' holds no value in row 3"), ((4, "908"), "high", "'908' holds 'high' in row 5")],
)
def test_a_point_that_is_no_number_is_told(tmp_path, place, value, found):
    frame = wide_format().astype({"908": object})
    frame.loc[place] = value
    with pytest.raises(PareError, match=found):
        read(tmp_path, frame)


def test_a_row_without_points_is_told(tmp_path):
    frame = wide_format()
    frame.loc[3, ["900", "902", "904", "906", "908"]] = np.nan
    with pytest.raises(PareError, match="'900' holds no value in row 4"):
        read(tmp_path, frame)


def test_columns_that_are_unknown_or_in_another_order_are_told(tmp_path):
    with pytest.raises(PareError, match=r"column '901' is unknown. Did you mean '90"):
        read(tmp_path, wide_format(), first="901")
    with pytest.raises(PareError, match="no point of a series is from column '908' to column '900'"):
        read(tmp_path, wide_format(), first="908", last="900")


def test_rows_without_an_answer_are_left_out(tmp_path):
    frame = wide_format()
    frame.loc[0, "kind"] = None
    samples = read(tmp_path, frame)
    np.testing.assert_allclose(samples.read(0, 5)[0][:, 0], VALUES[1:], rtol=1e-6)


def test_the_first_line_may_be_a_row(tmp_path):
    frame = wide_format()[["kind", "900", "902", "904", "906", "908"]]
    frame.to_csv(tmp_path / "t.tsv", sep="\t", header=False, index=False)
    samples = read_any("series_rows", tmp_path, target="1", first="2", last="6", points=5, header=False)["all"]
    np.testing.assert_allclose(samples.read(0, 6)[0][:, 0], VALUES, rtol=1e-6)
