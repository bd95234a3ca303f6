"""Series of the UCR and UEA archives that sktime ships, against sktime's own loader and the archive's documentation."""

import numpy as np
import pytest
from sktime.datasets import load_from_tsfile

import users_files
from pare.config.errors import PareError
from pare.config_loader import load_library
from pare.data.origins.ingest import ingest
from pare.data.registries import open_raw_files
from publisher_files import write_ucr
from shipped import config_loader

LIBRARY = load_library(config_loader())
NAMES = sorted(name for name in LIBRARY.tasks if LIBRARY.task(name).suite == "UCR")
# Rows of the parts, and the shortest and the longest series, as the archive documents them; PLAID's lengths "vary".
DOCUMENTED = {
    "ucr_acsf1": (100, 100, 1460, 1460),
    "ucr_arrow_head": (36, 175, 251, 251),
    "ucr_basic_motions": (40, 40, 100, 100),
    "ucr_gun_point": (50, 150, 150, 150),
    "ucr_italy_power_demand": (67, 1029, 24, 24),
    "ucr_japanese_vowels": (270, 370, 7, 29),
    "ucr_osu_leaf": (200, 242, 427, 427),
    "ucr_plaid": (537, 537, 100, 1344),
}


def read(task, folder):
    return open_raw_files(task.reader, folder)


def test_the_documented_tasks_are_all_that_there_are():
    assert list(DOCUMENTED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_task_has_the_series_that_sktimes_loader_reads(name, tmp_path):
    task, lengths = LIBRARY.task(name), set()
    ingest(task.raw.active, tmp_path)
    parts = read(task, tmp_path)
    for part, samples in parts.items():
        (path,) = tmp_path.glob(f"*_{part.upper()}.ts")
        frame, labels = load_from_tsfile(str(path))
        x, y = samples.read(0, samples.count)
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert x.shape == (len(frame), *task.input.shape)
        assert samples.count == task.samples[part] and len(samples.classes) == task.classes
        assert [samples.classes[code].lower() for code in y] == labels.tolist()
        for row, cells in zip(x, frame.itertuples(index=False), strict=True):
            stored = np.array([cell.to_numpy() for cell in cells], np.float32)
            lengths.add(stored.shape[1])
            np.testing.assert_array_equal(row[:, : stored.shape[1]], stored)
            for channel, rest in enumerate(row[:, stored.shape[1] :]):
                assert all(rest == np.float32(task.reader.options.get("fill", [])[channel : channel + 1]))
    assert DOCUMENTED[name] == (parts["train"].count, parts["test"].count, min(lengths), max(lengths))


@pytest.mark.parametrize("name", [name for name in NAMES if "fill" in LIBRARY.task(name).reader.options])
def test_shorter_series_are_followed_by_the_means_of_the_training_part(name, tmp_path):
    task = LIBRARY.task(name)
    ingest(task.raw.active, tmp_path)
    frame, _ = load_from_tsfile(str(next(tmp_path.glob("*_TRAIN.ts"))))
    means = [np.concatenate(list(frame[channel])).mean() for channel in frame]
    assert task.reader.options["fill"] == [float(f"{mean:.4g}") for mean in means]


@pytest.mark.parametrize("name", NAMES)
def test_the_validation_part_has_room_for_each_class(name):
    task = LIBRARY.task(name)
    assert task.split.stratified and task.n_validation("validated") >= task.classes


def test_rows_keep_their_order_and_classes_that_of_the_training_header(tmp_path):
    task = LIBRARY.task("ucr_japanese_vowels")
    written = write_ucr(tmp_path, task, np.random.default_rng(0), 9)
    test = tmp_path / "Set_TEST.ts"
    names = [f"Class{k}" for k in range(9)]
    test.write_text(test.read_text().replace(" ".join(names), " ".join(reversed(names))))
    parts = read(task, tmp_path)
    for part, rows in written.items():
        x, y = parts[part.lower()].read(2, 7)
        assert [names[code] for code in y] == [label for _, label in rows[2:7]]
        for values, (series, _) in zip(x, rows[2:7], strict=True):
            np.testing.assert_array_equal(values[:, : series.shape[1]], series)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Class1", "Class7", r"classes \['Class0', 'Class7'\], those of the training part are"),
        (":Class", f"{':0' + ',0' * 149}:Class", "channels 2, those of the training part are 1"),
    ],
)
def test_a_test_part_of_other_classes_or_channels_is_named(tmp_path, old, new, message):
    task = LIBRARY.task("ucr_gun_point")
    write_ucr(tmp_path, task, np.random.default_rng(0), 4)
    path = tmp_path / "Set_TEST.ts"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(PareError, match=rf"Set_TEST\.ts: {message}"):
        read(task, tmp_path)


def test_one_file_has_all_rows_and_numbers_are_a_column(tmp_path):
    (tmp_path / "demand.ts").write_text("@targetLabel true\n@data\n1,2:0.5\n3,4,5:-1e3\n")
    parts = users_files.read("ts", tmp_path, points=3, fill=(9.0,))
    assert list(parts) == ["all"] and parts["all"].classes is None
    x, y = parts["all"].read(0, 2)
    assert (x.dtype, y.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(x, [[[1, 2, 9]], [[3, 4, 5]]])
    np.testing.assert_array_equal(y, [[0.5], [-1000]])


def test_series_of_which_nothing_is_known_teach_nothing(tmp_path):
    (tmp_path / "new.ts").write_text("@classLabel false\n@data\n1,2\n")
    with pytest.raises(PareError, match=r"new\.ts has neither classes nor numbers"):
        users_files.read("ts", tmp_path, points=2)


def test_a_missing_part_is_named(tmp_path):
    write_ucr(tmp_path, LIBRARY.task("ucr_gun_point"), np.random.default_rng(0), 4)
    (tmp_path / "Set_TEST.ts").unlink()
    with pytest.raises(PareError, match=r"no file \*_TEST\.ts in"):
        read(LIBRARY.task("ucr_gun_point"), tmp_path)
