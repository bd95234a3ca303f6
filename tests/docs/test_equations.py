"""The equations on which defaults of fields are measured: what each of them conserves."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def fields(script):
    """Two rows of an equation, in double precision, by its name."""
    equations = script("equations")
    equations.ROWS = 2
    return lambda name: equations.EQUATIONS[name].simulate(np.random.default_rng(0))


def energy(u: np.ndarray) -> np.ndarray:
    return (u**2).sum(axis=tuple(range(1, u.ndim)))


CONSERVATIVE = [
    "korteweg_de_vries",
    "kawahara",
    "benjamin_ono",
    "modified_korteweg_de_vries",
    "ostrovsky",
    "zakharov_kuznetsov",
    "gardner",
    "defocusing_modified_korteweg_de_vries",
    "benjamin",
    "intermediate_long_wave",
]


@pytest.mark.parametrize("name", CONSERVATIVE)
def test_dispersion_conserves_the_energy(fields, name):
    x, y = fields(name)
    np.testing.assert_allclose(energy(y), energy(x), rtol=1e-5)
    assert np.abs(y - x).max() > 0.5  # and is not what it was


PERIODIC = [
    "kuramoto_sivashinsky",
    "korteweg_de_vries",
    "burgers_smooth",
    "vorticity",
    "kawahara",
    "benjamin_ono",
    "whitham",
    "nikolaevskiy",
    "benney",
    "burgers_sharp",
    "modified_korteweg_de_vries",
    "ostrovsky",
    "sivashinsky",
    "zakharov_kuznetsov",
    "burgers_plane",
    "surface_quasi_geostrophic",
    "gardner",
    "defocusing_modified_korteweg_de_vries",
    "korteweg_de_vries_burgers",
    "ott_sudan",
    "benjamin",
    "intermediate_long_wave",
    "benjamin_bona_mahony",
    "cahn_hilliard",
    "damped_kuramoto_sivashinsky",
]


@pytest.mark.parametrize("name", PERIODIC)
def test_the_mean_is_conserved(fields, name):
    x, y = fields(name)
    axes = tuple(range(1, x.ndim))
    np.testing.assert_allclose(y.mean(axis=axes), x.mean(axis=axes), atol=1e-6)


VISCOUS = [
    "burgers_smooth",
    "vorticity",
    "whitham",
    "burgers_sharp",
    "burgers_plane",
    "surface_quasi_geostrophic",
    "korteweg_de_vries_burgers",
    "ott_sudan",
]


@pytest.mark.parametrize("name", VISCOUS)
def test_viscosity_takes_energy(fields, name):
    x, y = fields(name)
    assert (energy(y) < 0.95 * energy(x)).all()


RATES = {
    "kuramoto_sivashinsky": (22.0, 8.0, lambda k: k**2 - k**4),
    "nikolaevskiy": (10 * np.pi, 12.0, lambda k: k**2 * (0.5 - (1 - k**2) ** 2)),
    "benney": (22.0, 8.0, lambda k: k**2 - k**4 + 1j * k**3),
    "whitham": (2 * np.pi, 1.0, lambda k: -1j * np.sqrt(k * np.tanh(k)) - 0.02 * k**2),
    "kawahara": (2 * np.pi, 0.6, lambda k: 0.05j * k**3 - 0.001j * k**5),
    "benjamin_ono": (2 * np.pi, 0.8, lambda k: 0.4j * k**2),
    "modified_korteweg_de_vries": (2 * np.pi, 0.6, lambda k: 0.05j * k**3),
    "ostrovsky": (2 * np.pi, 0.8, lambda k: 0.05j * k**3 - 2j / k),
    "sivashinsky": (10 * np.pi, 6.0, lambda k: k - 2 * k**2),
    "swift_hohenberg": (10 * np.pi, 4.0, lambda k: 0.5 - (1 - k**2) ** 2),
    "gardner": (2 * np.pi, 0.6, lambda k: 0.05j * k**3),
    "defocusing_modified_korteweg_de_vries": (2 * np.pi, 0.6, lambda k: 0.05j * k**3),
    "korteweg_de_vries_burgers": (2 * np.pi, 0.8, lambda k: 0.05j * k**3 - 0.01 * k**2),
    "ott_sudan": (2 * np.pi, 0.8, lambda k: 0.05j * k**3 - 0.1 * k),
    "benjamin": (2 * np.pi, 0.8, lambda k: 0.05j * k**3 - 0.2j * k**2),
    "intermediate_long_wave": (2 * np.pi, 0.8, lambda k: 0.4j * k * (k / np.tanh(k) - 1)),
    "benjamin_bona_mahony": (2 * np.pi, 1.0, lambda k: -1j * k / (1 + 0.05 * k**2)),
    "cahn_hilliard": (2 * np.pi, 0.5, lambda k: k**2 - 0.09 * k**4),
    "damped_kuramoto_sivashinsky": (22.0, 10.0, lambda k: k**2 - k**4 - 0.1),
}


@pytest.mark.parametrize("name", RATES)
def test_small_waves_move_and_grow_as_the_linear_equation_says(fields, script, name):
    equations = script("equations")
    length, time, rate = RATES[name]
    wave, place = 2 * np.pi * 2 / length, 2 * np.pi * 2 * np.arange(equations.POINTS) / equations.POINTS
    equations._waves = lambda rng: 1e-6 * np.cos(place)[None]
    _, y = equations.EQUATIONS[name].simulate(np.random.default_rng(0))
    expected = (1e-6 * np.exp(1j * place + rate(wave) * time)).real[None, :: equations.KEPT]
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-3, atol=2e-3 * np.abs(expected).max())


def _slopes(u: np.ndarray) -> np.ndarray:
    """Of waves on a line of length 2π."""
    return np.fft.irfft(1j * np.arange(u.shape[-1] // 2 + 1) * np.fft.rfft(u), u.shape[-1])


def test_long_waves_conserve_the_energy_of_benjamin_bona_and_mahony(fields):
    x, y = fields("benjamin_bona_mahony")
    before, after = (energy(u) + 0.05 * energy(_slopes(u)) for u in (x, y))
    np.testing.assert_allclose(after, before, rtol=1e-5)
    assert np.abs(y - x).max() > 0.5


def test_separation_lowers_the_free_energy_of_cahn_and_hilliard(fields):
    def free_energy(u: np.ndarray) -> np.ndarray:
        return (0.09 / 2 * _slopes(u) ** 2 + (1 - u**2) ** 2 / 4).mean(axis=(1, 2))

    x, y = fields("cahn_hilliard")
    assert (free_energy(y) < 0.8 * free_energy(x)).all()
    assert np.abs(y - x).max() > 0.5


PLANE_RATES = {
    "zakharov_kuznetsov": (0.6, lambda kx, ky: 0.1j * kx * (kx**2 + ky**2)),
    "burgers_plane": (1.0, lambda kx, ky: -0.05 * (kx**2 + ky**2)),
}


@pytest.mark.parametrize("name", PLANE_RATES)
def test_small_waves_of_a_plane_move_and_decay_as_the_linear_equation_says(script, name):
    equations = script("equations")
    time, rate = PLANE_RATES[name]
    rows, columns = np.meshgrid(*[2 * np.pi * np.arange(equations.EDGE) / equations.EDGE] * 2, indexing="ij")
    wave = 2 * rows + columns
    equations._smooth = lambda rng, damping: 1e-6 * np.cos(wave)[None]
    _, y = equations.EQUATIONS[name].simulate(np.random.default_rng(0))
    expected = (1e-6 * np.exp(1j * wave + rate(2, 1) * time)).real[None]
    np.testing.assert_allclose(y[:, 0], expected, atol=1e-3 * np.abs(expected).max())


def test_in_a_surface_quasi_geostrophic_flow_only_heat_decays_where_all_waves_have_one_length(script):
    equations = script("equations")
    rows, columns = np.meshgrid(*[2 * np.pi * np.arange(equations.EDGE) / equations.EDGE] * 2, indexing="ij")
    heat = np.cos(3 * rows) + np.sin(3 * columns)  # carried along its own contours, whatever its size
    equations._smooth = lambda rng, damping: heat[None]
    _, y = equations.EQUATIONS["surface_quasi_geostrophic"].simulate(np.random.default_rng(0))
    np.testing.assert_allclose(y[0, 0], heat * np.exp(-1e-2 * 9 * 1.0), atol=1e-6)


def test_allen_cahn_separates_phases_and_lowers_the_free_energy(fields):
    def free_energy(u: np.ndarray, width: float = 0.03) -> np.ndarray:
        slopes = sum((np.diff(u, axis=axis) ** 2).sum((1, 2, 3)) for axis in (2, 3))
        return width**2 / 2 * slopes + ((1 - u**2) ** 2).sum((1, 2, 3)) / 4 / u.shape[-1] ** 2

    x, y = fields("allen_cahn")
    assert np.abs(y).max() < 1.01
    assert (free_energy(y) < 0.5 * free_energy(x)).all()
