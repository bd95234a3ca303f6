"""FSD50K of NAS-Bench-360: log-mel spectrograms of sound clips in chunks of one second (Fonseca et al. 2021)."""

import json
import struct
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
from pydantic import NonNegativeInt, PositiveInt
from scipy.io import wavfile

from pare.config.errors import PareError
from pare.data.formats.archives import folder_of, open_zip, zip_member
from pare.data.formats.sound import LogMel
from pare.data.own.file_checks import check_finite, one_file
from pare.storage.samples import Samples

RATE = 22_050  # Hz
CHUNK = RATE  # samples: one second
MELS = 96
FFT = 20 * MELS  # samples of a frame, most of them zero
WINDOW = 661  # samples that a frame sees: 30 ms
HOP = 220  # samples from frame to frame: 10 ms
FRAMES = CHUNK // HOP + 1
SPECTROGRAM = LogMel(RATE, MELS, WINDOW, HOP, FFT)
INDEX = "chunks/tr.csv"


def fsd50k_chunks(
    folder: Path,
    chunks_per_clip: PositiveInt = 1,
    test_chunks_per_clip: PositiveInt | None = None,
    seed: NonNegativeInt = 0,
) -> dict[str, Samples]:
    """FSD50K of NAS-Bench-360: log-mel spectrograms of one second to the labels of the clip that it is from.

    A chunk begins every half second of a clip. Its spectrogram has 96 mel bands (HTK scale, 0 to 11,025 Hz) and
    101 frames of 30 ms every 10 ms, in decibels at most 80 below the loudest, minus their mean; the publisher adds
    one column of zeros.

    Args:
        folder: holds ``audio.zip``.
        chunks_per_clip: how many chunks of a training clip are rows, drawn by the seed; all of a shorter clip.
        test_chunks_per_clip: how many chunks of a test clip are rows, evenly spaced; a clip with fewer gives some
            of them again, so that every clip has as many rows. All, once each, by default.
        seed: seed that chooses and orders training chunks.

    Returns:
        ``train`` and ``test``: spectrograms ``(rows, 1, 96, 102)`` and labels 0 or 1 ``(rows, 200)``, float32.
        ``groups`` is the number of the clip.

    Raises:
        PareError: if the archive is missing or damaged, lacks a chunk, or its index has an unknown label; on
            reading, if a chunk is not mono sound of 22,050 Hz.
    """
    path = one_file(folder, "audio.zip")
    archive = open_zip(path)
    root = folder_of(archive.namelist(), INDEX, path)
    names = _label_names(archive, f"{root}chunks/lbl_map.json")
    train, test = (_index(archive, f"{root}chunks/{part}.csv", root, names) for part in ("tr", "eval"))
    drawn = train.sample(frac=1, random_state=seed).groupby("clip", sort=False).head(chunks_per_clip)
    spaced = test if test_chunks_per_clip is None else test.iloc[_spaced(test["clip"], test_chunks_per_clip)]
    return {
        "train": _part(archive, drawn, names),
        "test": _part(archive, spaced, names),
    }


def log_mel(sound: np.ndarray) -> np.ndarray:
    """Log-mel spectrogram of a second of sound ``(22050,)``, ``(96, 102)`` in decibels about the mean of the chunk.

    The publisher's settings; torchaudio's MelSpectrogram's where its loader sets none. That loader adds 75 dB before it
    subtracts the mean, which changes nothing.
    """
    decibels = SPECTROGRAM(sound)
    return np.pad(decibels - decibels.mean(), ((0, 0), (0, 1)))


def _part(archive: ZipFile, index: pd.DataFrame, names: list[str]) -> Samples:
    members, labels = index["member"].to_list(), index["labels"].to_list()
    codes = {name: code for code, name in enumerate(names)}

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.empty((stop - start, 1, MELS, FRAMES + 1), np.float32)
        y = np.zeros((stop - start, len(names)), np.float32)
        for i, row in enumerate(range(start, stop)):
            x[i, 0] = log_mel(_sound(archive, members[row]))
            y[i, [codes[name] for name in labels[row].split(",")]] = 1
        check_finite(x, Path(str(archive.filename)), "a spectrogram", start)
        return x, y

    return Samples(
        count=len(index), read=read, columns=["log-mel power"], classes=names, groups=pd.factorize(index["clip"])[0]
    )


def _sound(archive: ZipFile, member: str) -> np.ndarray:
    """A chunk as numbers between -1 and 1, ``(22050,)`` float32; a shorter one is repeated, a longer one cut."""
    where = f"{archive.filename}: {member}"
    try:
        rate, sound = wavfile.read(zip_member(archive, member))
    except (ValueError, EOFError, struct.error) as error:
        raise PareError(f"{where} cannot be read as sound ({error}). Put the publisher's file there") from error
    if rate != RATE or sound.ndim != 1 or sound.dtype != np.int16 or not len(sound):
        raise PareError(
            f"{where} is {sound.dtype} {sound.shape} at {rate} Hz; expected mono sound of 16 bit at {RATE} Hz. "
            "Put the publisher's file there"
        )
    return np.resize(sound, CHUNK).astype(np.float32) / 32_768


def _label_names(archive: ZipFile, member: str) -> list[str]:
    """Names of the labels in the order of their numbers."""
    try:
        codes = json.loads(zip_member(archive, member).read())
        names = sorted(codes, key=codes.__getitem__)
        if [codes[name] for name in names] != list(range(len(names))):
            raise ValueError("the numbers are not 0, 1, 2, …")
    except (ValueError, TypeError, AttributeError) as error:
        raise PareError(
            f"{archive.filename}: {member} is not a table of label names and numbers ({error}). "
            "Put the publisher's file there"
        ) from error
    return names


def _index(archive: ZipFile, member: str, root: str, names: list[str]) -> pd.DataFrame:
    """One row a chunk, by clip: ``clip``, ``labels`` (names with commas between), and ``member`` of the archive."""
    where = f"{archive.filename}: {member}"
    columns = {"files": "member", "labels": "labels", "ext": "clip"}
    try:
        table = pd.read_csv(zip_member(archive, member), usecols=list(columns), dtype=str)
    except ValueError as error:  # pandas' errors for damaged tables and absent columns are ValueErrors
        raise PareError(
            f"{where} cannot be read ({error}); expected columns files, labels, ext. Put the publisher's file there"
        ) from error
    table = table.rename(columns=columns)
    # Paths are relative to the publisher's folder data, which may be packed under another name.
    table["member"] = root + table["member"].str.removeprefix("data/")
    known = set(names)
    for row in table.itertuples():
        if row.member not in archive.NameToInfo:
            raise PareError(f"{where} names {row.member}, which the archive lacks; put the publisher's file there")
        if not known.issuperset(str(row.labels).split(",")):
            raise PareError(f"{where} has labels {row.labels} that lbl_map.json lacks; put the publisher's file there")
    return table.sort_values(["clip", "member"], kind="stable", ignore_index=True)


def _spaced(clips: pd.Series, count: int) -> np.ndarray:
    """Row numbers of as many chunks of each clip, evenly spaced from its first to its last; rows come clip by clip."""
    chunks = clips.groupby(clips, sort=False).size().to_numpy()
    steps = np.linspace(0, chunks - 1, count, axis=1).round().astype(int)
    return (chunks.cumsum()[:, None] - chunks[:, None] + steps).ravel()
