"""The law of the initial states, against the numbers that it is drawn from."""

import numpy as np
import pytest

from pare.paper.simulators.waves import draw_waves, to_unit_range

X = np.arange(512) / 512


def states(count, **law):
    return np.stack([draw_waves(np.random.default_rng(i), 1, 4, **law)(X) for i in range(count)])


def test_plain_states_are_a_constant_and_one_or_two_waves_of_at_most_eight_periods():
    u = states(300, rectified=0, windowed=0)
    amplitudes = np.abs(np.fft.rfft(u)) / 256
    assert (amplitudes[:, 9:] < 1e-12).all()
    waves = (amplitudes[:, 1:] > 1e-9).sum(axis=1)
    assert set(waves) == {1, 2}
    # Two numbers of four are equal once in four draws; one that is drawn twice counts double.
    assert 0.17 < (waves == 1).mean() < 0.33
    doubled = amplitudes[waves == 1, 1:].argmax(axis=1) + 1
    assert set(doubled) == {2, 4, 6, 8}
    assert amplitudes[:, 1:].max() < 1
    assert np.abs(u.mean(axis=1)).mean() > 0.3  # waves that were not drawn leave a constant


def test_states_are_periodic():
    for i in range(20):
        u0 = draw_waves(np.random.default_rng(i), 2, 3)
        np.testing.assert_allclose(u0(np.array([-1.0])), u0(np.array([1.0])), atol=1e-6)


def test_rectified_states_have_one_sign_and_half_of_them_are_negative():
    u = states(200, rectified=1, windowed=0)
    positive = (u >= 0).all(axis=1)
    assert (positive | (u <= 0).all(axis=1)).all()
    assert 0.4 < positive.mean() < 0.6


def test_windowed_states_are_zero_at_both_ends_and_untouched_in_the_middle():
    plain, cut = states(50, rectified=0, windowed=0), states(50, rectified=0, windowed=1)
    assert np.abs(cut[:, [0, -1]]).max() < 1e-3
    middle = (X > 0.5) & (X < 0.51)
    np.testing.assert_allclose(cut[:, middle], plain[:, middle], atol=1e-3)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_windows_come_as_often_as_they_should(probability):
    cut = np.abs(states(400, rectified=0, windowed=probability)[:, [0, -1]]).max(axis=1) < 1e-3
    assert abs(cut.mean() - probability) < 0.07


def test_the_unit_range_is_reached_and_not_left():
    u = to_unit_range(np.array([-3.0, 1.0, 5.0]))
    np.testing.assert_array_equal(u, [0, 0.5, 1])
