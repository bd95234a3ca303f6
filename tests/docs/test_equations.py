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


def test_korteweg_de_vries_conserves_its_energy(fields):
    x, y = fields("korteweg_de_vries")
    np.testing.assert_allclose(energy(y), energy(x), rtol=1e-5)
    assert np.abs(y - x).max() > 0.5  # and is not what it was


@pytest.mark.parametrize("name", ["kuramoto_sivashinsky", "korteweg_de_vries", "burgers_smooth", "vorticity"])
def test_the_mean_is_conserved(fields, name):
    x, y = fields(name)
    axes = tuple(range(1, x.ndim))
    np.testing.assert_allclose(y.mean(axis=axes), x.mean(axis=axes), atol=1e-6)


@pytest.mark.parametrize("name", ["burgers_smooth", "vorticity"])
def test_viscosity_takes_energy(fields, name):
    x, y = fields(name)
    assert (energy(y) < 0.95 * energy(x)).all()


def test_small_waves_grow_at_their_rate(fields, script):
    """Of Kuramoto and Sivashinsky's equation, where it is nearly linear: exp((k² - k⁴) t)."""
    equations = script("equations")
    wave = 2 * np.pi * 2 / 22.0
    x = 1e-6 * np.cos(2 * np.pi * 2 * np.arange(equations.POINTS) / equations.POINTS)[None]
    equations._waves = lambda rng: x
    _, y = equations.EQUATIONS["kuramoto_sivashinsky"].simulate(np.random.default_rng(0))
    np.testing.assert_allclose(
        y[:, 0], x[:, :: equations.KEPT] * np.exp((wave**2 - wave**4) * 8.0), rtol=1e-3, atol=1e-10
    )


def test_allen_cahn_separates_phases_and_lowers_the_free_energy(fields):
    def free_energy(u: np.ndarray, width: float = 0.03) -> np.ndarray:
        slopes = sum((np.diff(u, axis=axis) ** 2).sum((1, 2, 3)) for axis in (2, 3))
        return width**2 / 2 * slopes + ((1 - u**2) ** 2).sum((1, 2, 3)) / 4 / u.shape[-1] ** 2

    x, y = fields("allen_cahn")
    assert np.abs(y).max() < 1.01
    assert (free_energy(y) < 0.5 * free_energy(x)).all()
