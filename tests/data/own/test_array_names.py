import h5py
import numpy as np
import pytest
import scipy.io
import torch

from pare.config.errors import PareError
from users_files import CLASSES, N, facts, hdf5_groups, look, npy_pairs, npz, npz_groups, npz_per_part, read_found


@pytest.mark.parametrize("save", [npy_pairs, hdf5_groups, npz_groups, npz_per_part])
def test_parts_are_recognised_by_their_names(tmp_path, save):
    found = look(save(tmp_path), "y")
    assert list(found.rows.items()) == [("train", 45), ("test", 15)]
    assert facts(found) == ("classification", (3,), (2, 40))


def test_of_several_inputs_one_must_be_named(tmp_path):
    paths = npz(tmp_path, load=np.zeros((N, 20, 20)), heat=np.zeros((N, 20, 20)), stress=np.zeros((N, 20, 20)))
    with pytest.raises(
        PareError, match=r"several arrays could be the input of stress; name one: --input.*load is float64"
    ):
        look(paths, "stress")
    assert look(paths, "stress", input="heat").options["parts"] == {"all": {"x": "heat", "y": "stress"}}


@pytest.mark.parametrize(
    ("target", "question", "message"),
    [
        ((), {}, r"--target KEY.*signal is float64 of shape \(60, 2, 40\)"),
        (("label",), {}, "--target 'label' names no array"),
        (("rate",), {}, "--target 'rate' names no array"),
        (("y",), {"input": "sound"}, "--input 'sound' names no array"),
        (("y",), {"ignore": ("signal",)}, "--ignore is for columns"),
    ],
)
def test_what_is_missing_is_told_with_the_arrays_that_are_there(tmp_path, target, question, message):
    with pytest.raises(PareError, match=message):
        look(npz(tmp_path, signal=np.zeros((N, 2, 40)), y=CLASSES, rate=50.0), *target, **question)


def test_lengths_that_differ_are_said_with_both_shapes(tmp_path):
    paths = npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES[:50])
    with pytest.raises(PareError, match=r"x has 60 rows and y has 50: x is .*\(60, 2, 40\), y is .*\(50,\)"):
        look(paths, "y")


def test_an_only_input_that_is_complex_is_told_what_to_save(tmp_path):
    with pytest.raises(PareError, match="real and the imaginary part as two channels"):
        look(npz(tmp_path, x=np.zeros((N, 40), complex), y=CLASSES), "y")


@pytest.fixture
def states(tmp_path):
    """As PDEBench publishes them: rows, frames, points."""
    path = tmp_path / "burgers.h5"
    values = np.random.default_rng(0).normal(size=(20, 6, 16)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["tensor"], file["x-coordinate"], file["t-coordinate"] = values, np.ones(16), np.ones(7)
    return path, values


@pytest.mark.parametrize("given", [{}, {"input": "tensor"}])
def test_the_last_of_states_over_time_is_predicted_from_the_first(states, given):
    path, values = states
    found = look([path], "tensor", **given)
    assert (found.kind, found.input_shape, found.output_shape) == ("dense", (1, 16), (1, 16))
    assert found.output_name == "tensor at frame 5"
    assert found.options["parts"] == {"all": {"x": "tensor", "y": "tensor", "x_frame": 0, "y_frame": 5}}
    assert found.notes["parts"] == "tensor has states over time: frame 5, the last, is predicted from frame 0"
    x, y = read_found(found, path.parent)["all"].read(3, 9)
    np.testing.assert_array_equal(x[:, 0], values[3:9, 0])
    np.testing.assert_array_equal(y[:, 0], values[3:9, 5])


def test_two_axes_are_no_states_over_time(tmp_path):
    with pytest.raises(PareError, match="no array of numbers could be the input of y"):
        look(npz(tmp_path, y=np.ones((N, 5))), "y")


def made_up(**rows):
    """Arrays as publishers name, shape and type them, but of noise, with few rows."""
    rng = np.random.default_rng(0)
    found = {}
    for name, (shape, kind) in rows.items():
        classes = kind is CLASSES
        found[name] = np.resize(CLASSES, shape) if classes else (rng.random(shape) * 255).astype(kind)
    return found


GREY, COLOUR = (28, 28), (28, 28, 3)
KERAS = made_up(  # mnist.npz
    x_test=((12, *GREY), np.uint8),
    x_train=((60, *GREY), np.uint8),
    y_train=((60,), CLASSES),
    y_test=((12,), CLASSES),
)
MEDMNIST = {
    axes: made_up(
        **{f"{part}_images": ((n, *axes), np.uint8) for part, n in (("train", 60), ("val", 15), ("test", 12))},
        **{f"{part}_labels": ((n, 1), CLASSES) for part, n in (("train", 60), ("val", 15), ("test", 12))},
    )
    for axes in (GREY, COLOUR)
}
MEDICAL = {
    "train": ("train_images", "train_labels"),
    "validation": ("val_images", "val_labels"),
    "test": ("test_images", "test_labels"),
}
MNIST1D = made_up(
    x=((60, 40), float), x_test=((12, 40), float), y=((60,), CLASSES), y_test=((12,), CLASSES), t=((40,), float)
)
MATLAB = made_up(
    XTrain=((60, 2, 40), float), YTrain=((60, 1), CLASSES), XTest=((12, 2, 40), float), YTest=((12, 1), CLASSES)
)
CAPITALS = made_up(X=((60, 2, 40), float), Y=((60,), CLASSES))
SCIKIT_LEARN = made_up(data=((60, 64), float), images=((60, 8, 8), float), target=((60,), CLASSES))


@pytest.mark.parametrize(
    ("content", "parts", "axis", "shape"),
    [
        (KERAS, {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}, "none", (1, 28, 28)),
        (MEDMNIST[GREY], MEDICAL, "none", (1, 28, 28)),
        (MEDMNIST[COLOUR], MEDICAL, "last", (3, 28, 28)),
        (MNIST1D, {"train": ("x", "y"), "test": ("x_test", "y_test")}, "none", (1, 40)),
        (CAPITALS, {"all": ("X", "Y")}, "first", (2, 40)),
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_arrays_of_publishers_need_no_question(tmp_path, content, parts, axis, shape, asked):
    y = next(iter(parts.values()))[1]
    paths = npz(tmp_path, **content)
    found = look(paths, *([y] if asked else []))
    assert found.options["parts"] == {part: {"x": x, "y": y} for part, (x, y) in parts.items()}
    assert (found.options["channel_axis"], found.input_shape, found.kind) == (axis, shape, "classification")
    opened = read_found(found, tmp_path)
    for part, (x, y) in parts.items():
        rows, classes = opened[part].read(0, 12)
        for row, raw in zip(rows, content[x], strict=False):
            expected = np.moveaxis(raw, -1, 0) if axis == "last" else raw.reshape(shape)
            np.testing.assert_array_equal(row, expected.astype(np.float32))
        np.testing.assert_array_equal(classes, content[y][:12].reshape(-1))
    first = next(iter(parts.values()))
    assert (f"{first[1]} is predicted from {first[0]}, as their names say" in " ".join(found.remarks)) != asked


def test_matlab_names_parts_with_capitals(tmp_path):
    scipy.io.savemat(tmp_path / "f.mat", MATLAB)
    found = look([tmp_path / "f.mat"])
    assert found.options["parts"] == {"train": {"x": "XTrain", "y": "YTrain"}, "test": {"x": "XTest", "y": "YTest"}}
    assert (found.rows, facts(found)) == ({"train": 60, "test": 12}, ("classification", (3,), (2, 40)))


def test_arrays_that_are_left_over_are_said(tmp_path):
    found = look(npz(tmp_path, **MNIST1D))
    assert found.remarks[-1] == "Not used: t is float64 of shape (40,)."
    without = {name: values for name, values in KERAS.items() if name != "y_test"}
    found = look(npz(tmp_path, **without))
    assert found.rows == {"all": 60}
    assert found.remarks[-1] == "Not used: x_test is uint8 of shape (12, 28, 28)."


def test_rows_that_are_missing_in_one_part_are_said(tmp_path):
    content = KERAS | {"y_train": KERAS["y_train"][:50]}
    with pytest.raises(PareError, match=r"x_train has 60 rows, and .*y_train has shape \(50,\)"):
        look(npz(tmp_path, **content))


def test_of_two_inputs_none_is_chosen_by_names(tmp_path):
    with pytest.raises(PareError, match="name the one array to predict"):
        look(npz(tmp_path, **SCIKIT_LEARN))
    with pytest.raises(PareError, match="several arrays could be the input of target; name one: --input"):
        look(npz(tmp_path, **SCIKIT_LEARN), "target")


def test_coordinates_are_not_taken_for_input_and_target(tmp_path):
    x, y = np.meshgrid(np.arange(20.0), np.arange(20.0))
    with pytest.raises(PareError, match=r"--target KEY.*u is float64 of shape \(10, 20, 20\)"):
        look(npz(tmp_path, x=x, y=y, u=np.zeros((10, 20, 20))))


def test_all_rows_next_to_those_of_parts_are_taken_where_they_are_named(tmp_path):
    whole = made_up(x=((72, *GREY), np.uint8), y=((72,), CLASSES))
    paths = npz(tmp_path, **KERAS, **whole)
    assert look(paths).rows == look(paths, "y_train").rows == {"train": 60, "test": 12}
    assert look(paths, "y").rows == {"all": 72}


def test_of_several_inputs_the_one_that_is_called_so_is_taken(tmp_path):
    content = made_up(data=((60, 40, 3), float), label=((60, 1), CLASSES), normal=((60, 40, 3), float))
    found = look(npz(tmp_path, **content), "label")
    assert found.options["parts"] == {"all": {"x": "data", "y": "label"}}
    assert found.remarks == ("Not used: normal is float64 of shape (60, 40, 3).",)


def darcy(n):
    """As neuraloperator publishes darcy_train_16.pt, made up."""
    return {"x": torch.rand(n, 16, 16) > 0.5, "y": torch.randn(n, 16, 16)}


def test_files_of_tensors_are_parts_by_their_names(tmp_path):
    content = {"train": darcy(20), "test": darcy(6)}
    for part, tensors in content.items():
        torch.save(tensors, tmp_path / f"darcy_{part}_16.pt")
    found = look(sorted(tmp_path.iterdir()))
    assert (found.rows, facts(found)) == ({"train": 20, "test": 6}, ("dense", (1, 16, 16), (1, 16, 16)))
    for part, samples in read_found(found, tmp_path).items():
        x, y = samples.read(1, 4)
        np.testing.assert_array_equal(x[:, 0], content[part]["x"][1:4].numpy())
        np.testing.assert_array_equal(y[:, 0], content[part]["y"][1:4].numpy())


def test_tensors_are_nested_or_one_a_file(tmp_path):
    content = {"train": {"x": torch.randn(60, 2, 40), "y": torch.arange(60) % 3}}
    content["test"] = {name: tensor[:12] for name, tensor in content["train"].items()}
    torch.save(content, tmp_path / "nested.pt")
    (tmp_path / "apart").mkdir()
    for part, tensors in content.items():
        for name, tensor in tensors.items():
            torch.save(tensor, tmp_path / "apart" / f"{name}_{part}.pth")
    nested, apart = look([tmp_path / "nested.pt"]), look(sorted((tmp_path / "apart").iterdir()))
    assert nested.options["parts"]["test"] == {"x": "test/x", "y": "test/y"}
    assert apart.options["parts"]["test"] == {"x": "x_test.pth", "y": "y_test.pth"}
    assert nested.rows == apart.rows == {"train": 60, "test": 12}
    for found, folder in ((nested, tmp_path), (apart, tmp_path / "apart")):
        x, y = read_found(found, folder)["test"].read(0, 12)
        np.testing.assert_array_equal(x, content["test"]["x"].numpy())
        np.testing.assert_array_equal(y, content["test"]["y"].numpy())


NOTHING = {
    "empty": {},
    "no data": {"x": h5py.Empty("f4")},
    "scalars": {"x": 1.0, "y": 2},
    "no channels": {"x": np.zeros((60, 0, 5)), "y": np.arange(60) % 2},
    "no rows": {"x": np.zeros((0, 5)), "y": np.zeros(0)},
    "no points": {"x": np.zeros((60, 5)), "y": np.zeros((60, 0))},
}


@pytest.mark.parametrize("content", NOTHING.values(), ids=NOTHING)
def test_a_file_without_numbers_is_told(tmp_path, content):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(PareError):
        look([tmp_path / "f.h5"])


def test_answers_in_one_file_belong_to_files_in_the_order_of_their_numbers(tmp_path):
    (tmp_path / "x").mkdir()
    for i in range(12):
        np.save(tmp_path / "x" / f"{i}.npy", np.full((2, 9), i, np.float32))
    np.save(tmp_path / "y.npy", np.arange(12) + 0.5)
    found = look([tmp_path / "x", tmp_path / "y.npy"], "y.npy")
    assert "Rows of y.npy belong to the files of x in this order: 0.npy, 1.npy, 2.npy, …." in found.remarks
    x, y = read_found(found, tmp_path)["all"].read(0, 12)
    np.testing.assert_array_equal(x[:, 0, 0] + 0.5, y[:, 0])
