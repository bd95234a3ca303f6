"""Sound files, decoded within limits: they come from strangers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import resample_poly

from pare.config.errors import PareError, import_extra

if TYPE_CHECKING:
    import soundfile

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
RATES = (1_000, 1_000_000)  # Hz; bats are recorded at 500,000
CHANNELS = 64
BLOCK = 1 << 16  # frames that are decoded at once
FLOOR = 80.0  # decibels below the loudest; what is fainter is raised to it


@dataclass(frozen=True)
class SoundFacts:
    """What a file says of itself.

    Attributes:
        rate: in Hz.
        seconds: its length.
        channels: number of channels; their mean is taken.
    """

    rate: int
    seconds: float
    channels: int


def sound_facts(path: Path) -> SoundFacts:
    """Length and rate of a file, of which only the header is read; errors as for `read_sound`."""
    with _opened(path) as file:
        return SoundFacts(file.samplerate, file.frames / file.samplerate, file.channels)


def read_sound(path: Path, rate: int, seconds: float) -> np.ndarray:
    """The beginning of a sound, as the mean of its channels.

    Args:
        path: WAV, FLAC, Ogg, MP3 or AIFF.
        rate: to which it is resampled, in Hz.
        seconds: that are read at most.

    Returns:
        ``(samples,)`` float32, mostly between -1 and 1, at most ``seconds × rate`` samples.

    Raises:
        PareError: if the file is no sound, damaged or empty, or holds infinity or NaN.
    """
    with _opened(path) as file:
        own_rate, frames = file.samplerate, round(seconds * file.samplerate)
        blocks = file.blocks(BLOCK, frames=frames, dtype="float32", always_2d=True)
        mono = np.concatenate([np.empty(0, np.float32), *(block.mean(axis=1) for block in blocks)])
    if not len(mono):
        raise _unreadable(path, "it has no sample")
    if not np.isfinite(mono).all():
        raise _unreadable(path, "it holds infinity or NaN")
    ratio = Fraction(rate, own_rate).limit_denominator(1000)  # exact within a millionth for odd rates
    return resample_poly(mono, ratio.numerator, ratio.denominator)[: round(seconds * rate)] if ratio != 1 else mono


@contextmanager
def _opened(path: Path) -> "Iterator[soundfile.SoundFile]":
    library = import_extra("soundfile", f"{path}: a sound", "pare-transfer[audio]")
    try:
        with library.SoundFile(path) as file:
            if not RATES[0] <= file.samplerate <= RATES[1] or file.channels > CHANNELS:
                raise _unreadable(path, f"it claims {file.samplerate} Hz and {file.channels} channels")
            yield file
    except (library.SoundFileError, OSError, ValueError, RuntimeError) as error:
        raise _unreadable(path, str(error).rpartition(": ")[2] or type(error).__name__) from error


def _unreadable(path: Path, reason: str) -> PareError:
    return PareError(f"{path} cannot be read as sound ({reason}); save it again, or move it away")


@dataclass(frozen=True)
class LogMel:
    """The settings of a spectrogram.

    Attributes:
        rate: rate of the sound, in Hz.
        mels: bands on the HTK scale from 0 to half the rate, of triangles of height 1.
        window: samples that a frame sees, through a Hann window.
        hop: samples from frame to frame.
        fft: samples of a frame, zero where the window does not reach.
    """

    rate: int
    mels: int
    window: int
    hop: int
    fft: int

    def __call__(self, sound: np.ndarray) -> np.ndarray:
        """Decibels ``(mels, frames)`` of a sound ``(samples,)``; a frame's centre is a multiple of the hop."""
        from transformers.audio_utils import spectrogram  # noqa: PLC0415 - slow to import

        window, bank = _window_and_bank(self)
        return spectrogram(
            sound,
            window,
            frame_length=self.fft,
            hop_length=self.hop,
            power=2.0,
            pad_mode="reflect",
            mel_filters=bank,
            log_mel="dB",
            db_range=FLOOR,
        )


@cache
def _window_and_bank(settings: LogMel) -> tuple[np.ndarray, np.ndarray]:
    """The window of a frame, ``(fft,)``, and the mel bands of its spectrum, ``(fft / 2 + 1, mels)``."""
    from transformers.audio_utils import mel_filter_bank, window_function  # noqa: PLC0415 - slow to import

    bins, top = settings.fft // 2 + 1, settings.rate / 2
    bank = mel_filter_bank(bins, settings.mels, 0.0, top, settings.rate, norm=None, mel_scale="htk")
    return window_function(settings.window, "hann", frame_length=settings.fft), bank
