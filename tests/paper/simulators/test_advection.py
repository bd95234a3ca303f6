"""Advection: every state is the first one, moved."""

import h5py
import numpy as np
import pytest

from pare.paper.simulators.advection import pdebench_advection_simulation

NAME = "1D_Advection_Sols_beta0.4.hdf5"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("advection")
    assert pdebench_advection_simulation(folder, resolution=1000, samples=12) == {NAME: None}
    with h5py.File(folder / NAME) as opened:
        yield opened


def test_the_file_has_the_publishers_layout(file):
    assert file["tensor"].shape == (12, 201, 1000) and file["tensor"].dtype == np.float32
    np.testing.assert_allclose(file["x-coordinate"], np.arange(0.0005, 1, 0.001), rtol=1e-5)
    np.testing.assert_allclose(file["t-coordinate"], np.arange(202) * 0.01, rtol=1e-6)
    assert file.attrs["beta"] == 0.4


@pytest.mark.parametrize("frame", [1, 77, 200])
def test_a_state_is_the_first_one_moved_by_0_4_times_the_time(file, frame):
    # 0.4 · 0.01 is 4 cells of 0.001.
    np.testing.assert_allclose(file["tensor"][:, frame], np.roll(file["tensor"][:, 0], 4 * frame, axis=1), atol=2e-6)


def test_samples_depend_on_seed_and_number_alone(file, tmp_path):
    pdebench_advection_simulation(tmp_path / "few", resolution=1000, samples=2)
    pdebench_advection_simulation(tmp_path / "other", resolution=1000, samples=2, seed=1)
    with h5py.File(tmp_path / "few" / NAME) as few, h5py.File(tmp_path / "other" / NAME) as other:
        np.testing.assert_array_equal(few["tensor"], file["tensor"][:2])
        assert not np.array_equal(other["tensor"][0], few["tensor"][0])
