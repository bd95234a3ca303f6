"""The Darcy simulator against manufactured solutions, a direct solver and the laws of the equation."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from pare.paper.simulators.darcy_flow import darcy_flow_simulation, draw_coefficient, simulate_fields, solve_darcy


def manufactured_error(n):
    """Largest error for u = sin(pi x) sin(2 pi y), a = 1 + x y / 2, whose forcing follows by hand."""
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
    s, c, pi = np.sin, np.cos, np.pi
    u = s(pi * x) * s(2 * pi * y)
    u_x, u_y = pi * c(pi * x) * s(2 * pi * y), 2 * pi * s(pi * x) * c(2 * pi * y)
    a = 1 + x * y / 2
    forcing = -(y / 2 * u_x + x / 2 * u_y + a * (-5 * pi**2 * u))
    return np.abs(solve_darcy(a, forcing, tolerance=1e-11) - u).max()


def test_the_error_falls_with_the_square_of_the_grid_step():
    errors = [manufactured_error(n) for n in (17, 33, 65)]
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (rates > 1.9).all()


def test_the_solution_is_that_of_a_direct_sparse_solver():
    n = 12
    a = draw_coefficient(n, np.random.default_rng(3))
    matrix = sparse.lil_matrix(((n - 2) ** 2, (n - 2) ** 2))
    number = {node: k for k, node in enumerate((i, j) for i in range(1, n - 1) for j in range(1, n - 1))}
    for (i, j), k in number.items():
        for neighbour in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            weight = (a[i, j] + a[neighbour]) / 2 * (n - 1) ** 2
            matrix[k, k] += weight
            if neighbour in number:
                matrix[k, number[neighbour]] = -weight
    direct = spsolve(matrix.tocsr(), np.ones(len(number))).reshape(n - 2, n - 2)
    np.testing.assert_allclose(solve_darcy(a, tolerance=1e-12)[1:-1, 1:-1], direct, rtol=1e-9)


def test_solutions_are_zero_on_the_boundary_positive_inside_and_bounded_by_the_least_coefficient():
    for field in simulate_fields(33, 4, seed=0, part=0):
        u = field["sol"]
        assert not np.concatenate([u[0], u[-1], u[:, 0], u[:, -1]]).any()
        # A strip of width 1 with the least conductivity, 3, would reach 1 / (8 * 3).
        assert u[1:-1, 1:-1].min() > 0 and u.max() < 1 / 24


def test_transposing_the_coefficient_transposes_the_solution():
    a = draw_coefficient(21, np.random.default_rng(1))
    np.testing.assert_allclose(solve_darcy(a.T), solve_darcy(a).T, atol=1e-10)


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_units_do_not_matter(scale):
    a = draw_coefficient(21, np.random.default_rng(1))
    np.testing.assert_allclose(solve_darcy(a * scale, 1 / scale) * scale**2, solve_darcy(a), rtol=1e-6)


def test_coefficients_are_3_and_12_about_half_each():
    fields = np.stack([draw_coefficient(33, np.random.default_rng(i)) for i in range(50)])
    assert set(np.unique(fields)) == {3.0, 12.0}
    assert 0.4 < (fields == 12).mean() < 0.6


def test_a_field_depends_on_seed_part_and_its_number_alone():
    one = [f["sol"] for f in simulate_fields(17, 3, seed=5, part=0, workers=1)]
    many = [f["sol"] for f in simulate_fields(17, 70, seed=5, part=0, workers=2)]
    np.testing.assert_array_equal(one, many[:3])
    for seed, part in ((6, 0), (5, 1)):
        other = next(simulate_fields(17, 1, seed=seed, part=part))["sol"]
        assert not np.array_equal(one[0], other)


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        darcy_flow_simulation(tmp_path / name, resolution=9, train=3, test=2, seed=4)
    for file in ("piececonst_r9_N3_smooth1.mat", "piececonst_r9_N2_smooth2.mat"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("a", [np.ones((3, 4)), np.ones((2, 2)), np.zeros((5, 5)), np.full((5, 5), np.nan)])
def test_a_coefficient_that_makes_no_equation_is_refused(a):
    with pytest.raises(ValueError, match="expected"):
        solve_darcy(a)
