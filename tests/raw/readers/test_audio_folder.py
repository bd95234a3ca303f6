"""Sounds in folders of classes."""

import numpy as np
import pytest
import soundfile

from pare.config.errors import PareError
from pare.raw.options import bind_options
from pare.raw.readers.audio_folder import audio_folder, spectrogram_settings

RATE = 16_000


def read(folder, **options):
    options = {"seconds": 1.0, "rate": RATE} | options
    return bind_options("reader", "audio_folder", audio_folder, options)(folder)["all"]


def save(folder, name, hertz, seconds=1.0, rate=RATE):
    path = folder / "sounds" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), rate)


def test_sounds_carry_the_class_of_their_folder_and_their_pitch(tmp_path):
    save(tmp_path, "low/a.wav", 300)
    save(tmp_path, "high/a.flac", 3000, rate=44_100)
    samples = read(tmp_path)
    x, y = samples.read(0, 2)
    assert (x.shape[:3], x.dtype, samples.classes) == ((2, 1, 128), np.float32, ["high", "low"])
    np.testing.assert_array_equal(y, [0, 1])
    high, low = x[:, 0, :, x.shape[-1] // 2].argmax(axis=1)
    assert high > low + 30
    np.testing.assert_array_equal(samples.read(1, 2)[0], x[1:])


def test_shorter_sounds_are_followed_by_silence_and_longer_ones_are_cut(tmp_path):
    save(tmp_path, "a/short.wav", 1000, 0.5)
    save(tmp_path, "b/long.wav", 1000, 2.0)
    x, _ = read(tmp_path).read(0, 2)
    loudest = x[:, 0].max(axis=1)
    middle = loudest.shape[1] // 2
    np.testing.assert_allclose(loudest[0, 5 : middle - 5], loudest[1, 5 : middle - 5], atol=0.1)
    assert (loudest[0, middle + 5 :] < loudest[1, middle + 5 : -5].min() - 40).all()


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1, 3, 10, 60])
@pytest.mark.parametrize("rate", [8000, 22_050, 44_100])
def test_frames_overlap_and_are_no_more_than_a_picture_can_show(seconds, rate):
    settings = spectrogram_settings(seconds, rate)
    assert settings.window >= 2 * settings.hop and settings.fft >= settings.window
    assert settings.hop >= 0.0099 * rate
    assert round(seconds * rate) / settings.hop <= 130


def test_a_sound_that_cannot_be_read_is_named(tmp_path):
    save(tmp_path, "a/1.wav", 300)
    save(tmp_path, "b/1.wav", 300)
    (tmp_path / "sounds" / "b" / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(PareError, match=r"b/1\.wav cannot be read as sound"):
        read(tmp_path).read(0, 2)
