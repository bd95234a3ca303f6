"""Whether a line looks periodic: laws of fields of which it is known."""

import numpy as np
import pytest

from pare.data.own.findings import look_periodic, shifts_of
from pare.storage.samples import Samples

ROWS, POINTS = 300, 64
DECAY = np.exp(-np.arange(2 * POINTS + 1) / 10)


def smooth(points=POINTS, rows=ROWS):
    """A Gaussian process on a circle of so many points."""
    noise = np.random.default_rng(0).normal(size=(rows, 1, points))
    return np.fft.irfft(np.fft.rfft(noise) * DECAY[: points // 2 + 1], points)


def shocks(u):
    """Not linear, and the same at each place."""
    return np.abs(np.roll(u, 3, -1)) * u


def test_a_circle_on_which_no_place_is_special_is_periodic():
    assert look_periodic(smooth(), shocks(smooth()))


def test_a_part_of_a_longer_line_is_not():
    part = smooth(4 * POINTS)[..., :POINTS]
    assert not look_periodic(part, part)


@pytest.mark.parametrize("weight", [np.sin(np.pi * np.arange(POINTS) / POINTS), 1 + 0.5 * (np.arange(POINTS) == 9)])
def test_a_line_with_walls_or_a_source_is_not(weight):
    assert not look_periodic(smooth(), smooth() * weight)


def test_a_place_that_is_told_is_one():
    place = np.broadcast_to(np.linspace(0, 1, POINTS), (ROWS, 1, POINTS))
    assert not look_periodic(np.concatenate([smooth(), place], 1), smooth())


@pytest.mark.parametrize("y", [np.zeros((ROWS, 1, POINTS)), np.full((ROWS, 1, POINTS), np.nan)])
def test_what_says_nothing_is_not(y):
    assert not look_periodic(smooth(), y)


def test_shifts_are_named_by_the_grid_where_there_are_rows_enough():
    assert shifts_of(Samples.of_arrays(smooth(), smooth())) == ("shift",)
    assert shifts_of(Samples.of_arrays(smooth()[:99], smooth()[:99])) == ()
    assert shifts_of(Samples.of_arrays(plane(), plane())) == ("torus",)


@pytest.mark.parametrize("y", [smooth(2 * POINTS), np.zeros(ROWS, int), np.zeros((ROWS, 3))])
def test_what_is_no_field_on_the_same_grid_has_none(y):
    assert shifts_of(Samples.of_arrays(smooth(), y)) == ()


def test_of_large_planes_too_few_rows_could_be_read():
    large = np.broadcast_to(np.float32(0), (ROWS, 3, 512, 512))
    assert shifts_of(Samples.of_arrays(large, large[:, :1])) == ()


def plane(rows=ROWS, points=16):
    """A Gaussian process on a torus."""
    noise = np.random.default_rng(0).normal(size=(rows, 1, points, points))
    waves = np.abs(np.fft.fftfreq(points, 1 / points))
    return np.fft.ifft2(np.fft.fft2(noise) * np.exp(-np.add.outer(waves, waves) / 4)).real


def test_of_a_plane_both_axes_are_looked_at():
    fields = plane(points=32)
    assert look_periodic(fields, shocks(fields))
    assert not look_periodic(fields[..., :16], fields[..., :16])
    assert not look_periodic(fields[..., :16, :], fields[..., :16, :])
    walls = np.sin(np.pi * np.arange(32) / 32)
    assert not look_periodic(fields, fields * walls[:, None])
