"""The sorption solver against the balance of substance, self-similarity, grid refinement and another scheme."""

import h5py
import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp

from pare.paper.simulators.diffusion_sorption import (
    boundary_fluxes,
    isotherm,
    pdebench_diffusion_sorption_simulation,
    solve_diffusion_sorption,
)

INITIAL = np.array([0.001, 0.07, 0.19])


def retardation(u):
    """As the paper prints it."""
    return 1 + (1 - 0.29) / 0.29 * 2880 * 3.5e-4 * 0.874 * u ** (0.874 - 1)


def test_the_isotherm_has_the_papers_retardation_factor_as_its_derivative():
    u = np.linspace(0.01, 1, 50)
    total, factor = isotherm(u)
    np.testing.assert_allclose(factor, retardation(u), rtol=1e-4)
    np.testing.assert_allclose(np.gradient(total, u)[1:-1], factor[1:-1], rtol=0.02)


def test_what_flows_in_and_does_not_flow_out_stays_inside():
    u = solve_diffusion_sorption(INITIAL, 64, frames=201, frame_step=0.5)[:, 100:]
    inflow, out = boundary_fluxes(u)
    gained = isotherm(u[:, -1])[0].mean(axis=1) - isotherm(u[:, 0])[0].mean(axis=1)
    np.testing.assert_allclose(gained, simpson(inflow - out, dx=0.5), rtol=1e-5)


def test_the_layer_at_the_left_grows_with_the_square_root_of_time():
    u = solve_diffusion_sorption(INITIAL, 512, frames=33, frame_step=2.5)  # t = 20 and 80; the layer is thin still
    x = (np.arange(512) + 0.5) / 512
    for early, late in zip(u[:, 8], u[:, 32], strict=True):
        inside = x < 0.25  # substance leaves at the right, whose layer must not be met
        np.testing.assert_allclose(np.interp(2 * x[inside], x, late), early[inside], atol=2e-4)


def test_the_error_falls_with_the_square_of_the_cell():
    last = {n: solve_diffusion_sorption(INITIAL, n, steps=12)[:, -1] for n in (32, 64, 256)}
    errors = [np.abs(last[n] - last[256].reshape(3, n, -1).mean(axis=2)).max() for n in (32, 64)]
    assert np.log2(errors[0] / errors[1]) > 1.7
    assert errors[1] < 5e-4


def test_steps_in_time_leave_less_error_than_the_published_grid_does():
    few, many = (solve_diffusion_sorption(INITIAL, 64, steps=s)[:, -1] for s in (12, 48))
    assert np.abs(few - many).max() < 1e-5


def test_the_solution_is_that_of_the_publishers_scheme():
    """Finite differences for u itself, boundary values half a cell outside, an explicit integrator's tolerance."""
    n = 128

    def rate(_, u):
        right = 5e-4 * (u[-2] - u[-1]) * n
        padded = np.concatenate([[1.0], u, [right]])
        return 5e-4 / retardation(u + 1e-6) * np.diff(padded, 2) * n**2

    theirs = solve_ivp(rate, (0, 500), np.full(n, 0.07), "LSODA", rtol=1e-6, atol=1e-8, lband=1, uband=1).y[:, -1]
    ours = solve_diffusion_sorption(np.array([0.07]), n)[0, -1]
    # Their boundary lies half a cell further out, and the profile is steepest there.
    assert np.abs(theirs - ours).max() < 0.5 / n * np.abs(np.gradient(ours)).max() * n * 1.2


def test_concentrations_stay_between_the_initial_and_the_boundary_value():
    u = solve_diffusion_sorption(np.array([0.0, 0.2]), 64)
    assert u.min() >= 0 and u.max() <= 1
    assert (np.diff(u[:, :, :16], axis=1) > -1e-12).all()  # near the source it only rises


def test_the_file_has_the_publishers_layout_and_its_initial_values(tmp_path):
    assert pdebench_diffusion_sorption_simulation(tmp_path, resolution=32, samples=3) == {"1D_diff-sorp_NA_NA.h5": None}
    with h5py.File(tmp_path / "1D_diff-sorp_NA_NA.h5") as file:
        assert sorted(file) == ["0000", "0001", "0002"]
        for number in range(3):
            group = file[f"{number:04d}"]
            assert group["data"].shape == (101, 32, 1) and group["data"].dtype == np.float32
            assert group["data"][0, 5, 0] == np.float32(np.random.RandomState(number).uniform(0, 0.2))
            assert np.ptp(group["data"][0]) == 0
            np.testing.assert_array_equal(group["grid/t"], np.arange(0, 501, 5))
            np.testing.assert_allclose(group["grid/x"], (np.arange(32) + 0.5) / 32)


@pytest.mark.parametrize("batch", [1, 3])
def test_samples_do_not_depend_on_the_others_of_their_batch(batch):
    u = solve_diffusion_sorption(INITIAL[:batch], 32, frames=5)
    np.testing.assert_allclose(u[0], solve_diffusion_sorption(INITIAL[:1], 32, frames=5)[0], rtol=1e-9)
