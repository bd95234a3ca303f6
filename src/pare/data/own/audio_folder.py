"""Folders of sounds."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import PositiveFloat, PositiveInt

from pare.config.words import counted
from pare.data.formats.sound import SUFFIXES, LogMel, SoundFacts, read_sound, sound_facts
from pare.data.own.class_folders import ClassFolder
from pare.data.own.findings import Question
from pare.data.own.format import Known, NewRows
from pare.data.own.labelled_files import FileKind

logger = logging.getLogger(__name__)
RATE = 22_050  # Hz
MELS = 128
FRAMES = 128  # about, of sounds that are long enough for frames every 10 ms
HOP, WINDOW = 0.010, 0.025  # seconds, at least
FFT = 2048  # samples, at least
WHOLE_SOUNDS = 0.9  # fraction of the sounds that are used whole
LONGEST_SOUND = 10.0  # seconds that are used


class AudioFolder(ClassFolder):
    """Sounds in folders that are named after their classes, see `ClassFolder`.

    Inputs are spectrograms ``(rows, 1, 128, frames)`` in decibels float32, see `spectrogram_settings`.

    Attributes:
        seconds: length to which each sound is brought: a longer one is cut, a shorter one is followed by silence.
        rate: to which sounds are resampled, in Hz; frequencies above half of it are lost.
    """

    name: ClassVar = "audio_folder"
    kind: ClassVar = FileKind("sound", SUFFIXES)
    files: ClassVar = f"one folder of {kind}, in folders of their classes"
    seconds: PositiveFloat
    rate: PositiveInt = RATE

    @classmethod
    def propose(cls, paths: Sequence[Path], question: Question) -> tuple[dict[str, Any], dict[str, str]]:  # noqa: D102
        facts = [sound_facts(path) for path in paths]
        seconds = np.array([fact.seconds for fact in facts])
        used, rate = _used_seconds(seconds), min(RATE, *(fact.rate for fact in facts))
        notes = {"seconds": _seconds_note(seconds, used), "rate": _rate_note(facts, rate)}
        return {"seconds": used, "rate": rate}, notes

    def inputs(self, paths: Sequence[Path]) -> np.ndarray:  # noqa: D102
        settings, length = spectrogram_settings(self.seconds, self.rate), round(self.seconds * self.rate)
        sounds = [read_sound(path, self.rate, self.seconds) for path in paths]
        return np.stack([settings(np.pad(s, (0, length - len(s)))) for s in sounds])[:, None].astype(np.float32)

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:
        """As any files in folders; a warning names the first sound of a lower rate than those of the task."""
        found = super().new_rows(rows, known)
        if isinstance(rows, Path):
            paths = [rows / str(name) for name in found.names] if rows.is_dir() else [rows]
            slow = {path.name: rate for path in paths if (rate := sound_facts(path).rate) < self.rate}
            if slow:
                name, rate = next(iter(slow.items()))
                logger.warning(
                    "%s a lower rate than the %d Hz of the task, and nothing of the higher frequencies that it learnt "
                    "from: the first is %s, %d Hz.",
                    *(f"{counted(len(slow), 'sound')} {'has' if len(slow) == 1 else 'have'}", self.rate, name, rate),
                )
        return found

    @property
    def columns(self) -> list[str]:  # noqa: D102
        return ["log-mel power"]


def spectrogram_settings(seconds: float, rate: int) -> LogMel:
    """Frames of 25 ms every 10 ms; of longer sounds about 128 frames, each twice as wide as it is far to the next."""
    hop = max(round(HOP * rate), round(seconds * rate / FRAMES))
    window = max(round(WINDOW * rate), 2 * hop)
    return LogMel(rate, MELS, window, hop, fft=max(FFT, 1 << (window - 1).bit_length()))


def _used_seconds(seconds: np.ndarray) -> float:
    """The length of the sounds, but of the few that are longest; two digits of it."""
    wanted = min(float(np.quantile(seconds, WHOLE_SOUNDS)), LONGEST_SOUND)
    return float(f"{wanted:.2g}")


def _seconds_note(seconds: np.ndarray, used: float) -> str:
    longer = int((seconds > 1.01 * used).sum())
    cut = f"the first {used:g} s of {counted(longer, 'longer sound')} are used, " if longer else ""
    return f"theirs are {seconds.min():.2g} to {seconds.max():.3g}; {cut}shorter ones are followed by silence"


def _rate_note(facts: Sequence[SoundFacts], rate: int) -> str:
    rates = sorted({fact.rate for fact in facts})
    most = max(fact.channels for fact in facts)
    mean = "; the mean of their channels is taken" if most > 1 else ""
    listed = ", ".join(map(str, rates[:4])) + (", …" if len(rates) > 4 else "")
    return f"Hz to which sounds are resampled, theirs have {listed}{mean}"
