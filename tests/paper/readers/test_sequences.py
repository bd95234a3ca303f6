"""Signals, satellite series and DNA of NAS-Bench-360: the publisher's files, and what users really have."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pare.config.errors import PareError
from pare.paper.readers.sequences import deepsea_npz, ecg_challenge2017, ninapro_npy, satellite_npy
from publisher_files import write_deepsea, write_ecg, write_ninapro, write_satellite
from publisher_pickles import check_nothing_runs, numpy1_object_npy, numpy1_pickle


def objects(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_ninapro_signals_are_electrodes_by_time_in_the_published_parts(tmp_path):
    written = write_ninapro(tmp_path, rows=6)
    parts = ninapro_npy(tmp_path)
    assert list(parts) == ["train", "validation", "test"]
    for name, published in zip(parts, ("train", "val", "test"), strict=True):
        x, y = parts[name].read(1, 5)
        assert parts[name].count == 6 and x.shape == (4, 1, 16, 52) and x.dtype == np.float32 and y.dtype == np.int64
        stored = written[f"ninapro_{published}"][1:5]
        for row, electrode, time in np.ndindex(4, 16, 52):
            assert x[row, 0, electrode, time] == np.float32(stored[row, time, electrode])
        np.testing.assert_array_equal(y, written[f"label_{published}"][1:5])


@pytest.mark.parametrize(
    "name, array, message",
    [
        (
            "ninapro_val",
            np.zeros((12, 16, 52)),
            r"ninapro_val.npy is float64 \(12, 16, 52\); expected numbers \(rows, 52, 16\)",
        ),
        ("label_val", np.zeros(11), r"label_val.npy is float64 \(11,\); expected numbers \(12\)"),
        ("label_val", np.full(12, 0.5), "label_val.npy holds other values than whole numbers"),
    ],
)
def test_a_ninapro_file_of_another_shape_is_named(tmp_path, name, array, message):
    write_ninapro(tmp_path)
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(PareError, match=message):
        ninapro_npy(tmp_path)


def slow_windows(recordings, labels, chosen):
    """The published rule, window by window: rows, classes, numbers of the recordings."""
    strides, classes = {"N": 500, "A": 83, "O": 250, "~": 25}, "NAO~"
    for i in chosen:
        signal = recordings[i].astype(np.float64)
        signal = (signal - signal.mean()) / np.sqrt(((signal - signal.mean()) ** 2).mean())
        for start in range(0, len(signal) - 1000, strides[labels[i]]):
            yield signal[start : start + 1000], classes.index(labels[i]), i


def test_ecg_windows_are_cut_by_the_published_rule_from_standardised_recordings(tmp_path):
    written = write_ecg(tmp_path, rows=12)
    recordings, labels = written["data"], written["label"]
    chosen = dict(
        zip(("train", "test"), train_test_split(range(len(labels)), test_size=0.1, random_state=0), strict=True)
    )
    parts = ecg_challenge2017(tmp_path)
    assert list(parts) == ["train", "test"]
    for name, samples in parts.items():
        expected = list(slow_windows(recordings, labels, chosen[name]))
        assert samples.count == len(expected) == len(samples.groups)
        assert samples.classes == ["normal rhythm", "atrial fibrillation", "other rhythm", "noisy"]
        for start in range(0, samples.count, 5):  # blocks that begin and end inside a recording
            x, y = samples.read(start, min(start + 5, samples.count))
            assert x.shape[1:] == (1, 1000) and x.dtype == np.float32 and y.dtype == np.int64
            for row, (signal, code, recording) in enumerate(expected[start : start + 5]):
                np.testing.assert_allclose(x[row, 0], signal, rtol=1e-6, atol=1e-6)
                assert y[row] == code and samples.groups[start + row] == recording


def test_no_recording_is_in_both_ecg_parts_and_a_tenth_is_for_the_test(tmp_path):
    write_ecg(tmp_path, rows=12)
    parts = ecg_challenge2017(tmp_path)
    train, test = (set(parts[name].groups.tolist()) for name in ("train", "test"))
    assert not train & test and len(train | test) == 40 and len(test) == 4


def test_every_window_starts_before_the_last_thousand_samples_of_its_recording(tmp_path):
    lengths = {0: 999, 1: 1000, 2: 1001, 3: 1500, 4: 1501}
    ramps = objects(*(np.arange(n, dtype=np.int16) for n in lengths.values()))
    (tmp_path / "challenge2017.pkl").write_bytes(numpy1_pickle({"data": ramps, "label": ["N"] * 5}))
    parts = ecg_challenge2017(tmp_path).values()
    groups = np.concatenate([part.groups for part in parts])
    assert np.bincount(groups, minlength=5).tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    "content, message",
    [
        ({"data": objects(np.zeros(3), np.zeros(4)), "label": ["N"]}, "holds 2 recordings and 1 labels"),
        ({"data": objects(np.zeros(3), np.zeros(4)), "label": ["N", "B"]}, "holds the labels B; expected N, A, O, ~"),
        ({"data": objects(np.zeros(3), "abc"), "label": ["N", "N"]}, "recording 1 is str; expected numbers"),
        ({"data": objects(np.zeros(3), np.zeros((2, 2))), "label": ["N", "N"]}, r"recording 1 is float64 \(2, 2\)"),
        ({"data": 5, "label": 5}, "data and label are not lists or arrays"),
        ({"data": []}, "holds a dictionary with data; expected a dictionary with data, label"),
        ([1], "holds list; expected a dictionary"),
    ],
)
def test_an_ecg_file_with_other_content_is_named(tmp_path, content, message):
    (tmp_path / "challenge2017.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(PareError, match=message):
        ecg_challenge2017(tmp_path)


@pytest.mark.parametrize("value", [7.0, np.nan])
def test_a_recording_that_cannot_be_standardised_is_named(tmp_path, value):
    data = objects(*(np.full(1300, value) for _ in range(3)))
    (tmp_path / "challenge2017.pkl").write_bytes(pickle.dumps({"data": data, "label": ["O"] * 3}))
    samples = ecg_challenge2017(tmp_path)["train"]
    with pytest.raises(PareError, match=r"challenge2017.pkl: recording \d is constant or not finite"):
        samples.read(0, 2)


def test_satellite_series_are_as_stored_and_classes_begin_at_0(tmp_path):
    written = write_satellite(tmp_path, rows=9)
    parts = satellite_npy(tmp_path)
    assert list(parts) == ["train", "test"]
    for name, samples in parts.items():
        x, y = samples.read(3, 8)
        assert samples.count == 9 and x.shape == (5, 1, 46) and x.dtype == np.float32 and y.dtype == np.int64
        np.testing.assert_array_equal(x[:, 0], written[name]["data"][3:8].astype(np.float32))
        np.testing.assert_array_equal(y + 1, written[name]["label"][3:8])


@pytest.mark.parametrize(
    "content, message",
    [
        ({"data": np.zeros((4, 45)), "label": np.ones(4)}, r"data is float64 \(4, 45\); expected numbers \(rows, 46\)"),
        ({"data": np.zeros((4, 46)), "label": np.ones(5)}, r"label is float64 \(5,\); expected numbers \(4\)"),
        ({"data": np.zeros((2, 46)), "label": np.array([0, 3])}, "holds labels from 0 to 3; expected 1 to 24"),
        ({"data": np.zeros((2, 46)), "label": np.array([1, 25])}, "holds labels from 1 to 25; expected 1 to 24"),
        ({"data": np.zeros((2, 46))}, "holds a dictionary with data; expected"),
        ([1, 2], "holds ndarray; expected a dictionary"),
    ],
)
def test_a_satellite_file_with_other_content_is_named(tmp_path, content, message):
    for part in ("train", "test"):
        (tmp_path / f"satellite_{part}.npy").write_bytes(numpy1_object_npy(content))
    with pytest.raises(PareError, match=message):
        satellite_npy(tmp_path)


def test_a_satellite_value_that_is_not_finite_is_named_with_its_row(tmp_path):
    data = np.zeros((5, 46))
    data[3, 45] = np.inf
    for part in ("train", "test"):
        (tmp_path / f"satellite_{part}.npy").write_bytes(numpy1_object_npy({"data": data, "label": np.ones(5)}))
    with pytest.raises(PareError, match=r"satellite_test.npy: data is not finite in row 4"):
        satellite_npy(tmp_path)["test"].read(2, 5)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_deepsea_bases_are_channels_in_the_published_parts(tmp_path, save):
    written = write_deepsea(tmp_path, rows=7)
    save(tmp_path / "deepsea_filtered.npz", **written)
    parts = deepsea_npz(tmp_path)
    assert list(parts) == ["train", "validation", "test"]
    for name, published in zip(parts, ("train", "val", "test"), strict=True):
        x, y = parts[name].read(2, 6)
        assert parts[name].count == 7 and x.shape == (4, 4, 1000) and y.shape == (4, 36)
        assert x.dtype == y.dtype == np.float32
        np.testing.assert_array_equal(x.argmax(1), written[f"x_{published}"][2:6].argmax(2))
        np.testing.assert_array_equal(x.sum(1), 1)
        np.testing.assert_array_equal(y, written[f"y_{published}"][2:6])


@pytest.mark.parametrize(
    "changed, message",
    [
        (
            {"x_val": np.zeros((12, 4, 1000), bool)},
            r"x_val is bool \(12, 4, 1000\); expected numbers \(rows, 1000, 4\)",
        ),
        ({"y_val": np.zeros((11, 36))}, r"y_val is float64 \(11, 36\); expected numbers \(12, 36\)"),
        ({"y_val": None}, "lacks y_val"),
        ({"y_val": np.full((12, 36), 2)}, "y_val holds other values than 0 and 1"),
        ({"x_val": np.full((12, 1000, 4), np.nan)}, "x_val is not finite in row 1"),
    ],
)
def test_a_deepsea_file_with_other_content_is_named(tmp_path, changed, message):
    written = write_deepsea(tmp_path) | changed
    np.savez(tmp_path / "deepsea_filtered.npz", **{name: array for name, array in written.items() if array is not None})
    with pytest.raises(PareError, match=message):
        deepsea_npz(tmp_path)["validation"].read(0, 12)


def shell_in_ninapro(folder, shell):
    write_ninapro(folder)
    np.save(folder / "label_test.npy", objects(shell), allow_pickle=True)


def shell_in_ecg(folder, shell):
    (folder / "challenge2017.pkl").write_bytes(pickle.dumps({"data": [shell], "label": ["N"]}, 2))


def shell_in_satellite(folder, shell):
    write_satellite(folder)
    np.save(folder / "satellite_test.npy", objects(shell), allow_pickle=True)


def shell_in_deepsea(folder, shell):
    np.savez(folder / "deepsea_filtered.npz", allow_pickle=True, **write_deepsea(folder) | {"y_test": objects(shell)})


@pytest.mark.parametrize(
    ("reader", "write", "message"),
    [
        (ninapro_npy, shell_in_ninapro, "label_test.npy holds pickled"),
        (ecg_challenge2017, shell_in_ecg, "challenge2017.pkl asks Python for"),
        (satellite_npy, shell_in_satellite, "satellite_test.npy asks Python for"),
        (deepsea_npz, shell_in_deepsea, "y_test.npy holds pickled"),
    ],
)
def test_a_file_that_calls_the_shell_is_refused_and_nothing_runs(tmp_path, reader, write, message):
    check_nothing_runs(reader, write, tmp_path, message)
