import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from users_files import facts, long_table, look, read_found, series_files, series_frames


def test_a_table_with_a_row_a_point_is_a_task_of_series(tmp_path):
    frames = series_frames()
    found = look(long_table(tmp_path, frames), "kind", series="id", groups="person")
    assert (found.reader, found.rows, facts(found)) == ("series_table", {"all": 12}, ("classification", (2,), (2, 20)))
    assert found.classes == {"run": 6, "walk": 6}
    assert found.options["ignore"] == ["point", "day"]  # no channels
    assert "theirs have 12 to 20" in found.notes["points"] and "followed by" in found.notes["lengths"]
    assert set(found.groups) == {"all"}
    x, y = read_found(found, tmp_path)["all"].read(0, 12)
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


def test_a_clock_is_no_channel_whatever_it_counts_from(tmp_path):
    rng, frames = np.random.default_rng(0), series_frames()
    for start, frame in zip(rng.uniform(1.6e9, 1.7e9, len(frames)), frames.values(), strict=True):
        frame["clock"] = start + 0.02 * (np.arange(len(frame)) + rng.uniform(-1e-3, 1e-3, len(frame)))
        frame["climb"] = np.cumsum(rng.uniform(0.5, 1.5, len(frame)))  # it rises as well, but says something
    assert look(series_files(tmp_path, frames)).options["channels"] == ["u", "v", "climb"]
    found = look(long_table(tmp_path, frames), "kind", series="id", groups="person")
    assert found.options["ignore"] == ["point", "day", "clock"]


def test_uneven_steps_of_the_time_that_sorts_points_are_told(tmp_path):
    (path,) = long_table(tmp_path, series_frames())
    frame = pd.read_csv(path)
    for times in (frame["point"], frame["point"] + 0.1 * (frame["point"] % 2)):  # the second of a clock that jitters
        frame.assign(clock=times).to_csv(path, index=False)
        assert look([path], "kind", series="id", time="clock", ignore=("person",)).remarks == ()
    frame.assign(clock=frame["point"] ** 2).sample(frac=1, random_state=0).to_csv(path, index=False)
    (told,) = look([path], "kind", series="id", time="clock", ignore=("person",)).remarks
    assert told.startswith("steps of clock are 1 to 37 long, and points count as evenly spaced")


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


def wide_table(path, **written):
    frame = pd.DataFrame(np.arange(240).reshape(12, 20) * 0.5, columns=[str(900 + 2 * i) for i in range(20)])
    frame.insert(0, "sample", [f"s{i}" for i in range(12)])
    frame = frame.assign(kind=["walk", "run"] * 6, person=[f"p{i // 4}" for i in range(12)])
    frame.to_csv(path / "wide.csv", **{"index": False} | written)
    return [path / "wide.csv"]


def test_a_table_with_a_row_a_series_is_a_task_of_series(tmp_path):
    found = look(wide_table(tmp_path), "kind", wide=True, groups="person")
    assert (found.reader, found.rows, facts(found)) == ("series_rows", {"all": 12}, ("classification", (2,), (1, 20)))
    assert (found.options["first"], found.options["last"], set(found.groups)) == ("900", "938", {"all"})
    assert "sample left out" in found.notes["first"]
    x, y = read_found(found, tmp_path)["all"].read(0, 12)
    np.testing.assert_array_equal(x[2, 0], 20 + np.arange(20) * 0.5)
    np.testing.assert_array_equal(y, [1, 0] * 6)


def test_points_without_names_are_numbered(tmp_path):
    frame = pd.DataFrame(np.arange(240).reshape(12, 20) * 0.5).assign(kind=[1.0, 0.0] * 6)
    frame.to_csv(tmp_path / "w.tsv", sep="\t", header=False, index=False)
    found = look([tmp_path / "w.tsv"], "21", wide=True)
    assert (found.options["header"], found.options["first"], found.options["last"]) == (False, "1", "20")
    assert facts(found) == ("classification", (2,), (1, 20))
    assert read_found(found, tmp_path)["all"].count == 12


def test_of_a_wide_table_points_need_no_numbers_in_their_names_but_in_their_values(tmp_path):
    (path,) = wide_table(tmp_path)
    named = pd.read_csv(path).rename(columns={str(900 + 2 * i): "abcdefghijklmnopqrst"[i] for i in range(20)})
    named.drop(columns="sample").to_csv(path, index=False)
    found = look([path], "kind", wide=True, ignore=("person",))
    assert (found.options["first"], found.options["last"]) == ("a", "t")
    with pytest.raises(PareError, match=r"column 'person' holds 'p0' in row 1.*--ignore NAME"):
        look([path], "kind", wide=True)
    named[["kind", "person"]].to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(PareError, match=r"none\.csv has no column for the points"):
        look([tmp_path / "none.csv"], "kind", wide=True, ignore=("person",))
    with pytest.raises(PareError, match="with --series a point of one"):
        look([path], "kind", wide=True, series="person")


def test_a_table_whose_columns_look_like_points_says_so(tmp_path):
    found = look(wide_table(tmp_path), "kind", ignore=("sample", "person"))
    assert (found.reader, found.input_shape) == ("table", (20,))
    assert "900 to 938 look like the points of a series; if they are, say --wide" in " ".join(found.remarks)


def test_a_folder_of_tables_is_a_task_of_series(tmp_path):
    frames = series_frames()
    found = look(series_files(tmp_path, frames))
    assert (found.reader, found.rows, facts(found)) == ("series_folder", {"all": 12}, ("classification", (2,), (2, 20)))
    assert (found.options["channels"], found.classes) == (["u", "v"], {"run": 6, "walk": 6})
    assert "without point, day" in found.notes["channels"]
    x, _ = read_found(found, tmp_path)["all"].read(0, 2)
    np.testing.assert_allclose(x[1, :, :12], frames["s00"][["u", "v"]].T, rtol=1e-6)


def test_files_without_a_header_are_found_out(tmp_path):
    found = look(series_files(tmp_path, series_frames(), header=False, columns=["u", "v"], sep=";", decimal=","))
    assert found.options["channels"] == ["1", "2"]
    assert (found.options["header"], found.options["delimiter"], found.options["decimal"]) == (False, ";", ",")
    assert read_found(found, tmp_path)["all"].read(0, 1)[0].shape == (1, 2, 20)


def test_columns_of_files_may_be_left_out(tmp_path):
    paths = series_files(tmp_path, series_frames())
    assert look(paths, ignore=("u",)).options["channels"] == ["v"]
    with pytest.raises(PareError, match="column 'w' is unknown"):
        look(paths, ignore=("w",))
    with pytest.raises(PareError, match="names of their folders: leave --target"):
        look(paths, "kind")


def test_a_gap_in_one_file_is_found_at_the_first_look(tmp_path):
    frames = series_frames()
    frames["s05"].loc[3, "v"] = np.nan
    with pytest.raises(PareError, match=r"s05\.csv: column 'v' holds no value in row 4; .*fill it in"):
        look(series_files(tmp_path, frames))


def ts_files(folder, header="@classLabel true b a", answers=("a", "b", "a"), names=("Set_TRAIN.ts", "Set_TEST.ts")):
    for name in names:
        lines = [f"1,2,3:0.5,1,{i}:{answer}" for i, answer in enumerate(answers)]
        (folder / name).write_text("\n".join([header, "@data", *lines, f"1,2:3,4:{answers[0]}"]))
    return [folder / name for name in names]


def test_both_parts_of_a_set_of_the_archive_are_a_task(tmp_path):
    found = look(ts_files(tmp_path))
    assert (found.reader, found.rows) == ("ts", {"train": 4, "test": 4})
    assert facts(found) == ("classification", (2,), (2, 3))
    assert (found.classes, found.output_name) == ({"b": 1, "a": 3}, "class")
    assert found.options == {"points": 3, "lengths": "padded", "fill": [1.909, 1.318]}  # 42 / 22, 29 / 22
    assert "theirs have 2 to 3" in found.notes["points"]


def test_one_file_of_the_archives_kind_has_all_rows(tmp_path):
    found = look(ts_files(tmp_path, "@targetLabel true", ("0.5", "1", "-2"), ["demand.ts"]))
    assert (found.rows, facts(found)) == ({"all": 4}, ("regression", (1,), (2, 3)))
    assert (found.classes, found.output_name) == (None, "number")


@pytest.mark.parametrize("names", [["Set_TRAIN.ts"], ["a.ts", "b.ts"], ["A_TRAIN.ts", "B_TRAIN.ts"]])
def test_a_set_without_its_other_part_is_asked_for_it(tmp_path, names):
    with pytest.raises(
        PareError, match=rf"{names[0]}.*: expected the two parts of a set, NAME_TRAIN\.ts and NAME_TEST\.ts"
    ):
        look(ts_files(tmp_path, names=names))


def test_a_file_of_the_archive_says_itself_what_is_predicted(tmp_path):
    with pytest.raises(PareError, match="says itself what its series are"):
        look(ts_files(tmp_path), "class")


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


def test_the_index_that_pandas_writes_is_no_channel_and_no_point(tmp_path):
    for name, frame, question, shape in (
        (
            "long.csv",
            pd.read_csv(long_table(tmp_path, series_frames())[0]),
            {"series": "id", "ignore": ("person",)},
            (2, 20),
        ),
        ("wide.csv", pd.read_csv(wide_table(tmp_path)[0]), {"wide": True, "ignore": ("person", "sample")}, (1, 20)),
    ):
        frame.set_index(np.arange(len(frame))[::-1]).to_csv(tmp_path / name)
        found = look([tmp_path / name], "kind", **question)
        assert (found.input_shape, "column 1" in found.options["ignore"]) == (shape, True)
        assert found.remarks[0].startswith("the first column has no name")


@pytest.mark.parametrize(("name", "delimiter"), [("1.txt", "\t"), ("1.dat", " ")])
def test_series_may_be_in_plain_text(tmp_path, name, delimiter):
    values = np.random.default_rng(0).normal(size=(4, 9, 2)).astype(np.float32)
    for i, series in enumerate(values):
        path = tmp_path / "walks" / "ab"[i % 2] / f"{i}{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(path, series, delimiter=delimiter, header=delimiter.join("uv"), comments="# " if i < 2 else "")
    (tmp_path / "walks" / "Thumbs.db").touch()
    found = look([tmp_path / "walks"])
    assert (found.options["channels"], found.options["delimiter"]) == (["u", "v"], delimiter)
    x, _ = read_found(found, tmp_path)["all"].read(0, 4)
    np.testing.assert_allclose(x, values.transpose(0, 2, 1), rtol=1e-6)


def test_series_may_end_in_words_for_a_missing_value(tmp_path):
    frame = pd.read_csv(wide_table(tmp_path)[0])
    frame.loc[2, ["936", "938"]] = np.nan
    frame.to_csv(tmp_path / "w.csv", index=False, na_rep="NA")
    found = look([tmp_path / "w.csv"], "kind", wide=True, ignore=("person", "sample"))
    assert "theirs have 18 to 20" in found.notes["points"]
