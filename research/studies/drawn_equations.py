"""Equations drawn at random, each with its own initial states: nobody has chosen them, and none resembles a task.

An equation is ``u_t = L u + N(u)`` on a line or a plane without ends and edges of 2π. All of its numbers are drawn by
the law below from the number of the equation alone:

- **Dispersion** ``i s k |k|^p``: p uniform in 0.5 to 2.5, either sign; the phase of wave number 4 turns by 1 to 6
  radians a unit of time. One equation in five has none.
- **Dissipation** ``-v |k|^r``: r is 1, 2 or 4; wave number 4 falls at a rate of 0.05 to 1. One in four also grows at
  wave numbers below 3 to 6, at a rate of at most 0.5 to 2.
- **Nonlinearity**: the flux ``a u²/2 + b u³/3`` along x, on planes along x or along the diagonal; a and b are 1 and 0,
  0 and ±1, or 1 and ±0.5. On planes a third of the equations carry u with the flow of the stream function
  ``(-Δ)^-q u``, q from 0.5 to 1, instead.
- **Time**: 0.5 to 1.2. Rates, phases and times are drawn uniformly in their logarithm.

Initial states are sums of waves (line, standard deviation 0.86) or smooth noise (plane, 1). An equation whose fields
do not stay below 100 is drawn again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import numpy as np

from equations import EDGE, POINTS, Equation, Nonlinear, exponential_steps, smooth_planes, waves

STEPS = 500  # of an equation on a line
PLANE_STEPS = 150
LARGEST = 100.0
KEPT = 2  # of a line of the simulation every second point
NAMES = {"drawn_line": ("shift",), "drawn_plane": ("torus",)}  # the first words of names, and their symmetries


@dataclass(frozen=True)
class Law:
    """The numbers of an equation.

    Attributes:
        dispersion: ``s`` and ``p``.
        dissipation: ``v`` and ``r``.
        growth: rate and the wave number below which it acts; 0 where there is none.
        flux: ``a`` and ``b``; none where a flow carries u.
        diagonal: whether the flux is along the diagonal of a plane.
        stream: ``q``, or 0 where there is a flux.
        time: between the initial and the final state.
    """

    dispersion: tuple[float, float]
    dissipation: tuple[float, int]
    growth: tuple[float, float]
    flux: tuple[float, float]
    diagonal: bool
    stream: float
    time: float

    @classmethod
    def draw(cls, rng: np.random.Generator, *, plane: bool) -> "Law":
        """Draw the numbers of one equation."""

        def between(low: float, high: float) -> float:
            return exp(rng.uniform(log(low), log(high)))

        p, turned, sign = rng.uniform(0.5, 2.5), between(1, 6), rng.choice([-1.0, 1.0])
        disperses = rng.random() >= 0.2
        r, fall = int(rng.choice([1, 2, 4])), between(0.05, 1)
        rate, below, grows = between(0.5, 2), rng.uniform(3, 6), rng.random() < 0.25
        flux = [(1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (1.0, 0.5), (1.0, -0.5)][rng.integers(5)]
        carried, diagonal, q = rng.random() < 1 / 3, bool(rng.random() < 0.5), rng.uniform(0.5, 1)
        return cls(
            dispersion=(sign * turned / 4 ** (p + 1) if disperses else 0.0, p),
            dissipation=(fall / 4**r, r),
            growth=(rate, below) if grows else (0.0, below),
            flux=flux,
            diagonal=plane and diagonal,
            stream=q if plane and carried else 0.0,
            time=between(0.5, 1.2),
        )

    def linear(self, wave: np.ndarray) -> np.ndarray:
        """The linear part at wave numbers ``(axes, *grid)``, with the largest rate of growth as drawn."""
        size = np.sqrt((wave**2).sum(0))
        (s, p), (v, r), (rate, below) = self.dispersion, self.dissipation, self.growth
        grown = 4 * rate * ((size / below) ** 2 - (size / below) ** 4)  # at most the rate, negative above
        return 1j * s * wave[0] * size**p - v * size**r + grown

    def nonlinear(self) -> Nonlinear:
        """The part of the flux."""
        a, b = self.flux
        return Nonlinear(
            lambda wave: -1j * (wave.sum(0) if self.diagonal else wave[0]), lambda u: u * u * (a / 2 + b / 3 * u)
        )


def drawn_equation(name: str) -> Equation:
    """An equation by its name: ``drawn_line_7``, ``drawn_plane_3``; the number decides everything.

    Raises:
        KeyError: where the name is of another form.
    """
    kind, _, number = name.rpartition("_")
    symmetries, seed = NAMES[kind], [int(number), kind == "drawn_plane"]
    return Equation(lambda _: _simulate(seed), symmetries)  # its own seed, not the caller's


def _simulate(seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The initial and final states of the first drawn equation whose fields stay bounded."""
    plane, rng = bool(seed[1]), np.random.default_rng(seed)
    while True:
        law = Law.draw(rng, plane=plane)
        with np.errstate(over="ignore", invalid="ignore"):
            x, y = (_plane if plane else _line)(law, rng)
        if np.isfinite(y).all() and np.abs(y).max() < LARGEST:
            return x[:, None], y[:, None]


def _line(law: Law, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    wave = np.fft.rfftfreq(POINTS, 1 / POINTS)[None]
    x = waves(rng)
    y = _evolved(x, wave, law, law.nonlinear().rest(wave), STEPS)
    return x[:, ::KEPT], y[:, ::KEPT]


def _plane(law: Law, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    whole, half = np.fft.fftfreq(EDGE, 1 / EDGE), np.fft.rfftfreq(EDGE, 1 / EDGE)
    wave = np.stack(np.meshgrid(whole, half, indexing="ij"))
    x = smooth_planes(rng, np.add.outer(whole**2, whole**2) / 40)
    rest = _carried(wave, law.stream) if law.stream else law.nonlinear().rest(wave)
    return x, _evolved(x, wave, law, rest, PLANE_STEPS)


def _evolved(x: np.ndarray, wave: np.ndarray, law: Law, rest: Callable, steps: int) -> np.ndarray:
    axes = tuple(range(1, x.ndim))
    state = exponential_steps(np.fft.rfftn(x, axes=axes), law.linear(wave), rest, law.time / steps, steps)
    return np.fft.irfftn(state, axes=axes)


def _carried(wave: np.ndarray, power: float) -> Callable[[np.ndarray], np.ndarray]:
    """``-v · grad u`` in Fourier space, of the flow whose stream function is ``(-Δ)^-power u``."""
    square = (wave**2).sum(0)
    inverse = np.divide(1, square**power, out=np.zeros_like(square), where=square > 0)
    kept = (np.abs(wave) < EDGE / 3).all(0)

    def rest(state: np.ndarray) -> np.ndarray:
        def back(part: np.ndarray) -> np.ndarray:
            return np.fft.irfftn(part, axes=(1, 2))

        along, across = (1j * part for part in wave)
        stream = inverse * state
        change = back(across * stream) * back(along * state) - back(along * stream) * back(across * state)
        return -np.fft.rfftn(change, axes=(1, 2)) * kept

    return rest
