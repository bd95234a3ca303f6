"""The FitzHugh–Nagumo simulator against ordinary differential equations, refinement and the publisher's layout."""

from itertools import pairwise

import h5py
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pare.paper.simulators.diffusion_reaction_2d import (
    pdebench_diffusion_reaction_2d_simulation,
    solve_fitzhugh_nagumo,
)

FILE = "2D_diff-react_NA_NA.h5"


def reaction(u, v):
    return np.stack([u - u**3 - 5e-3 - v, u - v])


def method_of_lines(initial, times):
    """(n, n, 2) -> (T, n, n, 2) by five-point differences and an adaptive solver of high order."""
    n = len(initial)
    diffusion = np.array([1e-3, 5e-3])[:, None, None]

    def derivative(t, state):
        w = state.reshape(2, n, n)
        p = np.pad(w, ((0, 0), (1, 1), (1, 1)), mode="edge")
        laplacian = p[:, 2:, 1:-1] + p[:, :-2, 1:-1] + p[:, 1:-1, 2:] + p[:, 1:-1, :-2] - 4 * w
        return (reaction(*w) + diffusion * laplacian * (n / 2) ** 2).ravel()

    start = np.moveaxis(initial, -1, 0).ravel()
    solution = solve_ivp(derivative, (times[0], times[-1]), start, "DOP853", times, rtol=1e-10, atol=1e-12)
    return solution.y.T.reshape(len(times), 2, n, n).transpose(0, 2, 3, 1)


def smooth_state(n):
    """A few cosine waves, which meet the boundary without flux, ``(1, n, n, 2)``."""
    x = (np.arange(n) + 0.5) * 2 / n - 1
    wave = np.cos(np.pi * (x[:, None] + 1)) * np.cos(np.pi / 2 * (x + 1))
    return np.stack([wave, 0.5 * np.cos(np.pi / 2 * (x[:, None] + 1)) + 0 * x], axis=-1)[None]


@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_noise_develops_as_by_an_adaptive_solver(precision):
    initial = np.random.default_rng(0).standard_normal((2, 24, 24, 2))
    times = np.linspace(0, 5, 101)
    fields = solve_fitzhugh_nagumo(initial.astype(precision), times)
    assert fields.dtype == precision
    for computed, start in zip(fields, initial, strict=True):
        expected = method_of_lines(start, times)
        distance = np.linalg.norm(computed - expected, axis=(1, 2)) / np.linalg.norm(expected, axis=(1, 2))
        assert distance.max() < 1e-4


def test_a_homogeneous_state_follows_the_reaction():
    times = np.linspace(0, 5, 21)
    fields = solve_fitzhugh_nagumo(np.full((1, 6, 6, 2), (0.8, -0.3)), times)[0]
    ode = solve_ivp(lambda t, y: reaction(*y), (0, 5), (0.8, -0.3), t_eval=times, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(fields, np.broadcast_to(ode.y.T[:, None, None], fields.shape), atol=1e-6)


def test_errors_fall_with_the_fourth_power_of_the_time_step():
    times = np.array([0.0, 1.0])
    exact = method_of_lines(smooth_state(16)[0], times)[-1]
    errors = [np.abs(solve_fitzhugh_nagumo(smooth_state(16), times, step)[0, -1] - exact).max() for step in (0.2, 0.1)]
    assert np.log2(errors[0] / errors[1]) > 3.7


def test_errors_fall_with_the_square_of_the_cell():
    states = []
    for n in (8, 16, 32, 64):
        fields = solve_fitzhugh_nagumo(smooth_state(n), np.array([0.0, 2.0]))[0, -1]
        states.append(fields.reshape(8, n // 8, 8, n // 8, 2).mean(axis=(1, 3)))
    steps = [np.abs(coarse - fine).max() for coarse, fine in pairwise(states)]
    assert (np.log2(np.divide(steps[:-1], steps[1:])) > 1.8).all()


def test_turning_the_initial_state_turns_the_solution():
    initial = np.random.default_rng(1).standard_normal((1, 10, 10, 2))
    times = np.linspace(0, 1, 3)
    turned = solve_fitzhugh_nagumo(np.rot90(initial, axes=(1, 2)), times)
    np.testing.assert_allclose(turned, np.rot90(solve_fitzhugh_nagumo(initial, times), axes=(2, 3)), atol=1e-10)


def simulate(folder, **options):
    assert pdebench_diffusion_reaction_2d_simulation(folder, **options) == {FILE: None}
    with h5py.File(folder / FILE) as file:
        return np.stack([group["data"][...] for group in file.values()])


def test_the_file_has_the_groups_shapes_and_coordinates_of_the_publisher(tmp_path):
    simulate(tmp_path, resolution=6, samples=3)
    with h5py.File(tmp_path / FILE) as file:
        assert sorted(file) == ["0000", "0001", "0002"]
        for group in file.values():
            assert group["data"].shape == (101, 6, 6, 2) and group["data"].dtype == np.float32
            np.testing.assert_allclose(group["grid/t"], np.arange(101) / 20, atol=1e-6)
            for axis in ("x", "y"):
                np.testing.assert_allclose(group[f"grid/{axis}"], (np.arange(6) + 0.5) / 3 - 1, atol=1e-6)


def test_fewer_stored_times_reach_as_far(tmp_path):
    assert simulate(tmp_path, resolution=6, samples=1, frames=6).shape == (1, 6, 6, 6, 2)
    with h5py.File(tmp_path / FILE) as file:
        np.testing.assert_allclose(file["0000/grid/t"], [0, 1, 2, 3, 4, 5], atol=1e-6)


def test_samples_begin_with_the_noise_of_the_publishers_generator(tmp_path):
    for number, sample in enumerate(simulate(tmp_path, resolution=5, samples=3)):
        rng = np.random.RandomState(number)
        for channel in range(2):
            np.testing.assert_allclose(sample[0, ..., channel], rng.randn(25).reshape(5, 5), rtol=1e-6)


def test_times_far_apart_are_some_of_those_close_by():
    initial = np.random.default_rng(2).standard_normal((2, 8, 8, 2))
    many, few = (solve_fitzhugh_nagumo(initial, np.linspace(0, 5, frames)) for frames in (101, 11))
    np.testing.assert_allclose(few, many[:, ::10], atol=1e-12)


def test_a_larger_dataset_begins_with_the_smaller_one_and_other_seeds_differ(tmp_path):
    few, many, other = (
        simulate(tmp_path, resolution=48, samples=count, seed=seed) for count, seed in ((3, 1), (16, 1), (3, 2))
    )
    np.testing.assert_array_equal(few, many[:3])
    assert not np.array_equal(few, other)
