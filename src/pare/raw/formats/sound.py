"""Sound files, decoded within limits: they come from strangers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
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


@dataclass(frozen=True)
class SoundFacts:
    """What a file says of itself.

    Attributes:
        rate: in Hz.
        seconds: its length.
        channels: of which the mean is taken.
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
    ratio = Fraction(rate, own_rate).limit_denominator(1000)  # of odd rates within a millionth
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
