"""Sounds in folders that are named after their classes, as log-mel spectrograms."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from pare.raw.file_names import FileName
from pare.raw.formats.log_mel import LogMel
from pare.raw.formats.sound import SUFFIXES, read_sound
from pare.raw.readers.class_folders import FileKind, labelled_files
from pare.raw.readers.label_tables import FileLabels
from pare.storage.samples import Samples

SOUNDS = FileKind("sound", SUFFIXES)
RATE = 22_050  # Hz
MELS = 128
FRAMES = 128  # about, of sounds that are long enough for frames every 10 ms
HOP, WINDOW = 0.010, 0.025  # seconds, at least
FFT = 2048  # samples, at least


def audio_folder(
    folder: Path,
    seconds: PositiveFloat,
    rate: PositiveInt = RATE,
    root: FileName | None = None,
    labels: FileLabels | None = None,
) -> dict[str, Samples]:
    """Sounds in folders that are named after their classes, see `labelled_files`; they are decoded when they are read.

    Args:
        folder: holds the folder ``root``.
        seconds: of each sound that are used; a longer one is cut after them, a shorter one is followed by silence.
        rate: to which sounds are resampled, in Hz; frequencies above half of it are lost.
        root: name of the folder; by default the only one.
        labels: a table that names the classes of the files; by default their folders do.

    Returns:
        ``all``, or ``train``, ``test`` and perhaps ``validation``: spectrograms ``(rows, 1, 128, frames)`` in decibels
        float32, see `spectrogram_settings`, and class codes ``(rows,)`` int64.

    Raises:
        PareError: as `labelled_files` does; on reading, if a sound is damaged or empty.
    """
    read, parts = sound_reader(seconds, rate), labelled_files(folder, root, SOUNDS, labels)
    return {part: files.samples(read, ["log-mel power"]) for part, files in parts.items()}


def sound_reader(seconds: float, rate: int) -> Callable[[Sequence[Path]], np.ndarray]:
    """Read sounds as spectrograms ``(sounds, 1, 128, frames)`` float32 in decibels; arguments as for `audio_folder`."""
    settings, length = spectrogram_settings(seconds, rate), round(seconds * rate)

    def read(paths: Sequence[Path]) -> np.ndarray:
        sounds = [read_sound(path, rate, seconds) for path in paths]
        return np.stack([settings(np.pad(s, (0, length - len(s)))) for s in sounds])[:, None].astype(np.float32)

    return read


def spectrogram_settings(seconds: float, rate: int) -> LogMel:
    """Frames of 25 ms every 10 ms; of longer sounds about 128 frames, each twice as wide as it is far to the next."""
    hop = max(round(HOP * rate), round(seconds * rate / FRAMES))
    window = max(round(WINDOW * rate), 2 * hop)
    return LogMel(rate, MELS, window, hop, fft=max(FFT, 1 << (window - 1).bit_length()))
