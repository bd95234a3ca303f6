"""The probe against its rivals on real tables and series, over several splits; a line for each fit, resumable.

    OMP_NUM_THREADS=1 python benchmarks/probe.py tables    # eight tables, half of the rows for training
    OMP_NUM_THREADS=1 python benchmarks/probe.py series    # six series that sktime ships; split 0 is the published one
    python benchmarks/probe.py tables --show               # means, and paired tests with data sets as units

Fits are appended to docs/probe_tables.csv and docs/probe_series.csv; those that are there are not repeated. All rows
of the training part are used, nothing is chosen on test rows. `random` is the probe on the same encoder with random
weights. CPU seconds are those of fit and prediction in this process.
"""

import argparse
import csv
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import wilcoxon
from sklearn.model_selection import train_test_split
from sktime.datasets import load_UCR_UEA_dataset

from pare.baselines import Problem, fit_baseline
from pare.config import BaselineRun, Library, Run, resolve, resolve_baseline
from pare.config_loader import RunConfigLoader
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import score
from pare.raw.options import bind_options
from pare.raw.origins.ingest import ingest
from pare.raw.origins.registry import find_origin
from pare.raw.readers.registry import READERS
from pare.settings import CONFIG_LOADER_ARGS
from pare.start import SolvedStart
from pare.storage.store import ArrayStore, write_store
from pare.training import SourceFolders, TrainedModel
from pare.training.losses import build_loss

PROJECT = Path(__file__).parents[1]
SPLITS = 5
METHODS = {
    "tables": ("probe", "random", "logistic_regression", "catboost"),
    "series": ("probe", "random", "minirocket"),
}
SERIES = {
    "gunpoint": "GunPoint",
    "arrow_head": "ArrowHead",
    "osu_leaf": "OSULeaf",
    "italy_power_demand": "ItalyPowerDemand",
    "japanese_vowels": "JapaneseVowels",
    "basic_motions": "BasicMotions",
}
VOWELS = 29  # points to which series of different lengths are resampled: the longest of the Japanese vowels

Part = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Cut:
    """One split of one data set; parts are inputs and classes, ``(rows, …)`` and ``(rows,)``."""

    name: str
    split: int
    task: dict
    train: Part
    test: Part
    categories: list[int] = field(default_factory=list)


def main() -> None:
    """Run the fits that are missing, or show what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=METHODS)
    parser.add_argument("--splits", type=int, default=SPLITS, help="splits of each data set, the published one first")
    parser.add_argument("--show", action="store_true", help="show the results and fit nothing")
    arguments = parser.parse_args()
    path = PROJECT / f"docs/probe_{arguments.kind}.csv"
    if not arguments.show:
        warnings.filterwarnings("ignore")
        _fit_missing(arguments.kind, arguments.splits, path)
    _show(pd.read_csv(path))


def _fit_missing(kind: str, splits: int, path: Path) -> None:
    loader = RunConfigLoader(conf_source=str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    library, parameters = loader.library, dict(loader["parameters"])
    known = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["data", "split", "method"])
    done = set(known[["data", "split", "method"]].itertuples(index=False, name=None))
    for cut in (_tables if kind == "tables" else _series)(library, splits):
        own = Library(**{**library.model_dump(), "tasks": {cut.name: cut.task}})
        for method in METHODS[kind]:
            if (cut.name, cut.split, method) in done:
                continue
            value, seconds = _fit(own, parameters, cut, method)
            line = {"data": cut.name, "split": cut.split, "method": method, "value": value, "cpu_seconds": seconds}
            _append(path, line)
            print(line, flush=True)


def _append(path: Path, line: dict) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(line), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(line)


def _fit(library: Library, parameters: dict, cut: Cut, method: str) -> tuple[float, float]:
    """Metric of the test rows, and CPU seconds."""
    name, test = "probe" if method == "random" else method, cut.test
    own = parameters | {"task": cut.name, "seed": cut.split, "protocol": "paper", "method": name}
    with tempfile.TemporaryDirectory() as folder:
        store = _store(Path(folder) / "store.h5", cut)
        started = time.process_time()
        if method in library.baselines:
            run = resolve_baseline(library, own, {})
            prediction = _baseline(run, store)(test[0])
        else:
            run = resolve(library, own, {})
            if method == "random":
                run = run.model_copy(update={"method": run.method.model_copy(update={"initialisation": "random"})})
            prediction = _probe(run, store, Path(folder))(test[0])
        seconds = time.process_time() - started
    return score(build_metric(run.metric, run.task.output), prediction, test[1]), round(seconds, 2)


def _store(path: Path, cut: Cut) -> ArrayStore:
    parts = {"train": cut.train, "test": cut.test}
    write_store(
        path,
        rows={part: len(x) for part, (x, _) in parts.items()},
        blocks=[(part, {"x": x, "y": y}) for part, (x, y) in parts.items()],
        statistics={},
        fingerprint=cut.name,
        description={"categories": cut.categories},
    )
    return ArrayStore(path)


def _baseline(run: BaselineRun, store: ArrayStore) -> Callable[[np.ndarray], np.ndarray]:
    loss, metric = build_loss(run.task.loss, run.task.output.kind), build_metric(run.metric, run.task.output)
    rows = np.arange(len(store.rows("train")))
    return fit_baseline(run, Problem(run.task, store, rows, run.seed, False, 1.0, metric, loss)).predict


def _probe(run: Run, store: ArrayStore, folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    raw = PROJECT / "data/01_raw"
    encoder, proxy = raw / "encoders" / run.source_name, raw / "proxies" / run.proxy_name
    manifests = tuple(ingest(*pair).fingerprint for pair in ((run.source.encoder, encoder), (run.proxy.raw, proxy)))
    source = SourceFolders(encoder, proxy, manifests)
    SolvedStart(run, store, source, build_metric(run.metric, run.task.output)).write(folder / "model")
    model = TrainedModel.load(folder / "model").model

    def forward(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.concatenate([model(torch.from_numpy(x[i : i + 64])).numpy() for i in range(0, len(x), 64)])

    return forward


def _tables(library: Library, splits: int) -> Iterator[Cut]:
    """The tables that need no network, each half and half, stratified."""
    for name in library.tasks:
        task = library.task(name)
        raw = task.raw.chosen
        if task.kind != "table" or find_origin(raw.origin).needs_network:
            continue
        folder = PROJECT / "data/01_raw" / name
        ingest(raw, folder)
        reader = bind_options("reader", task.reader.name, READERS[task.reader.name], task.reader.options)
        samples = reader(folder)["all"]
        x, y = samples.read(0, samples.count)
        categories = [len(levels or []) for levels in samples.categories or []]
        for split in range(splits):
            rows = train_test_split(np.arange(len(y)), test_size=0.5, random_state=split, stratify=y)
            train, test = ((x[part], y[part]) for part in rows)
            yield Cut(name, split, library.tasks[name], train, test, categories)


def _series(library: Library, splits: int) -> Iterator[Cut]:
    """The series that sktime ships: the published split, then stratified resamples of the same sizes."""
    for name, published in SERIES.items():
        parts = [load_UCR_UEA_dataset(published, split=split, return_X_y=True) for split in ("train", "test")]
        x = np.concatenate([_equally_long(frame) for frame, _ in parts])
        y = np.unique(np.concatenate([labels for _, labels in parts]), return_inverse=True)[1]
        n = len(parts[0][1])
        task = _own_task(name, x.shape, int(y.max()) + 1)
        for split in range(splits):
            rows = np.arange(len(y))
            if split:
                rows = np.concatenate(train_test_split(rows, train_size=n, random_state=split, stratify=y))
            yield Cut(name, split, task, (x[rows[:n]], y[rows[:n]]), (x[rows[n:]], y[rows[n:]]))


def _equally_long(frame: pd.DataFrame) -> np.ndarray:
    """``(rows, channels, points)``; series of different lengths are resampled."""
    rows = [[np.asarray(cell, float) for cell in row] for row in frame.itertuples(index=False)]
    lengths = {len(series) for row in rows for series in row}
    length = lengths.pop() if len(lengths) == 1 else VOWELS
    ends = np.linspace(0, 1, length)
    return np.array(
        [[np.interp(ends, np.linspace(0, 1, len(series)), series) for series in row] for row in rows], np.float32
    )


def _own_task(name: str, shape: tuple[int, ...], classes: int) -> dict:
    return {
        "title": name,
        "raw": {"files": ["none"]},
        "reader": {"name": "arrays"},
        "samples": {"all": shape[0]},
        "input": {"shape": list(shape[1:])},
        "output": {"kind": "classification", "shape": [classes]},
    }


def _show(results: pd.DataFrame) -> None:
    means = results.groupby(["data", "method"])["value"].mean().unstack()
    print(means.round(4).to_string())
    print("\nmean over the data sets")
    print(means.mean().round(4).to_string())
    print("\nCPU seconds of a fit")
    print(results.groupby("method")["cpu_seconds"].mean().round(1).to_string())
    for other in means.columns.drop("probe"):
        p = wilcoxon(means["probe"], means[other]).pvalue
        print(f"probe against {other}: Wilcoxon over {len(means)} data sets, p = {p:.3f}")


if __name__ == "__main__":
    main()
