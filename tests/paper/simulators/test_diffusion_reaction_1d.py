"""The splitting against its two exact halves, a time stepper, and its order."""

import h5py
import numpy as np
from scipy.integrate import solve_ivp

from pare.paper.simulators.diffusion_reaction_1d import (
    pdebench_diffusion_reaction_1d_simulation,
    solve_diffusion_reaction,
)

X = np.arange(64) / 64
SMOOTH = 0.5 + 0.3 * np.sin(2 * np.pi * X) + 0.1 * np.cos(4 * np.pi * X)


def test_a_homogeneous_state_grows_by_the_logistic_function():
    initial = np.array([[0.02], [0.5], [1.0]]) * np.ones(16)
    u = solve_diffusion_reaction(initial, 11, 0.1, length=1, nu=0.5, rho=2.0)
    t = 0.1 * np.arange(11)
    logistic = initial[:, :1] / (initial[:, :1] + (1 - initial[:, :1]) * np.exp(-2.0 * t))
    np.testing.assert_allclose(u, logistic[..., None] * np.ones(16), rtol=1e-12)


def test_without_reaction_waves_decay_as_heat_does():
    u = solve_diffusion_reaction(SMOOTH[None], 4, 0.01, length=1, nu=0.5, rho=0.0)
    t = 0.01 * np.arange(4)[:, None]
    decay = [np.exp(-0.5 * (2 * np.pi * k) ** 2 * t) for k in (1, 2)]
    exact = 0.5 + 0.3 * decay[0] * np.sin(2 * np.pi * X) + 0.1 * decay[1] * np.cos(4 * np.pi * X)
    np.testing.assert_allclose(u[0], exact, atol=1e-13)


def test_the_error_falls_with_the_square_of_the_time_step_towards_a_time_stepper():
    k = 2 * np.pi * np.fft.rfftfreq(64, 1 / 64)

    def rate(_, u):
        return np.fft.irfft(-0.05 * k**2 * np.fft.rfft(u)) + 3 * u * (1 - u)

    reference = solve_ivp(rate, (0, 0.5), SMOOTH, "LSODA", rtol=1e-11, atol=1e-12).y[:, -1]
    errors = []
    for steps in (1, 2, 4):
        u = solve_diffusion_reaction(SMOOTH[None], 6, 0.1, length=1, nu=0.05, rho=3.0, steps=steps)
        errors.append(np.abs(u[0, -1] - reference).max())
    assert (np.log2(np.divide(errors[:-1], errors[1:])) > 1.9).all()
    assert errors[-1] < 1e-4


def test_twice_as_many_steps_change_the_published_case_by_less_than_3e_6(tmp_path):
    pdebench_diffusion_reaction_1d_simulation(tmp_path, resolution=64, samples=20)
    with h5py.File(tmp_path / "ReacDiff_Nu0.5_Rho1.0.hdf5") as file:
        u = file["tensor"][:, :30]
    initial = np.repeat(u[:, 0], 3, axis=1)  # rough on purpose
    coarse, fine = (
        solve_diffusion_reaction(initial, 30, 0.01, length=1, nu=0.5, rho=1.0, steps=s)[:, -1] for s in (4, 8)
    )
    assert np.abs(coarse - fine).max() < 3e-6


def test_the_file_has_the_publishers_layout(tmp_path):
    name = "ReacDiff_Nu0.5_Rho1.0.hdf5"
    assert pdebench_diffusion_reaction_1d_simulation(tmp_path, resolution=64, samples=5) == {name: None}
    with h5py.File(tmp_path / name) as file:
        u = file["tensor"][:]
        assert u.shape == (5, 101, 64) and u.dtype == np.float32
        assert u.min() > -1e-4 and u.max() < 1 + 1e-4
        # Diffusion levels the state long before t = 1, while reaction goes on.
        assert np.ptp(u[:, -1], axis=1).max() < 1e-3
        assert (u[:, -1].mean(axis=1) > u[:, 0].mean(axis=1)).all()
        np.testing.assert_allclose(file["x-coordinate"], (np.arange(64) + 0.5) / 64)
        assert file["t-coordinate"].shape == (102,)
        assert (file.attrs["Nu"], file.attrs["rho"]) == (0.5, 1.0)
