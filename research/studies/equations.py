"""Nonlinear equations that are no tasks of the project: simulated fields on which its defaults are measured.

    python research/studies/equations.py FOLDER              # a file FOLDER/EQUATION.npz of each, for `kedro tasks new`

Each row is a random initial state ``x`` and the state ``y`` at a later time, of one channel. All grids but that of
Allen-Cahn are periodic. Each line takes some seconds on one core, each of the planes two or three minutes.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.fft import dctn, idctn

from pare.storage.atomic import atomic_path

ROWS = 1200
POINTS, KEPT = 256, 2  # of a line: points of the simulation, every second of which is kept
EDGE = 64  # points along an edge of a plane
Operator = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Equation:
    """How the fields of an equation are made.

    Attributes:
        simulate: from a generator of random numbers to ``x`` and ``y``, ``(rows, 1, *grid)`` each.
        symmetries: exact for the equation, its ends and its grid, as `training.symmetries` has them.
    """

    simulate: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    symmetries: tuple[str, ...]


@dataclass(frozen=True)
class Nonlinear:
    """The part ``outer(wave) · F[inner(u)]`` of an equation in Fourier space; ``wave`` is ``(axes, *grid)``."""

    outer: Callable[[np.ndarray], np.ndarray | float]
    inner: Operator

    def rest(self, wave: np.ndarray) -> Operator:
        """The part as a function of the transformed field, without the wave numbers that alias."""
        axes = tuple(range(1, len(wave) + 1))
        outer = self.outer(wave) * (np.abs(wave) < wave.max() * 2 / 3).all(0)
        return lambda state: outer * np.fft.rfftn(self.inner(np.fft.irfftn(state, axes=axes)), axes=axes)


ADVECTION = Nonlinear(lambda k: -1j * k[0], lambda u: u**2 / 2)  # -u u_x


def _line(length: float, linear: Operator, time: float, steps: int, nonlinear: Nonlinear = ADVECTION) -> Callable:
    """A line without ends; ``linear`` gives the linear part at angular wave numbers, ``(points,)``."""

    def simulate(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        wave = np.fft.rfftfreq(POINTS, 1 / POINTS) * 2 * np.pi / length
        x = waves(rng)
        y = _spectral(x, wave[None], linear(wave), nonlinear, time, steps)
        return x[:, None, ::KEPT], y[:, None, ::KEPT]

    return simulate


def _plane(damping: float, linear: Operator, time: float, steps: int, nonlinear: Nonlinear = ADVECTION) -> Callable:
    """A plane without ends and edges of 2π; ``linear`` gives the linear part at wave numbers, ``(2, *grid)``."""

    def simulate(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        whole, half = np.fft.fftfreq(EDGE, 1 / EDGE), np.fft.rfftfreq(EDGE, 1 / EDGE)
        x = smooth_planes(rng, np.add.outer(whole**2, whole**2) / damping)
        wave = np.stack(np.meshgrid(whole, half, indexing="ij"))
        return x[:, None], _spectral(x, wave, linear(wave), nonlinear, time, steps)[:, None]

    return simulate


def _spectral(
    x: np.ndarray, wave: np.ndarray, linear: np.ndarray, nonlinear: Nonlinear, time: float, steps: int
) -> np.ndarray:
    """The fields after ``time``, ``(rows, *grid)``."""
    axes = tuple(range(1, x.ndim))
    rest = nonlinear.rest(wave)
    state = exponential_steps(np.fft.rfftn(x, axes=axes), linear.astype(complex), rest, time / steps, steps)
    return np.fft.irfftn(state, axes=axes)


CUBIC = Nonlinear(lambda k: -1j * k[0], lambda u: u * u * u / 3)  # -u² u_x
DIAGONAL = Nonlinear(lambda k: -1j * (k[0] + k[1]), lambda u: u**2 / 2)  # -u (u_x + u_y)
GROWN = Nonlinear(lambda k: 1, lambda u: -u * u * u)
DEFOCUSING = Nonlinear(lambda k: 1j * k[0], lambda u: u * u * u / 3)  # u² u_x
GARDNER = Nonlinear(lambda k: -1j * k[0], lambda u: u**2 / 2 + u * u * u / 3)  # -(u + u²) u_x
LONG_WAVES = Nonlinear(lambda k: -1j * k[0] / (1 + 0.05 * k[0] ** 2), lambda u: u**2 / 2)
SEPARATION = Nonlinear(lambda k: -(k[0] ** 2), lambda u: u * u * u)  # (u³)_xx


def _square(wave: np.ndarray) -> np.ndarray:
    return (wave**2).sum(0)


def _kadomtsev(wave: np.ndarray) -> np.ndarray:
    """Dispersion along x, as of Korteweg and de Vries, and slow changes across."""
    x, y = wave
    return 0.05j * x**3 - 0.2j * np.divide(y**2, x, out=np.zeros_like(x), where=x != 0)


def _ostrovsky(wave: np.ndarray) -> np.ndarray:
    """Dispersion of short waves, and of long ones by rotation."""
    return 0.05j * wave**3 - 2j * np.divide(1, wave, out=np.zeros_like(wave), where=wave > 0)


def _intermediate(wave: np.ndarray) -> np.ndarray:
    """Dispersion of waves between fluids of depth 1 and infinity: that of Korteweg-de Vries and Benjamin-Ono in one."""
    long = wave == 0
    return 0.4j * wave * (wave / np.tanh(np.where(long, 1, wave)) - 1) * ~long


def _speed(wave: np.ndarray) -> np.ndarray:
    """Of waves on water of depth 1, where it is 1 for the longest; ``wave`` are their angular numbers."""
    return np.sqrt(np.divide(np.tanh(wave), wave, out=np.ones_like(wave), where=wave > 0))


def waves(rng: np.random.Generator, numbers: int = 6) -> np.ndarray:
    """Sums of waves with normal amplitudes that fall as 1 / number, ``(rows, points)``."""
    place, u = np.arange(POINTS) / POINTS * 2 * np.pi, np.zeros((ROWS, POINTS))
    for number in range(1, numbers + 1):
        phase = rng.uniform(0, 2 * np.pi, (ROWS, 1))
        u += rng.normal(size=(ROWS, 1)) * np.cos(number * place + phase) / number
    return u


def exponential_steps(state: np.ndarray, linear: np.ndarray, rest: Operator, step: float, steps: int) -> np.ndarray:
    """ETDRK4 for ``state' = linear · state + rest(state)`` (Kassam and Trefethen, SIAM J. Sci. Comput. 26, 2005)."""
    circle = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)  # means over it keep the quotients accurate near 0
    z = step * linear[..., None] + circle
    whole, half = np.exp(step * linear), np.exp(step * linear / 2)
    to_half = step * ((np.exp(z / 2) - 1) / z).mean(-1)
    first = step * ((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3).mean(-1)
    middle = step * ((2 + z + np.exp(z) * (z - 2)) / z**3).mean(-1)
    last = step * ((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3).mean(-1)
    for _ in range(steps):
        r0 = rest(state)
        a = half * state + to_half * r0
        ra = rest(a)
        rb = rest(half * state + to_half * ra)
        rc = rest(half * a + to_half * (2 * rb - r0))
        state = whole * state + first * r0 + 2 * middle * (ra + rb) + last * rc
    return state


def _vorticity(
    rng: np.random.Generator,
    power: float = 1,
    scale: float = 2,
    viscosity: float = 2e-3,
    time: float = 1.5,
    steps: int = 150,
) -> tuple:
    """What a flow carries, by Heun's method with an integrating factor: its vorticity, or where power is 1/2 its heat.

    The flow is that of the stream function ``(-Δ)^-power x``, on a plane without ends.
    """
    wave = np.fft.fftfreq(EDGE, 1 / EDGE)
    kx, ky = np.meshgrid(wave, wave, indexing="ij")
    square = kx**2 + ky**2
    inverse = np.divide(1, square**power, out=np.zeros_like(square), where=square > 0)
    kept = (np.abs(kx) < EDGE / 3) & (np.abs(ky) < EDGE / 3)
    x = scale * smooth_planes(rng, square / 40)
    state = np.fft.fft2(x)

    def advection(state: np.ndarray) -> np.ndarray:
        stream, back = inverse * state, lambda part: np.fft.ifft2(part).real
        change = back(1j * ky * stream) * back(1j * kx * state) - back(1j * kx * stream) * back(1j * ky * state)
        return -np.fft.fft2(change) * kept

    step = time / steps
    decay = np.exp(-viscosity * square * step)
    for _ in range(steps):
        r0 = advection(state)
        r1 = advection(decay * (state + step * r0))
        state = decay * (state + step / 2 * r0) + step / 2 * r1
    return x[:, None], np.fft.ifft2(state).real[:, None]


def smooth_planes(rng: np.random.Generator, damping: np.ndarray) -> np.ndarray:
    """Random planes without a mean and with a standard deviation of 1 over all, ``(rows, edge, edge)``."""
    spectrum = np.fft.fft2(rng.normal(size=(ROWS, EDGE, EDGE))) * np.exp(-damping)
    spectrum[:, 0, 0] = 0
    x = np.fft.ifft2(spectrum).real
    return x / x.std()


def _allen_cahn(rng: np.random.Generator, width: float = 0.03, time: float = 6.0, steps: int = 300) -> tuple:
    """u_t = width² Δu + u - u³ on a square that nothing leaves, by implicit diffusion in a cosine basis."""
    wave = np.pi * np.arange(EDGE)
    square = np.add.outer(wave**2, wave**2)
    step = time / steps
    noise = dctn(rng.normal(size=(ROWS, EDGE, EDGE)), axes=(1, 2), norm="ortho")
    x = idctn(noise * np.exp(-square / 600), axes=(1, 2), norm="ortho")
    u = x = 0.5 * x / x.std()
    for _ in range(steps):
        forced = dctn(u + step * (u - u * u * u), axes=(1, 2), norm="ortho")
        u = idctn(forced / (1 + step * width**2 * square), axes=(1, 2), norm="ortho")
    return x[:, None], u[:, None]


EQUATIONS = {
    "kuramoto_sivashinsky": Equation(_line(22.0, lambda k: k**2 - k**4, 8.0, 800), ("shift",)),
    "korteweg_de_vries": Equation(_line(2 * np.pi, lambda k: 0.05j * k**3, 0.6, 2000), ("shift",)),
    "burgers_smooth": Equation(_line(2 * np.pi, lambda k: -0.03 * k**2, 1.0, 1000), ("shift",)),
    "vorticity": Equation(_vorticity, ("torus",)),
    "allen_cahn": Equation(_allen_cahn, ("square",)),
    # Added later, to see on others what the first five showed: ../notes.
    "kawahara": Equation(_line(2 * np.pi, lambda k: 0.05j * k**3 - 0.001j * k**5, 0.6, 2000), ("shift",)),
    "benjamin_ono": Equation(_line(2 * np.pi, lambda k: 0.4j * k * np.abs(k), 0.8, 2000), ("shift",)),
    "whitham": Equation(_line(2 * np.pi, lambda k: -1j * _speed(k) * k - 0.02 * k**2, 1.0, 2000), ("shift",)),
    "nikolaevskiy": Equation(_line(10 * np.pi, lambda k: k**2 * (0.5 - (1 - k**2) ** 2), 12.0, 2000), ("shift",)),
    "benney": Equation(_line(22.0, lambda k: k**2 - k**4 + 1j * k**3, 8.0, 1600), ("shift",)),
    "burgers_sharp": Equation(_line(2 * np.pi, lambda k: -0.02 * k**2, 1.5, 2000), ("shift",)),
    # And these to see it once more, with the border of the large errors fixed before.
    "modified_korteweg_de_vries": Equation(_line(2 * np.pi, lambda k: 0.05j * k**3, 0.6, 2000, CUBIC), ("shift",)),
    "ostrovsky": Equation(_line(2 * np.pi, _ostrovsky, 0.8, 2000), ("shift",)),
    "sivashinsky": Equation(_line(10 * np.pi, lambda k: k - 2 * k**2, 6.0, 1500), ("shift",)),
    "swift_hohenberg": Equation(_line(10 * np.pi, lambda k: 0.5 - (1 - k**2) ** 2, 4.0, 1000, GROWN), ("shift",)),
    "zakharov_kuznetsov": Equation(_plane(40, lambda k: 0.1j * k[0] * _square(k), 0.6, 200), ("torus",)),
    "burgers_plane": Equation(_plane(40, lambda k: -0.05 * _square(k), 1.0, 200, DIAGONAL), ("torus",)),
    "surface_quasi_geostrophic": Equation(
        partial(_vorticity, power=0.5, scale=1, viscosity=1e-2, time=1.0), ("torus",)
    ),
    # And others to see whether one pass is ahead on equations that no choice has seen; the rule is in ../notes.
    "gardner": Equation(_line(2 * np.pi, lambda k: 0.05j * k**3, 0.6, 2000, GARDNER), ("shift",)),
    "defocusing_modified_korteweg_de_vries": Equation(
        _line(2 * np.pi, lambda k: 0.05j * k**3, 0.6, 2000, DEFOCUSING), ("shift",)
    ),
    "korteweg_de_vries_burgers": Equation(
        _line(2 * np.pi, lambda k: 0.05j * k**3 - 0.01 * k**2, 0.8, 2000), ("shift",)
    ),
    "ott_sudan": Equation(_line(2 * np.pi, lambda k: 0.05j * k**3 - 0.1 * k, 0.8, 2000), ("shift",)),
    "benjamin": Equation(_line(2 * np.pi, lambda k: 0.05j * k**3 - 0.2j * k**2, 0.8, 2000), ("shift",)),
    "intermediate_long_wave": Equation(_line(2 * np.pi, _intermediate, 0.8, 2000), ("shift",)),
    "benjamin_bona_mahony": Equation(
        _line(2 * np.pi, lambda k: -1j * k / (1 + 0.05 * k**2), 1.0, 2000, LONG_WAVES), ("shift",)
    ),
    "cahn_hilliard": Equation(_line(2 * np.pi, lambda k: k**2 - 0.09 * k**4, 0.5, 4000, SEPARATION), ("shift",)),
    "damped_kuramoto_sivashinsky": Equation(_line(22.0, lambda k: k**2 - k**4 - 0.1, 10.0, 1000), ("shift",)),
    # And planes, to see whether what holds on lines holds there.
    "kadomtsev_petviashvili": Equation(_plane(40, _kadomtsev, 0.6, 200), ("torus",)),
    "shrira": Equation(_plane(40, lambda k: 0.4j * k[0] * np.sqrt(_square(k)), 0.8, 200), ("torus",)),
    "kuramoto_sivashinsky_plane": Equation(
        _plane(40, lambda k: 0.3 * _square(k) - 0.01 * _square(k) ** 2, 1.0, 200, DIAGONAL), ("torus",)
    ),
    "swift_hohenberg_plane": Equation(
        _plane(40, lambda k: 0.5 - (1 - _square(k) / 16) ** 2, 4.0, 200, GROWN), ("torus",)
    ),
}


def write(path: Path, equation: Equation) -> None:
    """Simulate an equation: ``x`` and ``y``, ``(rows, 1, *grid)`` in single precision, the same each time."""
    x, y = equation.simulate(np.random.default_rng(0))
    if not np.isfinite(y).all():
        raise FloatingPointError(f"the simulation for {path} did not stay finite")
    with atomic_path(path) as unfinished:
        np.savez(unfinished, x=x.astype(np.float32), y=y.astype(np.float32))


def main() -> None:
    """Write a file of each equation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, equation in EQUATIONS.items():
        write(folder / f"{name}.npz", equation)
        print(folder / f"{name}.npz")


if __name__ == "__main__":
    main()
