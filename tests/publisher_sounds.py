"""Raw files of sounds in their publisher's layout."""

import io
import json
import wave
import zipfile
from pathlib import Path

import numpy as np


def write_fsd50k(folder: Path, clips: int = 12, labels: int = 200, seed: int = 0) -> dict:
    """``audio.zip`` of NAS-Bench-360 with as many clips a part, each of one to four chunks, and noise.

    Returns:
        ``labels``, their names by number, and per part (``tr``, ``val``, ``eval``) and clip its label names and its
        chunks as stored, int16 at 22,050 Hz.
    """
    draw = np.random.default_rng(seed)
    names = [f"Sound_{code}_(test)" for code in draw.permutation(labels)]
    written: dict = {"labels": names}
    with zipfile.ZipFile(folder / "audio.zip", "w") as archive:
        archive.writestr("data/chunks/lbl_map.json", json.dumps({name: code for code, name in enumerate(names)}))
        for p, part in enumerate(("tr", "val", "eval")):
            lines, written[part] = [], {}
            for c in range(clips):
                clip = 1000 * (p + 1) + 7 * c
                held = [names[c % labels], *draw.choice(names, 2)][: 1 + c % 3]
                chunks = []
                for j in range(1 + c % 4):
                    tone = np.sin(2 * np.pi * draw.uniform(100, 8000) * np.arange(22_050) / 22_050)
                    sound = (9000 * tone + draw.normal(0, 900, 22_050)).astype(np.int16)
                    file = f"chunks/{part}/{clip}_{j:04d}.wav"
                    archive.writestr(f"data/{file}", wav(sound))
                    lines.append(f'data/{file},"{",".join(held)}",{clip}\n')
                    chunks.append(sound)
                written[part][clip] = (held, chunks)
            lines = [lines[i] for i in draw.permutation(len(lines))]
            archive.writestr(f"data/chunks/{part}.csv", "files,labels,ext\n" + "".join(lines))
        archive.writestr("data/noise_22050/noise-0.wav", wav(np.zeros(22_050, np.int16)))
    return written


def wav(sound: np.ndarray, rate: int = 22_050, channels: int = 1) -> bytes:
    """A WAV file of 16-bit sound."""
    content = io.BytesIO()
    with wave.open(content, "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes(sound.astype("<i2").tobytes())
    return content.getvalue()
