"""The two layouts of PDEBench's files."""

import h5py
import numpy as np
import pytest

from pare.paper.simulators.pdebench_files import (
    at_cell_centres,
    cell_centres,
    fine_cell_centres,
    write_grouped,
    write_stacked,
    write_trajectories,
)


def test_variables_are_stacked_with_their_coordinates(tmp_path):
    values = np.random.default_rng(0).random((3, 4, 5))
    path = tmp_path / "file.hdf5"
    x, t = np.arange(5.0), np.arange(5) / 10
    samples = ({"density": v, "Vx": -v} for v in values)
    write_stacked(path, samples, 3, {"x-coordinate": x, "t-coordinate": t}, {"eta": 0.1})
    with h5py.File(path) as file:
        assert sorted(file) == ["Vx", "density", "t-coordinate", "x-coordinate"]
        assert {file[name].dtype for name in file} == {np.dtype("float32")}
        assert file.attrs["eta"] == 0.1
        np.testing.assert_array_equal(file["density"], values.astype(np.float32))
        np.testing.assert_array_equal(file["Vx"], -values.astype(np.float32))
        np.testing.assert_array_equal(file["t-coordinate"], t.astype(np.float32))


def test_trajectories_have_one_time_more_than_frames_as_the_publishers_have(tmp_path):
    samples, x = iter([{"tensor": np.ones((3, 2))}]), np.array([0.25, 0.75])
    assert write_trajectories(tmp_path / "f.hdf5", samples, 1, x, {"beta": 0.4}, frames=3) == {"f.hdf5": None}
    with h5py.File(tmp_path / "f.hdf5") as file:
        assert file["tensor"].shape == (1, 3, 2)
        np.testing.assert_allclose(file["t-coordinate"], [0, 0.01, 0.02, 0.03])
        np.testing.assert_array_equal(file["x-coordinate"], x)


@pytest.mark.parametrize("cells", [5, 5000])
def test_samples_are_grouped_and_a_repeated_one_is_stored_once(tmp_path, cells):
    values = np.random.default_rng(0).random((2, 7, cells, 1))
    path = tmp_path / "file.h5"
    write_grouped(path, [{"data": values[0]}, {"data": values[1]}, 0], {"x": np.arange(cells), "t": np.arange(7)})
    with h5py.File(path) as file:
        assert sorted(file) == ["0000", "0001", "0002"]
        for name, number in {"0000": 0, "0001": 1, "0002": 0}.items():
            np.testing.assert_array_equal(file[name]["data"], values[number].astype(np.float32))
            assert sorted(file[name]["grid"]) == ["t", "x"]
        assert file["0002/data"] == file["0000/data"]


@pytest.mark.parametrize("write", ["stacked", "grouped"])
def test_a_simulation_that_fails_leaves_no_file(tmp_path, write):
    def samples():
        yield {"data": np.zeros((2, 3, 1))}
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        if write == "stacked":
            write_stacked(tmp_path / "f", samples(), 2, {}, {})
        else:
            write_grouped(tmp_path / "f", samples(), {})
    assert not list(tmp_path.iterdir())


def test_cell_centres_lie_half_a_cell_inside():
    np.testing.assert_allclose(cell_centres(-1, 1, 4), [-0.75, -0.25, 0.25, 0.75])


def test_fine_cells_have_centres_at_those_of_the_wide_ones():
    np.testing.assert_allclose(at_cell_centres(fine_cell_centres(-1, 1, 4)), [-0.75, -0.25, 0.25, 0.75])
    assert at_cell_centres(np.zeros((2, 5, 12))).shape == (2, 5, 4)
