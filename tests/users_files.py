"""A user's own files as tests write them, and how tests look into them."""

import h5py
import numpy as np
import pandas as pd
from PIL import Image

from pare.config.schema import ReaderConfig
from pare.data.own.findings import Question
from pare.data.own.look import inspect_files
from pare.data.registries import open_raw_files

RNG = np.random.default_rng(0)
N = 60
CLASSES = np.arange(N) % 3
NUMBERS = RNG.normal(size=N)
TABLE = pd.DataFrame(
    {"mass": NUMBERS, "count": RNG.integers(0, 500, N), "site": [["north", "south"][i % 2] for i in range(N)]}
)
SERIES = np.random.default_rng(1).normal(size=(N, 2, 40))
STATES = RNG.normal(size=(20, 5, 16, 2)).astype(np.float32)  # samples, time, points, channels


def table(path, delimiter=",", **columns):
    TABLE.assign(**columns).to_csv(path / "t.csv", index=False, sep=delimiter)
    return [path / "t.csv"]


def npz(path, **content):
    np.savez(path / "f.npz", **content)
    return [path / "f.npz"]


def look(paths, *target, **question):
    return inspect_files(paths, Question(target=target, **question))


def read(name, folder, **options):
    """The samples of a folder, as configuration asks for them."""
    return open_raw_files(ReaderConfig(name=name, options=options), folder)


def all_rows(samples):
    """Inputs and targets of every row."""
    return samples.read(0, samples.count)


def read_found(found, folder):
    """The samples that a first look proposes."""
    return read(found.reader, folder, **found.options)


def facts(found):
    return found.kind, found.output_shape, found.input_shape


def npy_pairs(folder):
    for part, rows in (("train", slice(0, 45)), ("test", slice(45, N))):
        np.save(folder / f"x_{part}.npy", SERIES[rows])
        np.save(folder / f"{part}-y.npy", CLASSES[rows])
    return sorted(folder.glob("*.npy"))


def hdf5_groups(folder):
    with h5py.File(folder / "f.h5", "w") as file:
        for part, rows in (("train", slice(0, 45)), ("test", slice(45, N))):
            file[f"{part}/x"], file[f"{part}/y"] = SERIES[rows], CLASSES[rows]
    return [folder / "f.h5"]


def grouped(path):
    with h5py.File(path, "w") as file:
        for i, states in enumerate(STATES):
            file[f"{i:04}/data"], file[f"{i:04}/grid/x"] = states, np.arange(16)
    return [path]


def npz_groups(folder):
    parts = {"train": slice(0, 45), "test": slice(45, N)}
    content = {f"{part}/x": SERIES[rows] for part, rows in parts.items()}
    return npz(folder, **content, **{f"{part}/y": CLASSES[rows] for part, rows in parts.items()})


def npz_per_part(folder):
    for part, rows in (("train", slice(0, 45)), ("test", slice(45, N))):
        np.savez(folder / f"run_{part}.npz", x=SERIES[rows], y=CLASSES[rows])
    return sorted(folder.glob("*.npz"))


def series_frames():
    """Series of 12 to 20 points as tables, by their names: two channels, a number of the point, and a day."""
    frames = {}
    for i in range(12):
        points = np.arange(12 + 2 * (i % 5))
        days = (pd.Timestamp("2024-01-01") + pd.to_timedelta(points + i, "D")).strftime("%Y-%m-%d")
        frames[f"s{i:02}"] = pd.DataFrame(
            {"point": points, "day": days, "u": RNG.normal(size=len(points)), "v": RNG.normal(size=len(points))}
        )
    return frames


def long_table(path, frames):
    rows = [
        frame.assign(id=name, kind=["walk", "run"][i % 2], person=f"p{i // 4}")
        for i, (name, frame) in enumerate(frames.items())
    ]
    pd.concat(rows).to_csv(path / "long.csv", index=False)
    return [path / "long.csv"]


def series_files(path, frames, **written):
    for i, (name, frame) in enumerate(frames.items()):
        folder = path / "walks" / ["walk", "run"][i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / f"{name}.csv", **{"index": False} | written)
    return [path / "walks"]


def images(folder, *sizes, mode="RGB"):
    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(4):
            image = Image.new(mode, sizes[i % len(sizes)][::-1])
            image.putpixel((i, int(name == "dog")), 255)  # no two are equal
            image.save(folder / "photos" / name / f"{i}.png")
    return [folder / "photos"]
