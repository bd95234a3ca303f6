"""Sound files as users have them, whole and damaged, compared with the tones that were written."""

import struct

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from pare.config.errors import PareError
from pare.data.formats.sound import LogMel, read_sound, sound_facts

RATE = 8000


def tone(rate, seconds=0.5, hertz=440):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_a_tone_comes_back_from_each_format(tmp_path, suffix):
    soundfile.write(tmp_path / f"a.{suffix}", tone(16_000), 16_000)
    sound = read_sound(tmp_path / f"a.{suffix}", 16_000, 0.5)
    atol = 1e-4 if suffix in ("wav", "flac", "aiff") else 0.05  # the others leave out what is not heard
    assert (sound.shape, sound.dtype) == ((8000,), np.float32)
    np.testing.assert_allclose(sound[500:-500], tone(16_000)[500:-500], atol=atol)


@pytest.mark.parametrize("own", [8000, 11_025, 44_100, 48_000, 44_099])
def test_a_tone_keeps_its_pitch_at_another_rate(tmp_path, own):
    soundfile.write(tmp_path / "a.wav", tone(own), own, subtype="FLOAT")
    sound = read_sound(tmp_path / "a.wav", RATE, 1.0)
    assert abs(len(sound) - RATE // 2) <= 1
    np.testing.assert_allclose(sound[100:-100], tone(RATE)[100 : len(sound) - 100], atol=0.01)


def test_channels_are_averaged_and_only_the_beginning_is_read(tmp_path):
    stereo = np.stack([tone(RATE, 3), 0 * tone(RATE, 3)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, RATE, subtype="DOUBLE")
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav", RATE, 1.5), tone(RATE, 3)[:12_000] / 2, atol=1e-6)
    facts = sound_facts(tmp_path / "a.wav")
    assert (facts.rate, facts.seconds, facts.channels) == (RATE, 3, 2)


def test_samples_are_those_that_scipy_reads(tmp_path):
    noise = np.random.default_rng(0).integers(-32_768, 32_767, 4000).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", RATE, noise)
    np.testing.assert_array_equal(read_sound(tmp_path / "a.wav", RATE, 1), noise.astype(np.float32) / 32_768)


def write_header(path, rate=RATE, channels=1, claimed=8000, content=b"\0" * 8000):
    """A WAV file that may claim more than it holds."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 2 * channels * rate % 2**32, 2 * channels, 16)
    path.write_bytes(
        struct.pack("<4sI4s", b"RIFF", 36 + claimed, b"WAVE") + form + struct.pack("<4sI", b"data", claimed)
    )
    with path.open("ab") as stream:
        stream.write(content)


def test_a_header_that_claims_hours_brings_what_is_there(tmp_path):
    write_header(tmp_path / "a.wav", claimed=2**32 - 100)
    assert read_sound(tmp_path / "a.wav", RATE, 1e9).shape == (4000,)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: path.write_text("not a sound"), "Format not recognised|unknown"),
        (lambda path: path.write_bytes(b""), ""),
        (lambda path: write_header(path, claimed=0, content=b""), "no sample"),
        (lambda path: write_header(path, rate=2_000_000_000), "2000000000 Hz"),
        (lambda path: write_header(path, channels=1000), "1000 channels|"),
        (lambda path: soundfile.write(path, np.full(100, np.nan), RATE, subtype="FLOAT"), "infinity or NaN"),
    ],
)
def test_a_file_that_is_no_sound_is_named(tmp_path, harm, reason):
    harm(tmp_path / "a.wav")
    with pytest.raises(PareError, match=rf"a\.wav cannot be read as sound \(.*({reason}).*\); save it again"):
        read_sound(tmp_path / "a.wav", RATE, 1)


def test_a_flac_file_that_is_cut_short_is_named_or_read_up_to_there(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, RATE), RATE)
    path.write_bytes(path.read_bytes()[:3000])
    try:
        assert len(read_sound(path, RATE, 1)) < RATE
    except PareError as error:
        assert "a.flac cannot be read as sound" in str(error)


def test_without_the_library_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(PareError, match=r"'soundfile', not installed; pip install 'pare-transfer\[audio\]'"):
        sound_facts(tmp_path / "a.wav")


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
