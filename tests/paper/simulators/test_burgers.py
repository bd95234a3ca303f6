"""The Cole–Hopf solver against a time stepper and the symmetries of the equation."""

import h5py
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pare.paper.simulators.burgers import pdebench_burgers_simulation, solve_burgers

LENGTH, VISCOSITY = 2.0, 0.1
X = LENGTH * np.arange(128) / 128


def smooth_state(x):
    return 0.4 + np.sin(np.pi * x) - 0.5 * np.cos(3 * np.pi * x + 0.3)


def time_stepped(u0, times):
    """Fourth-order central differences and a stiff integrator."""
    dx = LENGTH / len(u0)

    def rate(_, u):
        a, b, c, d = (np.roll(u, k) for k in (2, 1, -1, -2))
        flux = [v**2 / 2 for v in (a, b, c, d)]
        u_xx = (-a + 16 * b - 30 * u + 16 * c - d) / (12 * dx**2)
        return VISCOSITY * u_xx - (flux[0] - 8 * flux[1] + 8 * flux[2] - flux[3]) / (12 * dx)

    return solve_ivp(rate, (0, times[-1]), u0, "LSODA", t_eval=times, rtol=1e-8, atol=1e-9).y.T


def test_the_solution_is_that_of_a_time_stepper():
    times = np.array([0, 0.05, 0.3, 1.0])
    u = solve_burgers(smooth_state(X), times, LENGTH, VISCOSITY)
    np.testing.assert_allclose(u, time_stepped(smooth_state(X), times), atol=3e-4)
    np.testing.assert_allclose(u[0], smooth_state(X), atol=1e-12)


def test_a_small_wave_decays_as_heat_does():
    u = solve_burgers(1e-6 * np.sin(np.pi * X), np.array([2.0]), LENGTH, VISCOSITY)
    np.testing.assert_allclose(u[0], 1e-6 * np.sin(np.pi * X) * np.exp(-VISCOSITY * np.pi**2 * 2), atol=1e-11)


def test_a_faster_frame_moves_the_solution_along():
    times, speed = np.array([0.25]), 24 / 128 * LENGTH / 0.25  # 24 cells in that time
    still = solve_burgers(smooth_state(X), times, LENGTH, VISCOSITY)
    moving = solve_burgers(smooth_state(X) + speed, times, LENGTH, VISCOSITY)
    np.testing.assert_allclose(moving, np.roll(still, 24, axis=1) + speed, atol=1e-10)


@pytest.mark.parametrize("points", [128, 129])
def test_the_mean_stays_whether_points_are_even_or_odd(points):
    u = solve_burgers(smooth_state(LENGTH * np.arange(points) / points), np.linspace(0, 2, 5), LENGTH, VISCOSITY)
    np.testing.assert_allclose(u.mean(axis=1), u[0].mean(), atol=1e-12)


def test_a_viscosity_that_would_cost_all_digits_is_refused():
    with pytest.raises(ValueError, match="expected at most 25"):
        solve_burgers(smooth_state(X), np.array([1.0]), LENGTH, 0.005)


def test_the_file_has_the_publishers_layout_and_obeys_the_equation(tmp_path):
    assert pdebench_burgers_simulation(tmp_path, resolution=256, samples=3) == {"1D_Burgers_Sols_Nu1.0.hdf5": None}
    with h5py.File(tmp_path / "1D_Burgers_Sols_Nu1.0.hdf5") as file:
        u = file["tensor"][:].astype(float)
        assert u.shape == (3, 201, 256) and file["tensor"].dtype == np.float32
        assert file["x-coordinate"][0] == -1 + 1 / 256 and file["t-coordinate"].shape == (202,)
        assert file.attrs["Nu"] == 1.0
    dx = 2 / 256
    later = u[:, 11:19]
    u_t = (u[:, 12:20] - u[:, 10:18]) / 0.02
    u_x = (np.roll(later, -1, 2) - np.roll(later, 1, 2)) / (2 * dx)
    u_xx = (np.roll(later, -1, 2) - 2 * later + np.roll(later, 1, 2)) / dx**2
    assert np.abs(u_t + later * u_x - u_xx / np.pi).max() < 0.01 * np.abs(u_t).max()
