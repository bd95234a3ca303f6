"""Sequences of NAS-Bench-360: muscle and heart signals, satellite time series, and DNA."""

from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.npy import map_npy, map_npz
from pare.data.formats.pickles import entries, load_object_array, load_pickle
from pare.data.own.file_checks import check_finite, check_shape, class_codes, one_file
from pare.storage.samples import Samples

PUBLISHED_PARTS = {"train": "train", "validation": "val", "test": "test"}
RHYTHMS = {"N": "normal rhythm", "A": "atrial fibrillation", "O": "other rhythm", "~": "noisy"}
WINDOW = 1000  # samples at 300 Hz
STRIDES = {"N": 500, "A": 83, "O": 250, "~": 25}  # rare classes are cut more densely, in the test part as well


def ninapro_npy(folder: Path) -> dict[str, Samples]:
    """NinaPro DB5 of NAS-Bench-360: windows of 52 time steps from 16 electrodes on the forearm, to 18 gestures.

    Args:
        folder: holds ``ninapro_{train,val,test}.npy`` and ``label_{train,val,test}.npy``.

    Returns:
        ``train``, ``validation`` and ``test``: signals ``(rows, 1, 16, 52)`` float32, electrodes by time, and the
        gestures.

    Raises:
        PareError: if a file is missing or damaged, or has another shape; on reading, if a value is not finite.
    """

    def part(published: str) -> Samples:
        path, label_path = (one_file(folder, f"{kind}_{published}.npy") for kind in ("ninapro", "label"))
        signals = check_shape(map_npy(path), (None, 52, 16), str(path))
        codes = class_codes(map_npy(label_path), len(signals), str(label_path))

        def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            x = signals[start:stop].astype(np.float32).transpose(0, 2, 1)[:, None]
            check_finite(x, path, "the signal", start)
            return x, codes[start:stop]

        return Samples(count=len(codes), read=read)

    return {name: part(published) for name, published in PUBLISHED_PARTS.items()}


def ecg_challenge2017(folder: Path) -> dict[str, Samples]:
    """ECG of NAS-Bench-360: windows of single-lead recordings to 4 rhythms (PhysioNet challenge 2017).

    A recording has mean 0 and standard deviation 1. One recording in ten, drawn as NAS-Bench-360 does, is for
    the test. Windows of 1000 samples start every 25 to 500 samples, by class, and before the last 1000 samples of
    their recording. The recordings are in memory, 170 MB in the publisher's type.

    Args:
        folder: holds ``challenge2017.pkl``.

    Returns:
        ``train`` and ``test``: windows ``(rows, 1, 1000)`` float32 and the rhythms of their recordings; ``groups``
        is the number of the recording in the file. Recordings are in the order in which they were drawn.

    Raises:
        PareError: if the file is missing, damaged or not as the publisher's; on reading, if a recording is
            constant or not finite.
    """
    path = one_file(folder, "challenge2017.pkl")
    recordings, labels = entries(load_pickle(path), ("data", "label"), str(path))
    if not all(isinstance(held, list | np.ndarray) for held in (recordings, labels)):
        raise PareError(f"{path}: data and label are not lists or arrays; put the publisher's file there")
    if not 2 <= len(recordings) == len(labels):
        raise PareError(f"{path} holds {len(recordings)} recordings and {len(labels)} labels; remove it and {FETCH}")
    unknown = sorted({str(label) for label in labels} - set(RHYTHMS))
    if unknown:
        raise PareError(f"{path} holds the labels {', '.join(unknown)}; expected {', '.join(RHYTHMS)}")
    recordings = [check_shape(r, (None,), f"{path}: recording {i}") for i, r in enumerate(recordings)]
    train, test = train_test_split(np.arange(len(recordings)), test_size=0.1, random_state=0)
    return {name: _windows(recordings, labels, chosen, path) for name, chosen in (("train", train), ("test", test))}


def _windows(recordings: list[np.ndarray], labels: np.ndarray, chosen: np.ndarray, path: Path) -> Samples:
    """The windows of the chosen recordings, in their order."""
    codes = np.array([list(RHYTHMS).index(labels[i]) for i in chosen])
    strides = np.array(list(STRIDES.values()))[codes]
    last = np.array([len(recordings[i]) - WINDOW for i in chosen])  # no window starts here
    counts = np.maximum(-(-last // strides), 0)
    first_row = np.cumsum(counts) - counts
    groups = np.repeat(chosen, counts)
    starts = (np.arange(len(groups)) - np.repeat(first_row, counts)) * np.repeat(strides, counts)
    y = np.repeat(codes, counts).astype(np.int64)

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.empty((stop - start, 1, WINDOW), np.float32)
        for recording in np.unique(groups[start:stop]):
            signal = _standardised(recordings[recording], recording, path)
            for row in np.flatnonzero(groups[start:stop] == recording):
                x[row, 0] = signal[starts[start + row] :][:WINDOW]
        return x, y[start:stop]

    return Samples(count=len(y), read=read, classes=list(RHYTHMS.values()), groups=groups)


def _standardised(signal: np.ndarray, number: int, path: Path) -> np.ndarray:
    spread = signal.std()
    if not (np.isfinite(spread) and spread > 0):
        raise PareError(
            f"{path}: recording {number} is constant or not finite; the file is damaged, remove it and {FETCH}"
        )
    return (signal - signal.mean()) / spread


def satellite_npy(folder: Path) -> dict[str, Samples]:
    """Satellite of NAS-Bench-360: a pixel at 46 dates to 24 kinds of land cover (Petitjean et al. 2012).

    Both files are pickles inside ``.npy`` and are in memory as a whole: 360 MB.

    Args:
        folder: holds ``satellite_train.npy`` and ``satellite_test.npy``.

    Returns:
        ``train`` and ``test``: series ``(rows, 1, 46)`` float32 and classes; the publisher's 1 to 24 are 0 to 23.

    Raises:
        PareError: if a file is missing, damaged or not as the publisher's; on reading, if a value is not finite.
    """

    def part(name: str) -> Samples:
        path = one_file(folder, f"satellite_{name}.npy")
        content = load_object_array(path)
        series, labels = entries(content.item() if content.shape == () else content, ("data", "label"), str(path))
        series = check_shape(series, (None, 46), f"{path}: data")
        published = class_codes(labels, len(series), f"{path}: label")
        if len(published) and not 1 <= published.min() <= published.max() <= 24:
            raise PareError(f"{path} holds labels from {published.min()} to {published.max()}; expected 1 to 24")
        codes = published - 1

        def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            x = series[start:stop, None].astype(np.float32)
            check_finite(x, path, "data", start)
            return x, codes[start:stop]

        return Samples(count=len(codes), read=read)

    return {name: part(name) for name in ("train", "test")}


def deepsea_npz(folder: Path) -> dict[str, Samples]:
    """DeepSEA of NAS-Bench-360: 1000 bases of DNA to 36 features of chromatin (Zhou and Troyanskaya 2015).

    Rows are read from the file when they are asked for; only what is being read is in memory.

    Args:
        folder: holds ``deepsea_filtered.npz``.

    Returns:
        ``train``, ``validation`` and ``test``: bases ``(rows, 4, 1000)``, 1 where the base is, and labels
        ``(rows, 36)``, 0 or 1; float32.

    Raises:
        PareError: if the file is missing or damaged, or arrays have other shapes; on reading, if a value is not
            finite or a label neither 0 nor 1.
    """
    path = one_file(folder, "deepsea_filtered.npz")
    arrays = map_npz(path, tuple(f"{axis}_{part}" for part in PUBLISHED_PARTS.values() for axis in "xy"))

    def part(published: str) -> Samples:
        bases = check_shape(arrays[f"x_{published}"], (None, 1000, 4), f"{path}: x_{published}")
        labels = check_shape(arrays[f"y_{published}"], (len(bases), 36), f"{path}: y_{published}")

        def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            x = bases[start:stop].astype(np.float32).transpose(0, 2, 1)
            y = labels[start:stop].astype(np.float32)
            check_finite(x, path, f"x_{published}", start)
            if not np.isin(y, (0, 1)).all():
                raise PareError(f"{path}: y_{published} holds other values than 0 and 1; remove it and {FETCH}")
            return x, y

        return Samples(count=len(bases), read=read)

    return {name: part(published) for name, published in PUBLISHED_PARTS.items()}
