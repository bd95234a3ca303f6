import h5py
import numpy as np
import pytest
import scipy.io

from pare.config.errors import PareError
from users_files import CLASSES, RNG, STATES, N, facts, grouped, look, npz, read_found


@pytest.mark.parametrize(
    ("x", "shape", "axis"),
    [
        ((N, 2, 40), (2, 40), "first"),
        ((N, 40, 2), (2, 40), "last"),
        ((N, 30, 40), (1, 30, 40), "none"),
        ((N, 28, 28), (1, 28, 28), "none"),
        ((N, 3, 20, 30), (3, 20, 30), "first"),
        ((N, 20, 30, 3), (3, 20, 30), "last"),
        ((N, 40), (1, 40), "none"),
        ((N, 9), (9,), "first"),
    ],
)
def test_the_short_axis_of_an_array_holds_its_channels(tmp_path, x, shape, axis):
    found = look(npz(tmp_path, x=np.zeros(x), y=CLASSES), "y")
    assert found.options["channel_axis"] == axis
    assert facts(found) == ("classification", (3,), shape)


def test_the_user_knows_better_where_the_channels_are(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 9)), y=CLASSES), "y", channel_axis="none")
    assert found.input_shape == (1, 9)


@pytest.mark.parametrize(
    ("x", "y", "kind", "shapes"),
    [
        ((N, 2, 40), (N, 40), "dense", ((2, 40), (1, 40))),
        ((N, 40, 2), (N, 40), "dense", ((2, 40), (1, 40))),
        ((N, 20, 20), (N, 20, 20), "dense", ((1, 20, 20), (1, 20, 20))),
        ((N, 20, 20), (N, 3, 20, 20), "dense", ((1, 20, 20), (3, 20, 20))),
        ((N, 20, 20), (N, 20, 20, 3), "dense", ((1, 20, 20), (3, 20, 20))),
        ((N, 10, 20), (N, 10, 20, 3), "dense", ((1, 10, 20), (3, 10, 20))),
        ((N, 40), (N, 40), "dense", ((1, 40), (1, 40))),
        ((N, 2, 40), (N, 5), "regression", ((2, 40), (5,))),
        ((N, 50, 3), (N, 3), "regression", ((3, 50), (3,))),  # three numbers, as many as channels
        ((N, 3, 50), (N, 3), "regression", ((3, 50), (3,))),
    ],
)
def test_a_target_on_the_grid_of_the_input_is_a_field(tmp_path, x, y, kind, shapes):
    found = look(npz(tmp_path, x=np.zeros(x), y=RNG.normal(size=y)), "y")
    assert (found.kind, (found.input_shape, found.output_shape)) == (kind, shapes)


def test_a_file_of_matlab_is_read_as_matlab_shows_it(tmp_path):
    kinds = np.array(["beat", "noise", "pause"], object)[CLASSES]
    scipy.io.savemat(tmp_path / "beats.mat", {"x": RNG.normal(size=(N, 2, 40)), "kind": kinds[:, None], "rate": 50.0})
    found = look([tmp_path / "beats.mat"], "kind")
    assert (found.kind, found.input_shape) == ("classification", (2, 40))
    assert found.classes == {"beat": 20, "noise": 20, "pause": 20}


def test_rows_of_0_and_1_are_labels(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=RNG.integers(0, 2, (N, 4))), "y")
    assert facts(found) == ("multilabel", (4,), (2, 40))


def test_one_label_in_each_row_may_be_a_class(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=np.eye(3)[CLASSES]), "y")
    assert found.kind == "multilabel" and "save y.argmax(1) in their place" in found.notes["target"]
    several = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=(RNG.random((N, 3)) < 0.5).astype(float)), "y")
    assert "argmax" not in several.notes["target"]


def test_classes_that_do_not_count_from_0_are_numbered(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES + 1), "y")
    assert found.options["recode"] is True
    assert found.classes == {"1": 20, "2": 20, "3": 20}


@pytest.mark.parametrize("axis", ["first", "last", "none"])
def test_series_that_end_in_nan_are_padded_to_the_longest(tmp_path, axis):
    lengths = 20 + np.arange(N) % 11
    x = np.where(np.arange(50) < lengths[:, None], RNG.normal(size=(N, 50)), np.nan)
    shaped = {"first": np.stack([x, 2 * x], axis=1), "last": np.stack([x, 2 * x], axis=2), "none": x}[axis]
    found = look(npz(tmp_path, x=shaped, y=CLASSES), "y")
    assert found.options["channel_axis"] == axis
    assert (found.options["points"], found.options["lengths"]) == (30, "padded")
    assert "theirs have 20 to 30; after them they are NaN" in found.notes["points"]
    rows, _ = read_found(found, tmp_path)["all"].read(0, N)
    assert np.isfinite(rows).all() and rows.shape == (N, 1 if axis == "none" else 2, 30)
    np.testing.assert_allclose(rows[0, 0, :20], x[0, :20], rtol=1e-6)
    np.testing.assert_allclose(rows[0, 0, 20:], np.nanmean(x), rtol=1e-3)


def test_a_gap_within_a_series_is_refused(tmp_path):
    x = RNG.normal(size=(N, 2, 50))
    x[:, :, 40:], x[3, 0, 7] = np.nan, np.nan
    with pytest.raises(PareError, match="NaN, a missing value, in row 4"):
        found = look(npz(tmp_path, x=x, y=CLASSES), "y")
        read_found(found, tmp_path)["all"].read(0, N)


@pytest.mark.parametrize(
    ("target", "content"), [("y", {"x": np.ones((N, 0, 5)), "y": CLASSES}), ("u", {"u": np.ones((N, 5, 0))})]
)
def test_arrays_without_a_number_are_refused(tmp_path, target, content):
    with pytest.raises(PareError, match=r"has shape \(60, 0"):
        look(npz(tmp_path, **content), target)


def test_whole_series_keep_their_length(tmp_path):
    found = look(npz(tmp_path, x=RNG.normal(size=(N, 2, 50)), y=CLASSES), "y")
    assert "points" not in found.options


def hdf5(path, **content):
    with h5py.File(path / "f.h5", "w") as file:
        for name, values in content.items():
            file[name] = values
    return [path / "f.h5"]


@pytest.mark.parametrize("save", [npz, hdf5])
def test_true_and_false_are_classes(tmp_path, save):
    found = look(save(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES > 0), "y")
    assert facts(found) == ("classification", (2,), (2, 40))
    parts = read_found(found, tmp_path)
    assert found.classes == {"0": 20, "1": 40} and parts["all"].classes == ["0", "1"]


def pairs(folder, inputs=range(20), outputs=range(20)):
    for name, numbers in (("input", inputs), ("output", outputs)):
        (folder / name).mkdir()
        for i in numbers:
            np.save(folder / name / f"{i:03}.npy", np.full((8, 8), i + (name == "output") / 2))
    return sorted(folder.iterdir())


def test_folders_of_arrays_are_paired_by_the_names_of_their_files(tmp_path):
    found = look(pairs(tmp_path), "output")
    assert facts(found) == ("dense", (1, 8, 8), (1, 8, 8))
    assert (found.rows, found.options["parts"]) == ({"all": 20}, {"all": {"x": "input", "y": "output"}})
    x, y = read_found(found, tmp_path)["all"].read(5, 8)
    np.testing.assert_array_equal(x[:, 0, 0, 0], [5, 6, 7])
    np.testing.assert_array_equal(y - x, 0.5)


def test_a_file_without_its_pair_is_named(tmp_path):
    with pytest.raises(PareError, match=r"^input holds 007\.npy, and output does not"):
        look(pairs(tmp_path, outputs=[i for i in range(20) if i != 7]), "output")


def test_the_target_of_folders_is_asked_for_by_their_names(tmp_path):
    for path in pairs(tmp_path):
        path.rename(path.with_name({"input": "heat", "output": "stress"}[path.name]))
    with pytest.raises(PareError, match=r"Arrays: heat is float64 of shape .20, 8, 8.; stress is"):
        look(sorted(tmp_path.iterdir()))


def test_folders_may_be_named_after_what_they_hold(tmp_path):
    assert look(pairs(tmp_path)).options["parts"] == {"all": {"x": "input", "y": "output"}}


def test_shifts_are_a_symmetry_of_fields_on_a_line_that_is_periodic(tmp_path):
    waves = RNG.normal(size=(200, 3, 1)) * np.sin(np.arange(32) * np.pi / 16 + RNG.uniform(0, 7, (200, 3, 1)))
    x = waves.sum(1, keepdims=True)
    assert look(npz(tmp_path, x=x, y=np.roll(x, 3, -1)), "y").symmetries == ("shift",)
    walls = np.sin(np.arange(32) * np.pi / 32)
    assert look(npz(tmp_path, x=x, y=x * walls), "y").symmetries == ()
    plane = x.reshape(200, 32, 1) * x[::-1] / x.std()
    assert look(npz(tmp_path, x=plane[:, None], y=np.roll(plane, 3, -1)[:, None]), "y").symmetries == ("torus",)


@pytest.mark.parametrize("name", ["f.h5", "f.hdf5"])
def test_the_last_state_of_each_group_is_predicted_from_the_first(tmp_path, name):
    found = look(grouped(tmp_path / name), "data")
    assert (found.kind, found.rows) == ("dense", {"train": 18, "test": 2})
    assert found.input_shape == found.output_shape == (2, 16)
    x, y = read_found(found, tmp_path)["test"].read(0, 2)
    np.testing.assert_array_equal(x, np.moveaxis(STATES[18:, 0], -1, 1))
    np.testing.assert_array_equal(y, np.moveaxis(STATES[18:, 4], -1, 1))


def test_another_target_of_groups_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(PareError, match=r"f\.h5 has a group for each sample.*samples along the first axis"):
        look(grouped(tmp_path / "f.h5"), "grid/x")
