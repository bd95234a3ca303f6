"""New rows are read as those with an answer were."""

import h5py
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from PIL import Image

from pare.config.errors import PareError
from pare.config.schema import ReaderConfig
from pare.data.own.findings import Question
from pare.data.own.look import inspect_files
from pare.data.own.new_rows import open_new_rows
from pare.data.registries import open_raw_files
from pare.storage.samples import Samples

RNG = np.random.default_rng(0)


def known(folder, name, **options):
    """The reader of a task, and what it gives for the rows with an answer."""
    reader = ReaderConfig(name=name, options=options)
    return reader, next(iter(open_raw_files(reader, folder).values()))


def known_table(folder, rows, name="table", **options):
    """The same of a table, given as a frame or as the text of its file."""
    text = rows if isinstance(rows, str) else rows.to_csv(index=False)
    (folder / "t.csv").write_text(text)
    return known(folder, name, **options)


def known_arrays(folder, options, **arrays):
    """The same of arrays in a file."""
    np.savez(folder / "f.npz", **arrays)
    return known(folder, "arrays", **options)


def inputs(rows, reader, samples):
    """All new rows."""
    new = open_new_rows(rows, reader, samples)
    return new.read(0, len(new.names))


@pytest.fixture
def raw(tmp_path):
    """The folder of raw files."""
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


@pytest.fixture
def table(raw):
    """What is known of a table with an answer."""
    rows = "mass,site,grade,answer\n1.5,north,3,a\n2.5,south,1,b\n,east,2,a\n4.0,north,3,b\n"
    return known_table(raw, rows, target="answer", categorical=("grade",))


def test_rows_of_a_table_get_the_same_numbers_without_their_answers(table, tmp_path):
    (tmp_path / "new.csv").write_text("grade,site,mass\n2,east,\n3,north,1.5\n")
    new = open_new_rows(tmp_path / "new.csv", *table)
    np.testing.assert_array_equal(new.read(0, 2), table[1].read(0, 4)[0][[2, 0]])
    assert (list(new.names), new.read(1, 2).dtype) == ([1, 2], np.float32)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda frame, path: frame.to_csv(path, na_rep="NA")),
        ("t.txt", lambda frame, path: frame.to_csv(path, sep=" ", na_rep="NA", index=False)),
        ("t.dat", lambda frame, path: path.write_text("# mine\n" + frame.to_csv(sep="|", decimal=",", na_rep="-"))),
        ("t.xlsx", lambda frame, path: frame.to_excel(path, startrow=2, na_rep="NA")),
    ],
)
@pytest.mark.parametrize("missing", [(), ("NA", "-")])
def test_a_file_of_another_program_gives_what_it_gave_as_rows_with_an_answer(tmp_path, name, write, missing):
    frame = pd.DataFrame({"mass": [0.5 * i for i in range(40)], "site": list("nsew") * 10, "answer": ["a", "b"] * 20})
    frame.loc[3, "mass"], frame.loc[4, "site"] = None, None
    write(frame, tmp_path / name)
    found = inspect_files([tmp_path / name], Question(target=("answer",), missing=missing))
    reader, samples = known(tmp_path, found.reader, **found.options)
    x, _ = samples.read(0, 40)
    assert (np.isnan(x[3, 0]), np.isnan(x[4, 1])) == (True, bool(missing))
    np.testing.assert_array_equal(inputs(tmp_path / name, reader, samples), x)
    for rows in ([3], [4], [4, 5], range(40)):  # one row may hold nothing but the word
        new = frame[["site", "mass"]].iloc[list(rows)]
        new.to_csv(tmp_path / "new.csv", index=False, na_rep="-" if name == "t.dat" else "NA")
        options = {key: value for key, value in found.options.items() if key not in ("delimiter", "decimal")}
        other = ReaderConfig(name="table", options=options)
        np.testing.assert_array_equal(inputs(tmp_path / "new.csv", other, samples), x[rows])
        in_memory = new.fillna("-" if name == "t.dat" else "NA")
        np.testing.assert_array_equal(inputs(in_memory, reader, samples), x[rows])


def test_an_unknown_category_is_missing(table, tmp_path):
    (tmp_path / "new.csv").write_text("site,grade,mass\nwest,3.0,?\nsouth,9,1")
    np.testing.assert_array_equal(inputs(tmp_path / "new.csv", *table), [[np.nan, np.nan, 2], [1, 2, np.nan]])


def test_categories_that_are_equal_as_numbers_keep_their_own_codes(raw, tmp_path):
    written = ["250.0", "250.00", "V10", "1_11", "11_1", "7.0"]
    rows = "icd,y\n" + "\n".join(f"{code},{i % 2}" for i, code in enumerate(written))
    reader, samples = known_table(raw, rows, target="y", categorical=("icd",))
    (tmp_path / "new.csv").write_text("icd\n" + "\n".join([*written, "7", "250", "111"]))
    x = inputs(tmp_path / "new.csv", reader, samples)[:, 0]
    np.testing.assert_array_equal(x[:6], samples.read(0, 6)[0][:, 0])
    np.testing.assert_array_equal(x[6:], [x[5], np.nan, np.nan])


def test_a_table_in_memory_with_two_columns_of_one_name_is_refused(table):
    twins = pd.DataFrame([[1.0, 2.0, "north", 1]], columns=["mass", "mass", "site", "grade"])
    with pytest.raises(PareError, match="the table: several columns are named 'mass'"):
        open_new_rows(twins, *table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site,mas\nnorth,1", r"new\.csv lacks mass, grade; it has site, mas\. Bring a table with all 3 columns"),
        ("site,grade,mass\nnorth,1,heavy", "column 'mass' holds 'heavy' in row 1; expected a number"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, tmp_path, text, message):
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(PareError, match=message):
        open_new_rows(tmp_path / "new.csv", *table)


OPTIONS = {"parts": {"all": {"x": "x", "y": "y"}}, "target": "classes", "channel_axis": "last"}
SERIES = RNG.normal(size=(6, 20, 2)).astype(np.float32)


@pytest.fixture
def arrays(raw):
    """What is known of a task of series."""
    return known_arrays(raw, OPTIONS, x=SERIES, y=np.arange(6) % 2)


@pytest.mark.parametrize(
    "save",
    [
        lambda path, x: np.savez(path / "new.npz", x=x, other=x[:, 0]),
        lambda path, x: np.savez(path / "new.npz", anything=x),
        lambda path, x: np.save(path / "new.npy", x),
    ],
)
def test_arrays_get_the_same_axes(arrays, tmp_path, save):
    save(tmp_path, SERIES[3:])
    np.testing.assert_array_equal(inputs(next(tmp_path.glob("new.*")), *arrays), arrays[1].read(3, 6)[0])


def test_new_arrays_may_be_called_without_the_part_or_be_tensors(raw, tmp_path):
    x = {part: RNG.normal(size=(6, 2, 9)).astype(np.float32) for part in ("train", "test")}
    y = {f"{part}_y": [0, 1, 2] * 2 for part in x}
    options = {"parts": {part: {"x": f"{part}_x", "y": f"{part}_y"} for part in x}, "target": "classes"}
    task = known_arrays(raw, options, **{f"{part}_x": rows for part, rows in x.items()}, **y)
    np.savez(tmp_path / "plain.npz", x=x["test"], y=y["test_y"])
    torch.save({"x": torch.from_numpy(x["test"]), "y": torch.zeros(6)}, tmp_path / "keys.pt")
    torch.save(torch.from_numpy(x["test"]), tmp_path / "lone.pth")
    for name in ("plain.npz", "keys.pt", "lone.pth"):
        np.testing.assert_array_equal(inputs(tmp_path / name, *task), x["test"])
    np.savez(tmp_path / "answer.npz", y=y["test_y"])
    with pytest.raises(PareError, match="holds only the answer y"):
        open_new_rows(tmp_path / "answer.npz", *task)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("ab", "array 'x' is unknown"),  # none of several is guessed
        ("y", r"new\.npz holds only the answer y; expected the input under its name, 'x'"),
    ],
)
def test_arrays_without_the_input_are_refused(arrays, tmp_path, names, message):
    np.savez(tmp_path / "new.npz", **dict.fromkeys(names, SERIES))
    with pytest.raises(PareError, match=message):
        open_new_rows(tmp_path / "new.npz", *arrays)


def test_of_new_states_over_time_the_frame_of_the_input_is_taken(raw, tmp_path):
    states = RNG.normal(size=(6, 5, 16)).astype(np.float32)
    names = {"x": "u", "y": "u", "x_frame": 1, "y_frame": 4}
    task = known_arrays(raw, {"parts": {"all": names}, "target": "field", "channel_axis": "none"}, u=states)
    np.savez(tmp_path / "later.npz", u=states[:, :3])  # later frames may be missing
    np.save(tmp_path / "first.npy", states[:, 1])
    for name in ("later.npz", "first.npy"):
        np.testing.assert_array_equal(inputs(tmp_path / name, *task), task[1].read(0, 6)[0])


def test_the_input_may_be_the_answer_as_well(raw):
    options = {"parts": {"all": {"x": "x", "y": "x"}}, "target": "field", "channel_axis": "last"}
    task = known_arrays(raw, options, x=SERIES)
    np.testing.assert_array_equal(inputs(raw / "f.npz", *task), task[1].read(0, 6)[0])


def test_images_are_named_by_their_files(tmp_path):
    pixels = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    for name in ("raw/photos/a/1.png", "raw/photos/b/1.png", "new/z.png", "new/y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    reader, samples = known(tmp_path / "raw", "image_folder", size=[3, 4], colour=False)
    new = open_new_rows(tmp_path / "new", reader, samples)
    assert new.names == ["y.png", "z.png"]
    np.testing.assert_array_equal(new.read(0, 2), samples.read(0, 2)[0])
    np.testing.assert_array_equal(open_new_rows(tmp_path / "new" / "z.png", reader, samples).read(0, 1), new.read(1, 2))
    (tmp_path / "new" / "y.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    with pytest.raises(PareError, match=r"y\.png is not a PNG, JPEG, BMP, GIF, TIFF or WebP image"):
        new.read(0, 2)


def test_published_files_have_no_new_rows(tmp_path):
    with pytest.raises(
        PareError,
        match=r"darcy_mat.*published files; expected rows as an array with the channels first, in a file of one array",
    ):
        open_new_rows(tmp_path / "x.mat", ReaderConfig(name="darcy_mat"), None)


def test_an_array_for_published_data_has_the_axes_of_the_model(tmp_path):
    x = RNG.normal(size=(2, 1, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x, other=x + 1)
    for rows in (tmp_path / "x.npy", tmp_path / "x.npz"):
        np.testing.assert_array_equal(inputs(rows, ReaderConfig(name="darcy_mat"), None), x)
    samples = Samples(0, None, columns=["counts"])  # of the channel, not of a table
    np.testing.assert_array_equal(inputs(x, ReaderConfig(name="cosmic_rays"), samples), x)


@pytest.mark.parametrize("options", [{}, {"input_time": 1, "stride": 2, "input_channels": [1, 0], "axes": 2}])
def test_groups_are_read_as_those_with_an_answer(raw, tmp_path, options):
    states = RNG.normal(size=(12, 3, *[8] * options.get("axes", 1), 2))
    for path in (raw / "f.h5", tmp_path / "new.h5"):
        with h5py.File(path, "w") as file:
            for i, state in enumerate(states):  # of new samples nothing is known behind the frame to predict from
                file[f"{i:02}/data"] = state if path.parent.name == "raw" else state[: options.get("input_time", 0) + 1]
    reader = ReaderConfig(name="pdebench_grouped", options={"target_time": 2, **options})
    parts = open_raw_files(reader, raw)
    expected = np.concatenate([part.read(0, part.count)[0] for part in parts.values()])
    rows = open_new_rows(tmp_path / "new.h5", reader, None)
    assert rows.names == [f"{i:02}" for i in range(12)]
    np.testing.assert_array_equal(rows.read(0, 12), expected)
    np.testing.assert_array_equal(rows.read(3, 5), expected[3:5])


def test_a_group_without_the_frame_to_predict_from_is_refused(tmp_path):
    with h5py.File(tmp_path / "new.h5", "w") as file:
        file["0/data"], file["1/data"] = np.ones((3, 7, 1)), np.ones((1, 7, 1))
    reader = ReaderConfig(name="pdebench_grouped", options={"input_time": 2, "target_time": 3})
    with pytest.raises(PareError, match=r"expected a group for each sample.* frame 2, .*found 2 of the shapes"):
        open_new_rows(tmp_path / "new.h5", reader, None)


def test_new_rows_are_read_in_the_encoding_and_with_the_decimal_commas_of_the_task(raw, tmp_path):
    frame = pd.DataFrame({"größe": [1.5, 2.5, 3.5, 4.5], "y": ["a", "b"] * 2})
    written = {"sep": ";", "decimal": ",", "encoding": "latin-1", "index": False}
    frame.to_csv(raw / "t.csv", **written)
    frame[["größe"]].iloc[:2].assign(other=1).to_csv(tmp_path / "new.csv", **written)
    task = known(raw, "table", target="y", delimiter=";", decimal=",", encoding="latin-1")
    np.testing.assert_array_equal(inputs(tmp_path / "new.csv", *task), [[1.5], [2.5]])


def test_dates_of_new_rows_are_counted_from_the_day_0_of_the_task(raw):
    frame = pd.DataFrame({"when": ["2024-01-01", "2024-01-02"] * 2, "y": ["a", "b"] * 2})
    task = known_table(raw, frame, target="y", dates={"when": "2024-01-01"})
    new = pd.DataFrame({"when": ["2024-02-01", "31.12.2023"]}, index=[7, 8])
    np.testing.assert_array_equal(inputs(new, *task), [[31], [-1]])


def test_new_rows_get_the_same_calendar(raw):
    rows = "when,n,y\n2024-01-31,1,a\n2024-07-02,2,b\n"
    options = {"dates": {"when": "2024-01-01"}, "calendar": {"when": ["season", "weekday"]}}
    reader, samples = known_table(raw, rows, target="y", **options)
    named = pd.DataFrame({"n": [1], "when": ["2024-01-31"]})
    unnamed = np.array([["2024-01-31", 1]], dtype=object)  # the columns of the file
    for rows in (named, unnamed):
        np.testing.assert_array_equal(inputs(rows, reader, samples), samples.read(0, 1)[0])
    with pytest.raises(PareError, match="the table lacks when, n; it has 0, 1"):
        open_new_rows(pd.DataFrame(unnamed), reader, samples)  # its columns are 0 and 1
    with pytest.raises(PareError, match=r"expected \(rows, 2\): a column for each of when, n"):
        open_new_rows(unnamed[:, :1], reader, samples)


def test_dates_with_slashes_of_new_rows_have_the_order_of_the_task(raw):
    options = {"dates": {"when": "2024-01-02"}, "date_order": "day_first"}
    reader, samples = known_table(raw, "when,y\n31/01/2024,a\n02/01/2024,b\n", target="y", **options)
    np.testing.assert_array_equal(samples.read(0, 2)[0], [[29], [0]])
    new = pd.DataFrame({"when": ["03/02/2024"]})  # the third of February
    np.testing.assert_array_equal(inputs(new, reader, samples), [[32]])
    with pytest.raises(PareError, match=r"'02/13/2024' in row 1; .*or 31/05/2024"):
        open_new_rows(pd.DataFrame({"when": ["02/13/2024"]}), reader, samples)


def test_new_sounds_get_the_same_spectrograms(tmp_path):
    for name in ("raw/sounds/a/1.wav", "raw/sounds/b/1.wav", "new/z.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, np.sin(np.arange(4000)), 8000)
    reader, samples = known(tmp_path / "raw", "audio_folder", seconds=0.3, rate=8000)
    new = open_new_rows(tmp_path / "new", reader, samples)
    assert new.names == ["z.wav"]
    np.testing.assert_array_equal(new.read(0, 1), samples.read(0, 1)[0])


LONG = "id,t,u,v,kind\na,0,1,2,x\na,1,3,4,x\na,2,5,6,x\nb,1,9,8,y\nb,0,7,6,y\n"


def test_new_series_of_a_table_may_have_other_lengths(raw, tmp_path):
    options = {"series": "id", "target": "kind", "points": 4, "time": "t"}
    reader, samples = known_table(raw, LONG, "series_table", **options)
    frame = pd.read_csv(raw / "t.csv").drop(columns="kind")[["v", "t", "id", "u"]]
    frame.to_csv(tmp_path / "new.csv", index=False)
    for rows in (frame, tmp_path / "new.csv"):
        new = open_new_rows(rows, reader, samples)
        assert new.names == ["a", "b"]
        np.testing.assert_array_equal(new.read(0, 2), samples.read(0, 2)[0])
    longer = [np.arange(12).reshape(2, 6), np.arange(2).reshape(2, 1)]  # channels, points
    np.testing.assert_array_equal(inputs(longer, reader, samples), [[[0, 1, 2, 3], [6, 7, 8, 9]], [[0] * 4, [1] * 4]])
    with pytest.raises(PareError, match="the table lacks id; it has"):
        open_new_rows(frame.drop(columns="id"), reader, samples)


def test_true_is_a_category_however_it_is_written(raw, tmp_path):
    frame = pd.DataFrame({"smoker": ["true", "false", "unknown", "true"], "y": list("abab")})
    task = known_table(raw, frame, target="y")
    frame.iloc[[0, 1, 3]].to_csv(tmp_path / "new.csv", index=False)  # which pandas reads as booleans
    np.testing.assert_array_equal(inputs(tmp_path / "new.csv", *task), task[1].read(0, 4)[0][[0, 1, 3]])


def test_new_series_of_a_wide_table_need_their_points_only_which_are_found_by_their_names(raw, tmp_path):
    frame = pd.DataFrame(RNG.normal(size=(5, 4)).round(6), columns=["900", "902", "904", "906"]).assign(y=range(5))
    reader, samples = known_table(raw, frame, "series_rows", target="y", first="900", last="906", points=4)
    new = frame.drop(columns="y").assign(place="here")
    new.to_csv(tmp_path / "new.csv", index=False)
    numbered = new.rename(columns=lambda name: int(name) if name.isdigit() else name)
    for rows in (tmp_path / "new.csv", new, numbered, new[["904", "place", "900", "906", "902"]]):
        np.testing.assert_array_equal(inputs(rows, reader, samples), samples.read(0, 5)[0])
    for lacking, found in (("906", "900, 902, 904"), ("902", "900, 904, 906")):
        with pytest.raises(PareError, match=f"the table lacks {lacking}; it has {found}, place"):
            open_new_rows(new.drop(columns=lacking), reader, samples)


def test_new_series_of_a_folder_are_named_by_their_files(tmp_path):
    for name in ("raw/walks/a/1.csv", "raw/walks/b/1.csv", "new/2.csv", "new/1.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1,2\n3,4\n")
    reader, samples = known(tmp_path / "raw", "series_folder", channels=["2", "1"], points=3, header=False)
    new = open_new_rows(tmp_path / "new", reader, samples)
    assert new.names == ["1.csv", "2.csv"]
    np.testing.assert_array_equal(new.read(0, 2), samples.read(0, 2)[0])
    np.testing.assert_array_equal(new.read(0, 1)[0], [[2, 4, 3], [1, 3, 2]])


@pytest.mark.parametrize("known_answers", [True, False])
def test_new_series_of_the_archives_format_may_have_answers(raw, tmp_path, known_answers):
    (raw / "walks.ts").write_text("@classLabel true run walk\n@data\n1,2:3,4:run\n5,6,7:8,9,0:walk\n")
    task = known(raw, "ts", points=3, fill=[0.5, -0.5])
    rows = ["5,6,7:8,9,0:walk", "1,2:3,4:run", "1,2,3,9:4,5,6,9:run"]
    lines = ["@classLabel true run walk", "@data", *rows]
    if not known_answers:
        lines = ["@classLabel false", "@data", *(row.rpartition(":")[0] for row in rows)]
    (tmp_path / "new.ts").write_text("\n".join(lines))
    x = inputs(tmp_path / "new.ts", *task)
    np.testing.assert_array_equal(x[:2], task[1].read(0, 2)[0][::-1])
    np.testing.assert_array_equal(x[2], [[1, 2, 3], [4, 5, 6]])
    np.save(tmp_path / "new.npy", x[:1, :, :2])  # shorter ones are brought to the length in arrays, too
    np.testing.assert_array_equal(inputs(tmp_path / "new.npy", *task), [[[5, 6, 0.5], [8, 9, -0.5]]])


def test_new_arrays_of_series_may_end_in_nan_or_be_longer(raw):
    x = np.array([[[1, 2, 3, np.nan]], [[4, 5, 6, 7]]])
    options = {"parts": {"all": {"x": "x", "y": "y"}}, "target": "classes", "points": 4, "lengths": "resampled"}
    task = known_arrays(raw, options, x=x, y=[0, 1])
    resampled = [[1, 5 / 3, 7 / 3, 3]]
    np.testing.assert_allclose(task[1].read(0, 1)[0], [resampled])
    np.testing.assert_array_equal(inputs(x, *task), task[1].read(0, 2)[0])
    series = [np.array([[1, 2, 3]]), np.arange(7.0)[None]]
    np.testing.assert_allclose(inputs(series, *task), [resampled, [[0, 2, 4, 6]]], rtol=1e-6)


@pytest.mark.parametrize("rows", [[["a", "b"], ["c"]], [[[1, 2], [3]], [1]]], ids=["text", "ragged"])
def test_rows_that_are_no_arrays_of_numbers_are_refused(rows):
    options = {"parts": {"all": {"x": "x", "y": "y"}}, "target": "numbers", "points": 9}
    config = ReaderConfig(name="arrays", options=options)
    with pytest.raises(PareError, match=r"the rows are no numbers, or of no shape \(.*\); expected an array"):
        open_new_rows(rows, config, Samples(0, lambda start, stop: None))


def test_new_fields_may_be_a_folder_of_arrays(tmp_path):
    for name in ("raw/input", "raw/output", "new"):
        (tmp_path / name).mkdir(parents=True)
        for i in range(3):
            np.save(tmp_path / name / f"{i}.npy", np.full((4, 4), i))
    options = {"parts": {"all": {"x": "input", "y": "output"}}, "target": "field", "channel_axis": "none"}
    reader, samples = known(tmp_path / "raw", "arrays", **options)
    new = open_new_rows(tmp_path / "new", reader, samples)
    assert new.names == ["0.npy", "1.npy", "2.npy"]
    np.testing.assert_array_equal(new.read(0, 3), samples.read(0, 3)[0])


@pytest.mark.parametrize("rows", [[[1.0, 2.0, 3.0], [1.0, 2.0]], [np.zeros((1, 9)), np.zeros((1, 7))]])
def test_rows_of_other_lengths_are_no_rows_with_missing_values(raw, rows):
    reader, samples = known_arrays(raw, {"target": "numbers"}, x=RNG.normal(size=(9, 3)), y=RNG.normal(size=9))
    with pytest.raises(PareError, match=r"the rows have shapes .*; expected rows of one shape"):
        inputs(rows, reader, samples)
