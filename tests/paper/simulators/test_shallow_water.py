"""The shallow water simulator against exact solutions, conservation, symmetry and a solver in one dimension."""

import h5py
import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.optimize import brentq

from pare.paper.simulators.shallow_water import dam_break, pdebench_shallow_water_simulation, solve_shallow_water


def stoker(x, t, left=2.0, right=1.0):
    """Height after a plane dam at x = 0 broke, gravity 1 (Stoker, 1957)."""
    c_l = np.sqrt(left)

    def velocities(h):
        return 2 * (c_l - np.sqrt(h)), (h - right) * np.sqrt((1 / h + 1 / right) / 2)

    middle = brentq(lambda h: np.subtract(*velocities(h)), right, left)
    u = velocities(middle)[0]
    shock = middle * u / (middle - right)
    fan = ((2 * c_l - x / t) / 3) ** 2
    return np.select([x < -c_l * t, x < (u - np.sqrt(middle)) * t, x < shock * t], [left, fan, middle], right)


def radial_heights(r, radius, time):
    """Height after a column broke, by first-order finite volumes in the radius (Rusanov's flux)."""
    cells, width = 3000, 2.5
    step = width / cells
    centre = (np.arange(cells) + 0.5) * step
    h, m, t = np.where(centre <= radius, 2.0, 1.0), np.zeros(cells), 0.0
    while t < time:
        speed = (np.abs(m / h) + np.sqrt(h)).max()
        dt = min(0.8 * step / speed, time - t)
        state = np.stack([np.r_[h[0], h, h[-1]], np.r_[-m[0], m, m[-1]]])
        flux = np.stack([state[1], state[1] ** 2 / state[0] + state[0] ** 2 / 2])
        faces = (flux[:, 1:] + flux[:, :-1] - speed * np.diff(state)) / 2
        source = np.stack([m, m**2 / h]) / centre
        h, m = np.stack([h, m]) - dt * (np.diff(faces) / step + source)
        t += dt
    return np.interp(r, centre, h)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_plane_dam_breaks_as_in_stokers_solution_and_errors_fall_with_the_cell(axis):
    errors = []
    for n in (40, 80):
        x = (np.arange(n) + 0.5) * 4 / n - 2
        plane = np.tile(np.where(x < 0, 2.0, 1.0), (n, 1))
        h = solve_shallow_water(plane.T if axis == 0 else plane, 4.0, [0.0, 1.0])[-1]
        across = np.ptp(h, axis=1 - axis)
        assert across.max() < 1e-12
        errors.append(np.abs(h.take(0, 1 - axis) - stoker(x, 1.0)).mean())
    assert errors[1] < 0.01 and errors[0] / errors[1] > 1.7


def test_a_smooth_hill_converges_with_second_order():
    solutions = []
    for n in (16, 32, 96):
        x = (np.arange(n) + 0.5) / n
        hill = 1 + 0.1 * np.exp(-8 * (x[:, None] ** 2 + x**2))
        h = solve_shallow_water(hill, 1.0, [0.0, 0.2])[-1]
        solutions.append(h.reshape(16, n // 16, 16, n // 16).mean(axis=(1, 3)))
    errors = [np.abs(h - solutions[-1]).mean() for h in solutions[:-1]]
    assert (np.log2(np.divide(errors[:-1], errors[1:])) > 1.7).all()


def test_still_water_stays_still():
    np.testing.assert_array_equal(solve_shallow_water(np.full((8, 8), 1.3), 1.0, [0.0, 0.5, 1.0]), 1.3)


def test_the_volume_is_conserved():
    h = dam_break(64, 0.7).astype(np.float64)
    np.testing.assert_allclose(h.mean(axis=(1, 2, 3)), h[0].mean(), rtol=1e-7)


def test_one_quadrant_and_its_mirror_images_are_the_whole_square():
    x = (np.arange(32) + 0.5) * 5 / 32 - 2.5
    whole = np.where(np.hypot(x[:, None], x) <= 0.6, 2.0, 1.0)
    # The walls of this square are too far away to matter.
    h = solve_shallow_water(whole, 5.0, np.linspace(0, 1, 101))
    np.testing.assert_allclose(dam_break(32, 0.6)[..., 0], h, atol=1e-6)


def test_the_wave_is_round_and_that_of_the_equation_in_the_radius():
    radius = np.linspace(0.3, 2.3, 60)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    points = np.stack([radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)])
    rings = map_coordinates(dam_break(128, 0.5)[-1, ..., 0], (points + 2.5) * 128 / 5 - 0.5, order=1)
    reference = radial_heights(radius, 0.5, 1.0)
    assert rings.std(axis=1).mean() < 0.005
    assert np.abs(rings.mean(axis=1) - reference).mean() < 0.008


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    assert pdebench_shallow_water_simulation(folder, resolution=16, samples=12) == {"2D_rdb_NA_NA.h5": None}
    with h5py.File(folder / "2D_rdb_NA_NA.h5") as file:
        yield file


def test_the_file_has_the_groups_shapes_and_coordinates_of_the_publisher(file):
    assert sorted(file) == [f"{i:04d}" for i in range(12)]
    for group in file.values():
        assert group["data"].shape == (101, 16, 16, 1) and group["data"].dtype == np.float32
        np.testing.assert_allclose(group["grid/t"], np.arange(101) / 100, atol=1e-6)
        for axis in ("x", "y"):
            np.testing.assert_allclose(group[f"grid/{axis}"], -2.5 + (np.arange(16) + 0.5) * 5 / 16, atol=1e-6)


def test_samples_begin_with_the_columns_of_the_publishers_generator(file):
    x = -2.5 + (np.arange(16) + 0.5) * 5 / 16
    for i in range(12):
        inside = np.hypot(x[:, None], x) <= np.random.RandomState(i).uniform(0.3, 0.7)
        np.testing.assert_array_equal(file[f"{i:04d}/data"][0, ..., 0], np.where(inside, 2, 1))


def test_samples_that_begin_alike_are_stored_once(file):
    columns = {group["data"][0].tobytes() for group in file.values()}
    stored = {h5py.h5o.get_info(group["data"].id).addr for group in file.values()}
    assert len(stored) == len(columns) < 12


def test_other_seeds_take_other_radii_and_a_larger_dataset_begins_with_the_smaller_one(tmp_path):
    data = []
    for seed, samples in ((3, 2), (3, 5), (4, 5)):
        pdebench_shallow_water_simulation(tmp_path, resolution=32, samples=samples, seed=seed)
        with h5py.File(tmp_path / "2D_rdb_NA_NA.h5") as file:
            data.append(np.stack([group["data"][...] for group in file.values()]))
    np.testing.assert_array_equal(data[0], data[1][:2])
    assert not np.array_equal(data[1], data[2])
