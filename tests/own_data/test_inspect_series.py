import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.own_data.findings import open_parts
from users_files import facts, long_table, look, series_files, series_frames


def test_a_table_with_a_row_a_point_is_a_task_of_series(tmp_path):
    frames = series_frames()
    found = look(long_table(tmp_path, frames), "kind", series="id", groups="person")
    assert (found.reader, found.rows, facts(found)) == ("series_table", {"all": 12}, ("classification", (2,), (2, 20)))
    assert found.classes == {"run": 6, "walk": 6}
    assert found.options["ignore"] == ["point", "day"]  # no channels
    assert "theirs have 12 to 20" in found.notes["points"] and "followed by" in found.notes["lengths"]
    assert found.grouped
    x, y = open_parts(found.reader, found.options, tmp_path)["all"].read(0, 12)
    np.testing.assert_array_equal(y, [1, 0] * 6)
    np.testing.assert_allclose(x[4], frames["s04"][["u", "v"]].T, rtol=1e-6)
    means = pd.concat(frames.values())[["u", "v"]].mean()
    np.testing.assert_allclose(x[0, :, 12:], np.outer(means, np.ones(8)), rtol=1e-3)


def test_columns_of_dates_are_no_channels(tmp_path):
    frame = pd.read_csv(long_table(tmp_path, series_frames())[0], parse_dates=["day"])
    frame["day"] += pd.to_timedelta(np.arange(len(frame)), "h")
    frame.to_parquet(tmp_path / "walks.parquet")
    found = look([tmp_path / "walks.parquet"], "kind", series="id", ignore=("person",))
    assert found.options["ignore"] == ["person", "point", "day"]


def test_a_column_that_names_no_series_is_told(tmp_path):
    frame = pd.read_csv(long_table(tmp_path, series_frames())[0])
    frame.assign(id=None).to_csv(tmp_path / "empty.csv", index=False)
    with pytest.raises(PareError, match="column 'id' is empty in row 1"):
        look([tmp_path / "empty.csv"], "kind", series="id", ignore=("person",))


def test_whole_numbers_of_series_name_classes(tmp_path):
    (path,) = long_table(tmp_path, series_frames())
    path.write_text(path.read_text().replace("walk", "1").replace("run", "0"))
    found = look([path], "kind", series="id", ignore=("person",))
    assert (found.kind, found.options["categorical"]) == ("classification", ["kind"])


def test_a_folder_of_tables_is_a_task_of_series(tmp_path):
    frames = series_frames()
    found = look(series_files(tmp_path, frames))
    assert (found.reader, found.rows, facts(found)) == ("series_folder", {"all": 12}, ("classification", (2,), (2, 20)))
    assert (found.options["channels"], found.classes) == (["u", "v"], {"run": 6, "walk": 6})
    assert "without point, day" in found.notes["channels"]
    x, _ = open_parts(found.reader, found.options, tmp_path)["all"].read(0, 2)
    np.testing.assert_allclose(x[1, :, :12], frames["s00"][["u", "v"]].T, rtol=1e-6)


def test_files_without_a_header_are_found_out(tmp_path):
    found = look(series_files(tmp_path, series_frames(), header=False, columns=["u", "v"], sep=";", decimal=","))
    assert found.options["channels"] == ["1", "2"]
    assert (found.options["header"], found.options["delimiter"], found.options["decimal"]) == (False, ";", ",")
    assert open_parts(found.reader, found.options, tmp_path)["all"].read(0, 1)[0].shape == (1, 2, 20)


def test_columns_of_files_may_be_left_out(tmp_path):
    paths = series_files(tmp_path, series_frames())
    assert look(paths, ignore=("u",)).options["channels"] == ["v"]
    with pytest.raises(PareError, match="column 'w' is unknown"):
        look(paths, ignore=("w",))
    with pytest.raises(PareError, match="names of their folders: leave --target"):
        look(paths, "kind")


def test_a_column_that_is_unknown_or_missing_is_asked_for(tmp_path):
    paths = long_table(tmp_path, series_frames())
    with pytest.raises(PareError, match=r"^column 'idd' is unknown. Did you mean 'id'.*See long\.csv"):
        look(paths, "kind", series="idd")
    with pytest.raises(PareError, match=r"--target COLUMN. Columns of long.csv: point, day"):
        look(paths, series="id")
    with pytest.raises(PareError, match=r"column 'person' holds 'p0'.*--ignore NAME"):
        look([long_mixed(paths[0])], "kind", series="id")


def long_mixed(path):
    """The column of persons has a number in it, so that it is not left out as text."""
    path.write_text(path.read_text().replace("p2", "2"))
    return path
