"""Log-mel spectrograms: how loud a sound is, over time and over bands that are spaced as people hear."""

from dataclasses import dataclass
from functools import cache

import numpy as np

FLOOR = 80.0  # decibels below the loudest; what is fainter is raised to it


@dataclass(frozen=True)
class LogMel:
    """The settings of a spectrogram.

    Attributes:
        rate: of the sound, in Hz.
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
