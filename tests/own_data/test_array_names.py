import h5py
import numpy as np
import pytest

from pare.config.errors import PareError
from pare.own_data.findings import open_parts
from users_files import CLASSES, N, facts, hdf5_groups, look, npy_pairs, npz, npz_groups, npz_per_part


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
        ((), {}, r"--target KEY.*x is float64 of shape \(60, 2, 40\)"),
        (("label",), {}, "--target 'label' names no array"),
        (("rate",), {}, "--target 'rate' names no array"),
        (("y",), {"input": "signal"}, "--input 'signal' names no array"),
        (("y",), {"ignore": ("x",)}, "--ignore is for columns"),
    ],
)
def test_what_is_missing_is_told_with_the_arrays_that_are_there(tmp_path, target, question, message):
    with pytest.raises(PareError, match=message):
        look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES, rate=50.0), *target, **question)


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
    x, y = open_parts(found.reader, found.options, path.parent)["all"].read(3, 9)
    np.testing.assert_array_equal(x[:, 0], values[3:9, 0])
    np.testing.assert_array_equal(y[:, 0], values[3:9, 5])


def test_two_axes_are_no_states_over_time(tmp_path):
    with pytest.raises(PareError, match="no array of numbers could be the input of y"):
        look(npz(tmp_path, y=np.ones((N, 5))), "y")
