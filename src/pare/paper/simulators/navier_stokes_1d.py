"""Compressible Navier–Stokes equations of PDEBench in one dimension, a perfect gas with γ = 5/3.

    ρ_t + m_x = 0,   m_t + (m v + p)_x = τ_x,   E_t + ((E + p) v)_x = (v τ)_x,   m = ρ v,   τ = ρ (4/3 η + ζ) v_x

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D.5. As in
the publisher's generator, and unlike its paper, η and ζ are kinematic: the stress is proportional to the density.
Notation for shapes: B samples, T frames, X cells.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from pare.paper.simulators.parallel import random_generator, simulate_batches
from pare.paper.simulators.pdebench_files import FRAME_STEP, cell_centres, write_trajectories
from pare.paper.simulators.waves import draw_waves, to_unit_range

GAMMA = 5 / 3
ETA, ZETA = 0.1, 0.1
_FRAMES = 101  # t from 0 to 1
_COURANT = 0.4
_COMMON_SPEED = 8.0  # speed of the fastest wave; decides how many stages the viscous step has
_BATCH = 16


def solve_navier_stokes(
    initial: np.ndarray, frames: int, frame_step: float, length: float, viscosity: float
) -> np.ndarray:
    """Solve the equations with period ``length``.

    Finite volumes, conservative up to rounding: the MUSCL–Hancock method with van Leer's limiter and the HLLC
    flux (Toro, 2009, sections 10.4 and 14.4) for the waves, and a super-time-stepping Runge–Kutta–Legendre method
    (Meyer, Balsara and Aslam, 2014) for the viscous stress, in turns of alternating order. Both are of second order
    where the flow is smooth. Each sample has time steps of its own.

    Args:
        initial: density, velocity and pressure in the cells, ``(3, B, X)``.
        frames: number of states wanted, the initial one included, T.
        frame_step: time between two of them.
        length: period of x.
        viscosity: 4/3 η + ζ; 0 gives the Euler equations.

    Returns:
        Density, velocity and pressure, ``(3, B, T, X)``.

    Raises:
        ArithmeticError: if density or pressure become negative.
    """
    dx = length / initial.shape[-1]
    stages = _stages(dx, viscosity)
    result = np.empty((*initial.shape[:2], frames, initial.shape[2]))
    result[:, :, 0] = initial
    state = _conserved(initial)
    waves_first = True
    for frame in range(1, frames):
        left = np.full((initial.shape[1], 1), frame_step)  # time to the frame, by sample
        while left.any():
            step = np.minimum(_largest_step(state, dx, viscosity, stages), left)
            left -= step
            if waves_first:
                state = _viscous_step(_wave_step(state, step / dx), step / dx**2, viscosity, stages)
            else:
                state = _wave_step(_viscous_step(state, step / dx**2, viscosity, stages), step / dx)
            waves_first = not waves_first
        result[:, :, frame] = _primitive(state)
    return result


def _conserved(primitive: np.ndarray) -> np.ndarray:
    """Density, momentum and energy from density, velocity and pressure."""
    density, velocity, pressure = primitive
    return np.stack([density, density * velocity, pressure / (GAMMA - 1) + 0.5 * density * velocity**2])


def _primitive(state: np.ndarray) -> np.ndarray:
    """Density, velocity and pressure from density, momentum and energy."""
    density, momentum, energy = state
    velocity = momentum / density
    pressure = (GAMMA - 1) * (energy - 0.5 * momentum * velocity)
    if not (density.min() > 0 and pressure.min() > 0):
        raise ArithmeticError(
            f"density {density.min():.3g} or pressure {pressure.min():.3g} is not positive: the initial flow is extreme"
        )
    return np.stack([density, velocity, pressure])


def _stages(dx: float, viscosity: float) -> int:
    """Fewest stages of the viscous step with which it allows the time steps of waves of a common speed."""
    odd = range(3, 100, 2)
    return next(s for s in odd if _viscous_limit(dx, viscosity, s) >= _COURANT * dx / _COMMON_SPEED or s == odd[-1])


def _viscous_limit(dx: float, viscosity: float, stages: int) -> float:
    """Longest stable time step of the stress: (s² + s - 2) / 4 times that of an explicit method."""
    return (stages**2 + stages - 2) / 4 * dx**2 / (2 * viscosity) if viscosity else np.inf


def _largest_step(state: np.ndarray, dx: float, viscosity: float, stages: int) -> np.ndarray:
    """Longest stable time step of each sample, ``(B, 1)``."""
    density, velocity, pressure = _primitive(state)
    fastest = (np.abs(velocity) + np.sqrt(GAMMA * pressure / density)).max(axis=1, keepdims=True)
    return np.minimum(_COURANT * dx / fastest, _viscous_limit(dx, viscosity, stages))


def _wave_step(state: np.ndarray, step: np.ndarray) -> np.ndarray:
    """One step without stress, of ``step`` times dx."""
    primitive = _primitive(state)
    density, velocity, pressure = primitive
    slope = _limited_slope(primitive)
    slope_density, slope_velocity, slope_pressure = slope
    # Half a step in time by the equations for density, velocity and pressure.
    middle = primitive - 0.5 * step * np.stack(
        [
            velocity * slope_density + density * slope_velocity,
            velocity * slope_velocity + slope_pressure / density,
            velocity * slope_pressure + GAMMA * pressure * slope_velocity,
        ]
    )
    # Between cell i and cell i + 1: the right end of one and the left end of the other.
    flux = _hllc_flux(middle + 0.5 * slope, _next(middle - 0.5 * slope))
    return state - step * (flux - _previous(flux))


def _limited_slope(values: np.ndarray) -> np.ndarray:
    """Difference over a cell by van Leer's limiter: the harmonic mean of both neighbours', 0 at an extremum."""
    after = _next(values) - values
    before = _previous(after)
    product = np.maximum(after * before, 0)
    total = after + before
    return np.divide(2 * product, total, out=np.zeros_like(values), where=product > 0)


def _hllc_flux(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Flux of density, momentum and energy between two states of density, velocity and pressure."""
    with np.errstate(invalid="ignore"):  # a negative pressure becomes NaN, which `_primitive` refuses
        sound_left = np.sqrt(GAMMA * left[2] / left[0])
        sound_right = np.sqrt(GAMMA * right[2] / right[0])
    slowest = np.minimum(left[1] - sound_left, right[1] - sound_right)
    fastest = np.maximum(left[1] + sound_left, right[1] + sound_right)
    mass_left, mass_right = left[0] * (slowest - left[1]), right[0] * (fastest - right[1])
    contact = (right[2] - left[2] + mass_left * left[1] - mass_right * right[1]) / (mass_left - mass_right)
    # The state between the outer wave and the contact, on the side from which the flow comes.
    from_left = contact >= 0
    density, velocity, pressure = np.where(from_left, left, right)
    wave = np.where(from_left, slowest, fastest)
    mass = np.where(from_left, mass_left, mass_right)
    momentum = density * velocity
    energy = pressure / (GAMMA - 1) + 0.5 * momentum * velocity
    density_inside = mass / (wave - contact)
    energy_inside = density_inside * (energy / density + (contact - velocity) * (contact + pressure / mass))
    # Zero where the outer wave runs with the flow, so that the outer state passes alone.
    speed = np.where(from_left, np.minimum(wave, 0), np.maximum(wave, 0))
    return np.stack(
        [
            momentum + speed * (density_inside - density),
            momentum * velocity + pressure + speed * (density_inside * contact - momentum),
            (energy + pressure) * velocity + speed * (energy_inside - energy),
        ]
    )


def _viscous_step(state: np.ndarray, step: np.ndarray, viscosity: float, stages: int) -> np.ndarray:
    """One step of the stress alone, of ``step`` times dx²; the density stays.

    The stages follow the momentum that has passed between the cells, of which momentum and energy are balances.
    """
    if not viscosity:
        return state
    density, momentum, energy = state
    start = momentum / density
    between = viscosity * step * 0.5 * (density + _next(density))

    def stress(passed: np.ndarray | None = None) -> np.ndarray:
        velocity = start if passed is None else start + (passed - _previous(passed)) / density
        return between * (_next(velocity) - velocity)

    b = [max(1 / 3, (j**2 + j - 2) / (2 * j * (j + 1) or 1)) for j in range(stages + 1)]
    weight = 4 / (stages**2 + stages - 2)
    first = stress()
    before, passed = np.zeros_like(first), b[1] * weight * first
    for i in range(2, stages + 1):
        mu, nu = (2 * i - 1) / i * b[i] / b[i - 1], -(i - 1) / i * b[i] / b[i - 2]
        following = mu * passed + nu * before + mu * weight * (stress(passed) - (1 - b[i - 1]) * first)
        before, passed = passed, following
    gained = passed - _previous(passed)
    velocity = start + 0.5 * gained / density  # mean of before and after
    work = passed * 0.5 * (velocity + _next(velocity))
    return np.stack([density, momentum + gained, energy + work - _previous(work)])


def _next(values: np.ndarray) -> np.ndarray:
    """Values in the next cell."""
    return np.concatenate([values[..., 1:], values[..., :1]], axis=-1)


def _previous(values: np.ndarray) -> np.ndarray:
    """Values in the previous cell."""
    return np.concatenate([values[..., -1:], values[..., :-1]], axis=-1)


def draw_flow(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Draw an initial state on x from -1 to 1.

    Density, velocity and pressure are superposed waves, one half of them cut to a window; density and pressure
    reach from b to b + a, where a and b are log-uniform between 1 and 10, or between 10 and 100 for the pressure.

    Args:
        rng: source of the random numbers.
        x: centres of the cells, ``(X,)``.

    Returns:
        Density, velocity and pressure, ``(3, X)``.
    """
    density, velocity, pressure = (draw_waves(rng, length=2, waves=3, windowed=0.5)(x) for _ in range(3))
    range_density, least_density, range_pressure, least_pressure = 10 ** rng.random(4)
    return np.stack(
        [
            least_density + range_density * to_unit_range(density),
            velocity,
            10 * (least_pressure + range_pressure * to_unit_range(pressure)),
        ]
    )


def pdebench_navier_stokes_1d_simulation(
    folder: Path,
    resolution: Annotated[int, Field(ge=4)] = 1024,
    samples: PositiveInt = 1000,
    seed: NonNegativeInt = 0,
) -> dict[str, str | None]:
    """Simulate the file of 1D compressible flow with η = ζ = 0.1, named and laid out as the publisher's.

    x from -1 to 1, periodic; 101 frames from t = 0 to 1. Options: see `pare.paper.simulators`.
    """
    x = cell_centres(-1, 1, resolution)

    def trajectories(numbers: range) -> dict[str, np.ndarray]:
        initial = np.stack([draw_flow(random_generator(seed, i), x) for i in numbers], axis=1)
        flow = solve_navier_stokes(initial, _FRAMES, FRAME_STEP, length=2, viscosity=4 / 3 * ETA + ZETA)
        return dict(zip(("density", "Vx", "pressure"), flow, strict=True))

    return write_trajectories(
        folder / f"1D_CFD_Rand_Eta{ETA}_Zeta{ZETA}_periodic_Train.hdf5",
        simulate_batches(trajectories, samples, _BATCH, f"simulating compressible flow ({resolution} cells)"),
        samples,
        x,
        parameters={"eta": ETA, "zeta": ZETA},
        frames=_FRAMES,
    )
