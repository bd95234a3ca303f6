"""Sounds in folders of classes, by the pitch and the loudness of their spectrograms."""

import numpy as np
import pytest
import soundfile

import users_files
from pare.config.errors import PareError
from pare.data.own.audio_folder import AudioFolder, spectrogram_settings
from pare.storage.samples import Samples
from users_files import RNG, facts, look

RATE = 16_000


def read_sounds(folder, **options):
    return users_files.read("audio_folder", folder, **{"seconds": 1.0, "rate": RATE} | options)["all"]


def save_sound(folder, name, hertz, seconds=1.0, rate=RATE):
    path = folder / "sounds" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), rate)


def test_sounds_carry_the_class_of_their_folder_and_their_pitch(tmp_path):
    save_sound(tmp_path, "low/a.wav", 300)
    save_sound(tmp_path, "high/a.flac", 3000, rate=44_100)
    samples = read_sounds(tmp_path)
    x, y = samples.read(0, 2)
    assert (x.shape[:3], x.dtype, samples.classes) == ((2, 1, 128), np.float32, ["high", "low"])
    np.testing.assert_array_equal(y, [0, 1])
    high, low = x[:, 0, :, x.shape[-1] // 2].argmax(axis=1)
    assert high > low + 30
    np.testing.assert_array_equal(samples.read(1, 2)[0], x[1:])


def test_shorter_sounds_are_followed_by_silence_and_longer_ones_are_cut(tmp_path):
    save_sound(tmp_path, "a/short.wav", 1000, 0.5)
    save_sound(tmp_path, "b/long.wav", 1000, 2.0)
    x, _ = read_sounds(tmp_path).read(0, 2)
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
    save_sound(tmp_path, "a/1.wav", 300)
    save_sound(tmp_path, "b/1.wav", 300)
    (tmp_path / "sounds" / "b" / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(PareError, match=r"b/1\.wav cannot be read as sound"):
        read_sounds(tmp_path).read(0, 2)


def test_new_sounds_of_a_lower_rate_are_told(tmp_path, caplog):
    form = AudioFolder(seconds=1.0, rate=RATE)
    known = Samples(1, lambda start, stop: (None, None))
    save_sound(tmp_path, "as_before.wav", 300, rate=44_100)
    form.new_rows(tmp_path / "sounds", known)
    assert not caplog.text
    save_sound(tmp_path, "slow.wav", 300, rate=8000)
    for rows in (tmp_path / "sounds", tmp_path / "sounds" / "slow.wav"):
        caplog.clear()
        form.new_rows(rows, known)
        assert "1 sound has a lower rate than the 16000 Hz" in caplog.text and "slow.wav, 8000 Hz" in caplog.text


def sounds(folder, *seconds, rate=16_000, channels=1):
    for name in ("bark", "meow"):
        (folder / "sounds" / name).mkdir(parents=True)
        for i, length in enumerate(seconds):
            noise = RNG.normal(size=(round(length * rate), channels)) / 10
            soundfile.write(folder / "sounds" / name / f"{i}.wav", noise, rate)
    return [folder / "sounds"]


def test_most_sounds_are_used_whole_and_what_is_done_is_said(tmp_path):
    found = look(sounds(tmp_path, *np.full(9, 0.5), 0.2, 4.0))
    assert facts(found) == ("classification", (2,), (1, 128, 51))
    assert (found.options, found.classes) == ({"seconds": 0.5, "rate": 16_000}, {"bark": 11, "meow": 11})
    assert "theirs are 0.2 to 4; the first 0.5 s of 2 longer sounds are used" in found.notes["seconds"]
    assert "followed by silence" in found.notes["seconds"]


def test_higher_rates_are_lowered_and_channels_averaged(tmp_path):
    found = look(sounds(tmp_path, 0.3, rate=48_000, channels=2))
    assert found.options["rate"] == 22_050
    assert "theirs have 48000; the mean of their channels" in found.notes["rate"]


def test_long_sounds_are_cut(tmp_path):
    assert look(sounds(tmp_path, 30, rate=8000)).options["seconds"] == 10


def test_a_damaged_sound_is_named(tmp_path):
    paths = sounds(tmp_path, 0.1, 0.1)
    (paths[0] / "meow" / "1.wav").write_text("no sound")
    with pytest.raises(PareError, match=r"^sounds/meow/1\.wav cannot be read as sound"):
        look(paths)
    with pytest.raises(PareError, match="names of their folders"):
        look(paths, "kind")
