"""Readers on good files and on what users really have: missing, wrong and damaged ones."""

import numpy as np
import pytest
import scipy.io

from pare.config.errors import PareError
from pare.paper.readers.darcy import darcy_mat
from pare.paper.simulators.darcy_flow import darcy_flow_simulation, simulate_fields


def savemat(folder, coeff, sol, part=1):
    scipy.io.savemat(folder / f"piececonst_r{coeff.shape[-1]}_N9_smooth{part}.mat", {"coeff": coeff, "sol": sol})


@pytest.fixture
def darcy(tmp_path):
    darcy_flow_simulation(tmp_path, resolution=21, train=4, test=2)
    return tmp_path


def test_darcy_rows_are_the_simulated_fields_thinned(darcy):
    parts = darcy_mat(darcy, stride=5)
    assert {name: part.count for name, part in parts.items()} == {"train": 4, "test": 2}
    x, y = parts["train"].read(1, 4)
    assert x.shape == y.shape == (3, 1, 5, 5) and x.dtype == y.dtype == np.float32
    for i, field in enumerate(list(simulate_fields(21, 4, seed=0, part=0))[1:]):
        np.testing.assert_array_equal(x[i, 0], field["coeff"][::5, ::5])
        np.testing.assert_allclose(y[i, 0], field["sol"][::5, ::5], rtol=1e-6)


def test_darcy_of_the_publishers_older_format_gives_the_same_samples(darcy, tmp_path_factory):
    old = tmp_path_factory.mktemp("old")
    for part in (0, 1):
        fields = list(simulate_fields(21, 2, seed=0, part=part))
        savemat(old, *(np.stack([f[name] for f in fields]) for name in ("coeff", "sol")), part=part + 1)
    for part in ("train", "test"):
        for a, b in zip(darcy_mat(darcy, train_rows=2)[part].read(0, 2), darcy_mat(old)[part].read(0, 2), strict=True):
            np.testing.assert_array_equal(a, b)


def test_darcy_takes_the_first_rows(darcy):
    assert darcy_mat(darcy, train_rows=3, test_rows=1)["train"].count == 3


@pytest.mark.parametrize(
    "options, message",
    [
        ({"train_rows": 5}, "has 4 rows, the task asks for 5"),
        ({"stride": 3}, "21 grid points cannot be thinned by stride 3, which must divide 20"),
    ],
)
def test_darcy_refuses_options_that_the_file_cannot_serve(darcy, options, message):
    with pytest.raises(PareError, match=message):
        darcy_mat(darcy, **options)


def test_darcy_without_its_files_says_what_to_run(tmp_path):
    with pytest.raises(PareError, match=r"no file piececonst_r\*_smooth1.mat .*kedro run --pipelines=ingest"):
        darcy_mat(tmp_path)


def test_darcy_does_not_guess_between_two_files(darcy):
    darcy_flow_simulation(darcy, resolution=21, train=2, test=2)
    with pytest.raises(PareError, match="keep one"):
        darcy_mat(darcy)


@pytest.mark.parametrize("shape", [((2, 6, 11), (2, 6, 11)), ((2, 6, 6), (2, 11, 11)), ((6, 6), (6, 6))])
def test_darcy_refuses_other_grids(tmp_path, shape):
    savemat(tmp_path, np.ones(shape[0]), np.ones(shape[1]))
    with pytest.raises(PareError, match=r"expected the same \(samples, n, n\)"):
        darcy_mat(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_darcy_names_file_variable_and_row_of_a_value_that_is_not_finite(tmp_path, value):
    sol = np.ones((4, 6, 6))
    sol[2, 5, 5] = value
    for part in (1, 2):
        savemat(tmp_path, np.ones((4, 6, 6)), sol, part)
    train = darcy_mat(tmp_path)["train"]
    train.read(0, 2)
    with pytest.raises(PareError, match=r"smooth1.mat: sol is not finite in row 3"):
        train.read(1, 4)


def test_a_file_without_a_variable_says_what_it_holds(tmp_path):
    for part in (1, 2):
        scipy.io.savemat(tmp_path / f"piececonst_r5_smooth{part}.mat", {"coeff": np.ones((2, 6, 6))})
    with pytest.raises(PareError, match=r"variable 'sol' is unknown\. Known: coeff"):
        darcy_mat(tmp_path)
