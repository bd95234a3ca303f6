"""Spectrograms of tones; that of noise is compared with scipy's where FSD50K is read."""

import numpy as np
import pytest

from pare.raw.formats.log_mel import LogMel

SETTINGS = LogMel(rate=16_000, mels=64, window=400, hop=160, fft=1024)


@pytest.mark.parametrize("hertz", [300, 1000, 4000])
def test_a_tone_is_loudest_in_the_band_of_its_pitch(hertz):
    decibels = SETTINGS(np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000))
    mel = 2595 * np.log10(1 + np.array([hertz, 8000]) / 700)  # of the HTK book
    assert decibels.shape == (64, 101)
    assert abs(int(decibels[:, 50].argmax()) - (65 * mel[0] / mel[1] - 1)) <= 1


def test_ten_times_as_strong_is_twenty_decibels_more():
    noise = np.random.default_rng(0).normal(size=8000)
    np.testing.assert_allclose(SETTINGS(10 * noise) - SETTINGS(noise), 20, atol=1e-3)


def test_silence_is_finite():
    assert np.isfinite(SETTINGS(np.zeros(8000))).all()
