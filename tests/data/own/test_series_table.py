"""Series in long format, compared with the arrays that they were written from."""

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.config.schema import ReaderConfig
from pare.data.own.new_rows import open_new_rows
from pare.storage.samples import Samples
from users_files import read as read_any

RNG = np.random.default_rng(0)
LENGTHS = [4, 7, 5, 6]
LONG_KINDS = ["walk", "run", "run", "walk"]
SERIES = [RNG.normal(size=(2, n)).astype(np.float32) for n in LENGTHS]


def long_format():
    """A row a point."""
    rows = [
        {"id": f"s{i}", "t": t, "u": values[0, t], "v": values[1, t], "kind": kind, "person": f"p{i // 2}"}
        for i, (values, kind) in enumerate(zip(SERIES, LONG_KINDS, strict=True))
        for t in range(values.shape[1])
    ]
    return pd.DataFrame(rows)


def read_long(folder, frame, **options):
    frame.to_csv(folder / "t.csv", index=False)
    options = {"series": "id", "target": "kind", "points": 7, "ignore": ["t", "person"]} | options
    return read_any("series_table", folder, **options)["all"]


def new_series(frame, **options):
    reader = ReaderConfig(name="series_table", options={"series": "id", "target": "kind", "points": 7} | options)
    return open_new_rows(frame, reader, Samples(0, None, columns=["u", "v"]))


def test_a_series_is_the_rows_of_its_name(tmp_path):
    samples = read_long(tmp_path, long_format())
    x, y = samples.read(0, 4)
    assert (samples.count, samples.columns, samples.classes) == (4, ["u", "v"], ["run", "walk"])
    np.testing.assert_array_equal(y, [1, 0, 0, 1])
    for row, values in zip(x, SERIES, strict=True):
        n = values.shape[1]
        np.testing.assert_allclose(row[:, :n], values, rtol=1e-6)
        np.testing.assert_allclose(row[:, n:], np.outer(values.mean(axis=1), np.ones(7 - n)), rtol=1e-5)


@pytest.mark.parametrize("times", [lambda t: t, lambda t: pd.Timestamp("2024-03-01") + t * pd.Timedelta("1D")])
def test_points_may_be_mixed_where_a_time_sorts_them(tmp_path, times):
    frame = long_format()
    expected = read_long(tmp_path, frame).read(0, 4)[0]
    frame["t"] = [str(times(t)) for t in frame["t"]]
    mixed = pd.concat([frame.groupby("id").head(1), frame.groupby("id").tail(-1).sample(frac=1, random_state=0)])
    x = read_long(tmp_path, mixed, time="t", ignore=["person"]).read(0, 4)[0]
    np.testing.assert_array_equal(x, expected)


def test_series_may_belong_together_and_be_resampled(tmp_path):
    samples = read_long(tmp_path, long_format(), ignore=["t"], group="person", lengths="resampled", points=3)
    np.testing.assert_array_equal(samples.groups, [0, 0, 1, 1])
    np.testing.assert_allclose(samples.read(0, 1)[0][0][:, [0, 2]], SERIES[0][:, [0, -1]], rtol=1e-6)


def test_series_without_an_answer_are_left_out(tmp_path):
    frame = long_format()
    frame.loc[frame["id"] == "s1", "kind"] = None
    samples = read_long(tmp_path, frame)
    np.testing.assert_array_equal(samples.read(0, 3)[1], [1, 0, 1])
    np.testing.assert_allclose(samples.read(1, 2)[0][0, :, :5], SERIES[2], rtol=1e-6)


def test_numbers_are_predicted_or_name_classes(tmp_path):
    frame = long_format().assign(speed=lambda f: f["id"].str[1].astype(int) // 2)
    said = {"target": "speed", "ignore": ["t", "person", "kind"]}
    np.testing.assert_array_equal(read_long(tmp_path, frame, **said).read(0, 4)[1], [[0], [0], [1], [1]])
    assert read_long(tmp_path, frame, **said, categorical=["speed"]).classes == ["0", "1"]


def test_dates_are_no_channel_and_a_number_is_the_same_name_as_its_text(tmp_path):
    frame = long_format().assign(day=pd.Timestamp("2024-03-01"))
    frame.drop(columns=["t", "person"]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(PareError, match="column 'day' holds '2024-03-01 00:00:00' in row 1"):
        read_any("series_table", tmp_path, series="id", target="kind", points=7)
    mixed = frame.assign(id=[1] * 4 + ["1"] * 7 + [2] * 11)
    assert new_series(mixed).names == ["1", "2"]


def test_points_without_a_time_are_refused_in_columns_of_dates_too():
    frame = long_format().assign(t=pd.Timestamp("2024-03-01"))
    frame.loc[2, "t"] = pd.NaT
    with pytest.raises(PareError, match="time 't' holds 'NaT' in row 3; expected a number or a date"):
        new_series(frame, time="t")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: f, {"series": "idd"}, "column 'idd' is unknown. Did you mean 'id'"),
        (lambda f: f, {"ignore": ["t", "person", "u", "v"]}, "has no channel"),
        (lambda f: f, {"ignore": ["t"]}, "column 'person' holds 'p0' in row 1; .*'ignore'"),
        (lambda f: f.assign(kind=f["t"].map(str)), {}, "column 'kind' holds 0, 1, 2 in the rows of series s0"),
        (lambda f: f.assign(id=f["id"].where(f.index != 3)), {}, "column 'id' is empty in row 4"),
        (lambda f: f.assign(u=f["u"].where(f.index != 2)), {}, "column 'u' holds no value in row 3"),
        (lambda f: f, {"time": "person", "ignore": ["t"]}, "time 'person' holds 'p0' in row 1; expected a number or"),
        (lambda f: f.assign(kind="walk"), {}, "'walk' in every row|one class 'walk'"),
    ],
)
def test_what_is_wrong_with_the_table_is_told_exactly(tmp_path, change, options, message):
    with pytest.raises(PareError, match=message):
        read_long(tmp_path, change(long_format()), **options)


def test_names_that_differ_in_outer_blanks_are_one_series(tmp_path):
    frame = long_format()
    expected = read_long(tmp_path, frame).read(0, 4)
    samples = read_long(tmp_path, frame.assign(id=[f"{name}{' ' * (i % 2)}" for i, name in enumerate(frame["id"])]))
    assert samples.count == 4
    for found, wanted in zip(samples.read(0, 4), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
