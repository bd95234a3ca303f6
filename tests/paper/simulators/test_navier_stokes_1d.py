"""The flow solver against an exact Riemann solution, a damped sound wave, a spectral method and the balances."""

import h5py
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from pare.paper.simulators.navier_stokes_1d import (
    GAMMA,
    draw_flow,
    pdebench_navier_stokes_1d_simulation,
    solve_navier_stokes,
)
from pare.paper.simulators.parallel import random_generator
from pare.paper.simulators.pdebench_files import cell_centres

VISCOSITY = 4 / 3 * 0.1 + 0.1


def riemann_solution(left, right, speed):
    """Exact solution at x / t = speed of a shock tube whose left wave is a rarefaction and whose right is a shock."""
    (rho_l, u_l, p_l), (rho_r, u_r, p_r) = left, right
    c_l, c_r = np.sqrt(GAMMA * p_l / rho_l), np.sqrt(GAMMA * p_r / rho_r)
    g = (GAMMA - 1) / (GAMMA + 1)

    def behind_rarefaction(p):
        return u_l + 2 * c_l / (GAMMA - 1) * (1 - (p / p_l) ** ((GAMMA - 1) / (2 * GAMMA)))

    def behind_shock(p):
        return u_r + (p - p_r) * np.sqrt(2 / ((GAMMA + 1) * rho_r) / (p + g * p_r))

    p = brentq(lambda p: behind_rarefaction(p) - behind_shock(p), p_r, p_l)
    u = behind_shock(p)
    rho_left = rho_l * (p / p_l) ** (1 / GAMMA)
    rho_right = rho_r * (p / p_r + g) / (g * p / p_r + 1)
    shock = u_r + c_r * np.sqrt((GAMMA + 1) / (2 * GAMMA) * p / p_r + (GAMMA - 1) / (2 * GAMMA))
    tail = u - c_l * (p / p_l) ** ((GAMMA - 1) / (2 * GAMMA))
    fan = 2 / (GAMMA + 1) + g / c_l * (u_l - speed)  # sound speed in the fan by c_l
    fan_state = rho_l * fan ** (2 / (GAMMA - 1)), speed + c_l * fan, p_l * fan ** (2 * GAMMA / (GAMMA - 1))
    regions = [speed < u_l - c_l, speed < tail, speed < u, speed < shock]
    choices = [left, None, (rho_left, u, p), (rho_right, u, p)]
    return np.stack(
        [
            np.select(regions, [fan_state[i] if c is None else np.full_like(speed, c[i]) for c in choices], right[i])
            for i in range(3)
        ]
    )


def test_sods_shock_tube_converges_to_the_exact_solution():
    left, right, t = (1.0, 0.0, 1.0), (0.125, 0.0, 0.1), 0.2
    errors = []
    for cells in (200, 800):
        x = cell_centres(-1, 1, cells)
        inside = np.abs(x) < 0.5  # the other end of the tube is far from x = 0.5
        initial = np.where(inside, np.array(left)[:, None], np.array(right)[:, None])[:, None]
        flow = solve_navier_stokes(initial, 2, t, length=2, viscosity=0.0)[:, 0, 1]
        half = x > 0
        exact = riemann_solution(left, right, (x[half] - 0.5) / t)
        errors.append(np.abs(flow[:, half] - exact).mean(axis=1))
    assert errors[0].max() < 0.01
    assert (errors[1] < 0.4 * errors[0]).all()  # first order at the jumps, a quarter


def test_a_sound_wave_runs_with_the_speed_of_sound_and_is_damped_by_the_stress():
    cells, k, amplitude = 256, np.pi, 1e-5
    rho0, p0, drift = 2.0, 3.0, 0.5
    x, times = cell_centres(-1, 1, cells), 0.05 * np.arange(11)
    sound, damping = np.sqrt(GAMMA * p0 / rho0), VISCOSITY * k**2 / 2
    frequency = np.sqrt((sound * k) ** 2 - damping**2)
    # ρ' = Re exp(i k x + s t), and from the balance of mass v' = (i s / k) ρ' / ρ0.
    s = -damping - 1j * frequency
    wave = amplitude * np.exp(1j * k * x)
    initial = np.stack([rho0 + wave.real, drift + (1j * s / k * wave / rho0).real, p0 + sound**2 * wave.real])
    flow = solve_navier_stokes(initial[:, None], 11, 0.05, length=2, viscosity=VISCOSITY)[:, 0]
    exact = amplitude * np.exp(1j * k * (x - drift * times[:, None]) + s * times[:, None])
    assert np.abs(flow[0] - rho0 - exact.real).max() < 0.01 * amplitude
    assert np.abs(flow[1] - drift - (1j * s / k * exact / rho0).real).max() < 0.01 * amplitude * sound / rho0


def spectral_flow(initial, time):
    """The equations for density, velocity and pressure, by Fourier's derivatives and a tight integrator."""
    n = initial.shape[1]
    k = 1j * np.pi * np.fft.rfftfreq(n, 1 / n)

    def d(f):
        return np.fft.irfft(k * np.fft.rfft(f), n)

    def rate(_, state):
        rho, v, p = state.reshape(3, n)
        stress = VISCOSITY * rho * d(v)
        heat = (GAMMA - 1) * stress * d(v)
        return np.concatenate([-d(rho * v), -v * d(v) + (d(stress) - d(p)) / rho, -v * d(p) - GAMMA * p * d(v) + heat])

    return solve_ivp(rate, (0, time), initial.ravel(), "LSODA", rtol=1e-9, atol=1e-9).y[:, -1].reshape(3, n)


def smooth_flow(x):
    return np.stack([2 + 0.5 * np.sin(np.pi * x), 0.6 * np.cos(np.pi * x) + 0.2, 4 + np.sin(2 * np.pi * x + 0.5)])


def test_smooth_flow_converges_in_second_order_to_a_spectral_method():
    time, points = 0.2, 64
    reference = spectral_flow(smooth_flow(np.arange(points) / points * 2 - 1), time)
    modes = np.fft.rfft(reference) / points
    errors = []
    for cells in (64, 128, 256):
        x = cell_centres(-1, 1, cells)
        phases = np.exp(1j * np.pi * np.arange(points // 2)[:, None] * (x + 1))
        exact = 2 * (modes[:, : points // 2] @ phases).real - modes[:, :1].real
        flow = solve_navier_stokes(smooth_flow(x)[:, None], 2, time, length=2, viscosity=VISCOSITY)[:, 0, 1]
        errors.append(np.abs(flow - exact).mean())
    assert (np.log2(np.divide(errors[:-1], errors[1:])) > 1.6).all()
    assert errors[-1] < 5e-4


@pytest.mark.parametrize("viscosity", [0.0, VISCOSITY])
def test_mass_momentum_and_energy_are_kept(viscosity):
    x = cell_centres(-1, 1, 64)
    initial = np.stack([draw_flow(random_generator(1, i), x) for i in range(4)], axis=1)
    density, velocity, pressure = solve_navier_stokes(initial, 6, 0.01, length=2, viscosity=viscosity)
    for amount in (density, density * velocity, pressure / (GAMMA - 1) + 0.5 * density * velocity**2):
        totals = amount.sum(axis=-1)
        np.testing.assert_allclose(totals, np.broadcast_to(totals[:, :1], totals.shape), rtol=1e-12, atol=1e-10)


def test_a_contact_of_two_densities_only_moves():
    x = cell_centres(-1, 1, 128)
    initial = np.stack([np.where(np.abs(x) < 0.5, 8.0, 1.0), np.full(128, 0.7), np.full(128, 5.0)])[:, None]
    density, velocity, pressure = solve_navier_stokes(initial, 2, 0.3, length=2, viscosity=VISCOSITY)[:, 0, 1]
    np.testing.assert_allclose(velocity, 0.7, rtol=1e-10)
    np.testing.assert_allclose(pressure, 5.0, rtol=1e-10)
    centre = (density - 1) @ x / (density - 1).sum()
    np.testing.assert_allclose(centre, 0.7 * 0.3, atol=1e-3)


def test_the_mirror_image_of_a_flow_stays_one():
    x = cell_centres(-1, 1, 64)
    initial = draw_flow(random_generator(0, 3), x)
    mirrored = initial[:, ::-1] * np.array([1, -1, 1])[:, None]
    flow = solve_navier_stokes(np.stack([initial, mirrored], axis=1), 3, 0.02, length=2, viscosity=VISCOSITY)
    np.testing.assert_allclose(flow[:, 1, :, ::-1] * np.array([1, -1, 1])[:, None, None], flow[:, 0], rtol=1e-9)


def test_a_flow_that_tears_apart_is_an_error():
    x = cell_centres(-1, 1, 32)
    initial = np.stack([np.ones(32), np.where(x > 0, 100.0, -100.0), np.full(32, 1e-3)])[:, None]
    with pytest.raises(ArithmeticError, match="is not positive"):
        solve_navier_stokes(initial, 2, 0.1, length=2, viscosity=0.0)


def test_initial_states_follow_their_law():
    x = cell_centres(-1, 1, 128)
    density, velocity, pressure = np.stack([draw_flow(random_generator(0, i), x) for i in range(300)], axis=1)
    for values, unit in ((density, 1), (pressure, 10)):
        least, span = values.min(axis=1) / unit, np.ptp(values, axis=1) / unit
        for drawn in (least, span):
            assert drawn.min() >= 1 and drawn.max() <= 10
            assert abs(np.log10(drawn).mean() - 0.5) < 0.06  # log-uniform
    assert 0.4 < (np.abs(velocity[:, [0, -1]]).max(axis=1) < 1e-3).mean() < 0.65


def test_the_file_has_the_publishers_layout_and_samples_of_their_own(tmp_path):
    name = "1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5"
    for folder, samples in (("one", 1), ("more", 3)):
        assert pdebench_navier_stokes_1d_simulation(tmp_path / folder, resolution=32, samples=samples) == {name: None}
    with h5py.File(tmp_path / "one" / name) as one, h5py.File(tmp_path / "more" / name) as more:
        assert sorted(more) == ["Vx", "density", "pressure", "t-coordinate", "x-coordinate"]
        for variable in ("density", "pressure", "Vx"):
            assert more[variable].shape == (3, 101, 32) and more[variable].dtype == np.float32
            np.testing.assert_allclose(one[variable][0], more[variable][0], rtol=1e-5, atol=1e-6)
        assert more["t-coordinate"].shape == (102,) and more["x-coordinate"][0] == -1 + 1 / 32
        assert dict(more.attrs) == {"eta": 0.1, "zeta": 0.1}
