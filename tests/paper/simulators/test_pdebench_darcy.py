"""The Darcy simulator of PDEBench against a Fourier series, a direct solver and the publisher's layout."""

import h5py
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from pare.paper.simulators import pdebench_darcy
from pare.paper.simulators.pdebench_darcy import draw_coefficient, pdebench_darcy_simulation

FILE = "2D_DarcyFlow_beta0.1_Train.hdf5"


def simulate(folder, **options):
    pdebench_darcy_simulation(folder, **options)
    with h5py.File(folder / FILE) as file:
        return {name: file[name][...] for name in file}


def poisson(x, terms=101):
    """-∇²u = 0.1 on the unit square, u = 0 on the boundary, at the points x times x."""
    k = np.arange(1, terms, 2)
    weights = 16 * 0.1 / (np.pi**4 * k[:, None] * k * (k[:, None] ** 2 + k**2))
    sines = np.sin(np.pi * k[:, None] * x)
    return sines.T @ weights @ sines


def finite_volumes(a):
    """u at the centres of cells with constant coefficients, by a sparse direct solver."""
    n = len(a)
    matrix = sparse.lil_matrix((n * n, n * n))
    for i, j in np.ndindex(n, n):
        for di, dj in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            row, neighbour = i * n + j, (i + di, j + dj)
            if min(neighbour) >= 0 and max(neighbour) < n:
                flow = 2 / (1 / a[i, j] + 1 / a[neighbour]) * n**2
                matrix[row, neighbour[0] * n + neighbour[1]] = -flow
            else:
                flow = 2 * a[i, j] * n**2  # the boundary is half a cell away
            matrix[row, row] += flow
    return spsolve(matrix.tocsr(), np.full(n * n, 0.1)).reshape(n, n)


def test_the_file_has_the_names_shapes_and_coordinates_of_the_publisher(tmp_path):
    fields = simulate(tmp_path, resolution=8, samples=3)
    assert {name: (f.shape, f.dtype.name) for name, f in fields.items()} == {
        "nu": ((3, 8, 8), "float32"),
        "tensor": ((3, 1, 8, 8), "float32"),
        "x-coordinate": ((8,), "float32"),
        "y-coordinate": ((8,), "float32"),
    }
    np.testing.assert_allclose(fields["x-coordinate"], (np.arange(8) + 0.5) / 8)
    with h5py.File(tmp_path / FILE) as file:
        assert dict(file.attrs) == {"beta": 0.1}


def test_a_constant_coefficient_gives_the_fourier_series_at_the_centres_of_the_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(pdebench_darcy, "draw_coefficient", lambda x, rng: np.ones((len(x), len(x))))
    errors = []
    for n in (8, 16, 32):
        fields = simulate(tmp_path, resolution=n, samples=1)
        errors.append(np.abs(fields["tensor"][0, 0] - poisson(fields["x-coordinate"].astype(float))).max())
    assert errors[-1] < 2e-3 * poisson(np.array([0.5])).item()
    assert (np.log2(np.divide(errors[:-1], errors[1:])) > 1.9).all()


def test_the_pressure_nears_that_of_a_direct_solver_that_sees_only_the_stored_coefficients(tmp_path):
    errors = []
    for n in (16, 64):
        fields = simulate(tmp_path, resolution=n, samples=4)
        direct = np.stack([finite_volumes(a) for a in fields["nu"].astype(float)])
        errors.append(np.linalg.norm(fields["tensor"][:, 0] - direct) / np.linalg.norm(direct))
    assert errors[1] < 0.02 and errors[1] < errors[0] / 2


def test_coefficients_are_high_where_the_hills_exceed_their_mean():
    x = np.linspace(0.005, 0.995, 100)

    sums = []
    for seed in range(300):
        (cx, cy), s = (rng := np.random.default_rng(seed)).random((2, 5, 1)), 0.5 * rng.random((5, 1))
        hills = [np.exp(-((x[:, None] - cx[i, 0]) ** 2 + (x - cy[i, 0]) ** 2) / s[i, 0]) for i in range(5)]
        sums.append(np.sum(hills, axis=0))
        a = draw_coefficient(x, np.random.default_rng(seed))
        assert set(np.unique(a)) <= {0.1, 1.0}
        clear = np.abs(sums[-1] - 1.85) > 0.01
        np.testing.assert_array_equal(a[clear] == 1, sums[-1][clear] > 1.85)
    assert np.mean(sums) == pytest.approx(1.852, abs=0.06)  # three standard errors


def test_a_larger_dataset_begins_with_the_smaller_one_and_other_seeds_differ(tmp_path):
    few, many, other = (
        simulate(tmp_path, resolution=8, samples=count, seed=seed) for count, seed in ((2, 1), (5, 1), (2, 2))
    )
    for name in ("nu", "tensor"):
        np.testing.assert_array_equal(few[name], many[name][:2])
        assert not np.array_equal(few[name], other[name])
