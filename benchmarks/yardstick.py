"""Methods and rivals on real tables, series and images that need no network, over several splits; resumable.

    OMP_NUM_THREADS=1 python benchmarks/yardstick.py run tables pare catboost     # fits that are missing
    OMP_NUM_THREADS=1 python benchmarks/yardstick.py run series pare --splits 1 --set training.learning_rate=5e-5
    python benchmarks/yardstick.py score                                          # reads the test rows
    python benchmarks/yardstick.py show                                           # means, ranks and paired tests

Half of a table's rows train, four fifths of the images; split 0 of a series is the published one, the others are
stratified resamples of the same sizes. A tenth of the training rows, or the most that classes allow, is for validation,
as in `kedro run`. A fit is a line of docs/yardstick/KIND.csv with the validation metric and CPU seconds; predictions of
the test rows lie in data/yardstick until `score` compares them. Each fit takes one thread.
"""

import argparse
import csv
import re
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from scipy.stats import wilcoxon
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from sktime.datasets import load_UCR_UEA_dataset

from pare.baselines import Problem, fit_baseline
from pare.choice.choice import Choice
from pare.choice.chosen import ChosenModel
from pare.config import BaselineRun, ChoiceRun, Library, Run, resolve, resolve_baseline, resolve_choice
from pare.config.candidates import CHOOSE
from pare.config_loader import RunConfigLoader
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.prediction import score
from pare.raw.options import bind_options
from pare.raw.origins.ingest import ingest
from pare.raw.origins.registry import find_origin
from pare.raw.readers.registry import READERS
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.atomic import atomic_path
from pare.storage.store import ArrayStore, write_store
from pare.training import FineTuning, SourceFolders, TrainedModel
from pare.training.losses import build_loss
from pare.training.saved_model import SavedModel

PROJECT = Path(__file__).parents[1]
RESULTS, PREDICTIONS = PROJECT / "docs/yardstick", PROJECT / "data/yardstick"
SPLITS = 5
SERIES = {
    "gunpoint": "GunPoint",
    "arrow_head": "ArrowHead",
    "osu_leaf": "OSULeaf",
    "italy_power_demand": "ItalyPowerDemand",
    "japanese_vowels": "JapaneseVowels",
    "basic_motions": "BasicMotions",
    "acsf1": "ACSF1",
}
VOWELS = 29  # points to which series of different lengths are resampled: the longest of the Japanese vowels
BATCH_ROWS = 64
COLUMNS = ("data", "split", "method", "settings", "validation", "kept", "test", "cpu_seconds")

Part = tuple[np.ndarray, np.ndarray]  # inputs (rows, …) and classes or numbers (rows, …)


@dataclass(frozen=True)
class Cut:
    """One split of one data set."""

    name: str
    split: int
    task: dict
    train: Part
    test: Part
    categories: list[list[str] | None] = field(default_factory=list)


@dataclass(frozen=True)
class Fit:
    """What a fit gives: the validation metric, what was kept, predictions of the test rows, and CPU seconds."""

    validation: float | None
    kept: str
    prediction: np.ndarray
    seconds: float


def main() -> None:
    """Run the fits that are missing, score or show what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make the fits that are missing")
    run.add_argument("kind", choices=CUTS)
    run.add_argument("methods", nargs="+", help="methods and baselines")
    run.add_argument("--splits", type=int, default=SPLITS, help="the first so many splits of each data set")
    run.add_argument("--data", help="this data set only")
    run.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="as for kedro run --params")
    commands.add_parser("score", help="compare the predictions with the test rows")
    commands.add_parser("show", help="means over the splits, ranks and tests")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.command == "run":
        warnings.filterwarnings("ignore")
        _run(arguments)
    elif arguments.command == "score":
        _score()
    else:
        _show()


def _run(arguments: argparse.Namespace) -> None:
    library, parameters = configuration()
    path, settings = RESULTS / f"{arguments.kind}.csv", " ".join(sorted(arguments.set))
    for cut in CUTS[arguments.kind](library):
        if cut.split >= arguments.splits or arguments.data not in (None, cut.name):
            continue
        own = own_library(library, cut)
        for method in arguments.methods:
            key = (cut.name, cut.split, method, settings)
            if key in _done(path):
                continue
            fit = _fit(own, parameters, cut, method, arguments.set)
            _append(path, dict(zip(COLUMNS, [*key, fit.validation, fit.kept, "", fit.seconds], strict=True)))
            _save(key, fit.prediction)
            print(*key, f"validation {fit.validation:.4g}, kept {fit.kept}, {fit.seconds:.1f} CPU s", flush=True)


def configuration() -> tuple[Library, dict]:
    """What conf/base and conf/local define, and their parameters."""
    loader = RunConfigLoader(conf_source=str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    return loader.library, dict(loader["parameters"])


def own_library(library: Library, cut: Cut) -> Library:
    """The library with the task of a cut as its only one."""
    return Library(**{**library.model_dump(), "tasks": {cut.name: cut.task}})


def _done(path: Path) -> set[tuple]:
    keys = ["data", "split", "method", "settings"]
    return {*_read(path)[keys].itertuples(index=False, name=None)} if path.exists() else set()


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path).fillna({"settings": ""})


def _append(path: Path, line: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(line)


def _prediction_path(key: tuple) -> Path:
    return PREDICTIONS / ("-".join(map(str, key)).replace("/", "_").replace(" ", "+") + ".npy")


def _save(key: tuple, prediction: np.ndarray) -> None:
    PREDICTIONS.mkdir(parents=True, exist_ok=True)
    np.save(_prediction_path(key), prediction)


def _fit(library: Library, parameters: dict, cut: Cut, method: str, settings: list[str]) -> Fit:
    overrides = _overrides(settings)
    chosen = {"task": cut.name, "seed": cut.split, "protocol": "validated", "method": method}
    own = {**parameters, **chosen, **overrides}
    own["training"] = parameters["training"] | overrides.get("training", {})
    own["mixing"] = overrides.get("mixing", {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = stored(folder / "store.h5", cut)
        if method == CHOOSE:
            return _choice(resolve_choice(library, own, {**chosen, **overrides}), store, cut, folder)
        if method in library.baselines:
            return _baseline(resolve_baseline(library, own, {**chosen, **overrides}), store, cut)
        return _method(resolve(library, own, {**chosen, **overrides}), store, cut, folder)


def _overrides(settings: list[str]) -> dict[str, Any]:
    """``["training.epochs=3"]`` as ``{"training": {"epochs": 3}}``."""
    values: dict[str, Any] = {}
    for setting in settings:
        key, text = setting.split("=", 1)
        section, _, name = key.partition(".")
        value = yaml.safe_load(text)
        if isinstance(value, str) and re.fullmatch(r"[\d.]+e-?\d+", value):
            value = float(value)  # YAML wants 1.0e-4
        if name:
            values.setdefault(section, {})[name] = value
        else:
            values[section] = value
    return values


def stored(path: Path, cut: Cut) -> ArrayStore:
    """The cut as a model input, with validation rows and, for numbers, their statistics."""
    x, y = cut.train
    classes = y.dtype.kind == "i"
    held = max(round(len(y) / 10), len(np.unique(y)) if classes else 1)
    fitted, validation = train_test_split(
        np.arange(len(y)), test_size=held, random_state=cut.split, stratify=y if classes else None
    )
    parts = {"train": (x[fitted], y[fitted]), "validation": (x[validation], y[validation]), "test": cut.test}
    statistics = {} if classes else {"y_mean": y[fitted].mean(0), "y_scale": y[fitted].std(0)}
    write_store(
        path,
        rows={part: len(rows) for part, (rows, _) in parts.items()},
        blocks=[(part, dict(zip("xy", rows, strict=True))) for part, rows in parts.items()],
        statistics=statistics,
        fingerprint=f"{cut.name} {cut.split}",
        description={"categories": [len(levels or []) for levels in cut.categories], "levels": cut.categories},
    )
    return ArrayStore(path)


def _baseline(run: BaselineRun, store: ArrayStore, cut: Cut) -> Fit:
    started = time.process_time()
    loss, metric = build_loss(run.task.loss, run.task.output.kind), build_metric(run.metric, run.task.output)
    rows = np.arange(len(store.rows("train")))
    fitted = fit_baseline(run, Problem(run.task, store, rows, run.seed, run.training.class_weights, 1.0, metric, loss))
    validation = store.rows("validation").read(0, len(store.rows("validation")))
    prediction = fitted.predict(cut.test[0])
    seconds = time.process_time() - started
    return Fit(score(metric, fitted.predict(validation["x"]), validation["y"]), "", prediction, round(seconds, 2))


def _choice(run: ChoiceRun, store: ArrayStore, cut: Cut, folder: Path) -> Fit:
    source, started = source_of(run), time.process_time()
    Choice(run, store, source).write(folder / "model")
    model = ChosenModel.load(folder / "model")
    prediction = outputs_of(model, cut.test[0])
    seconds = time.process_time() - started
    kept = " ".join(f"{name}:{share:.2f}" for name, share in model.blend.shares.items())
    return Fit(model.record["validation"], kept, prediction, round(seconds, 2))


def outputs_of(model: SavedModel, x: np.ndarray) -> np.ndarray:
    """Logits or numbers of rows ``(rows, …)``, in batches."""
    parts = np.array_split(x, -(-len(x) // BATCH_ROWS))
    return np.concatenate([model.outputs(part, torch.device("cpu")) for part in parts])


def source_of(run: Run | ChoiceRun) -> SourceFolders:
    """The encoder and the proxy of a run, brought into data/01_raw."""
    raw = PROJECT / "data/01_raw"
    encoder, proxy = raw / run.places["encoder"], raw / run.places["proxy"]
    manifests = tuple(ingest(*pair).fingerprint for pair in ((run.source.encoder, encoder), (run.proxy.raw, proxy)))
    return SourceFolders(encoder, proxy, manifests)


def _method(run: Run, store: ArrayStore, cut: Cut, folder: Path) -> Fit:
    source, metric = source_of(run), build_metric(run.metric, run.task.output)
    started = time.process_time()
    FineTuning(run, store, source, metric).write(folder / "model")
    trained = TrainedModel.load(folder / "model")
    with torch.inference_mode():
        x = torch.from_numpy(cut.test[0])
        prediction = torch.cat([trained.model(part) for part in x.split(BATCH_ROWS)]).numpy()
    seconds = time.process_time() - started
    kept = f"epoch {trained.record['best_epoch']}" if trained.record["best_epoch"] else "start"
    return Fit(trained.record["validation"], kept, prediction, round(seconds, 2))


def _tables(library: Library) -> Iterator[Cut]:
    """The tables that need no network, half and half, and one with a number to predict."""
    for name in library.tasks:
        task = library.task(name)
        raw = task.raw.active
        if task.kind != "table" or find_origin(raw.origin).needs_network:
            continue
        folder = PROJECT / "data/01_raw" / name
        ingest(raw, folder)
        reader = bind_options("reader", task.reader.name, READERS[task.reader.name], task.reader.options)
        samples = reader(folder)["all"]
        x, y = samples.read(0, samples.count)
        yield from _halves(name, library.tasks[name], x, y, samples.categories or [])


def _numbers(library: Library) -> Iterator[Cut]:
    x, y = load_diabetes(return_X_y=True, scaled=False)
    task = _own_task("diabetes_progression", x.shape, {"kind": "regression", "shape": [1]})
    yield from _halves("diabetes_progression", task, x.astype(np.float32), y.astype(np.float32)[:, None], [])


def _halves(name: str, task: dict, x: np.ndarray, y: np.ndarray, categories: list) -> Iterator[Cut]:
    for split in range(SPLITS):
        strata = y if y.dtype.kind == "i" else None
        rows = train_test_split(np.arange(len(y)), test_size=0.5, random_state=split, stratify=strata)
        train, test = ((x[part], y[part]) for part in rows)
        yield Cut(name, split, task, train, test, categories)


def _images(library: Library) -> Iterator[Cut]:
    images, y = (np.asarray(part) for part in load_digits(return_X_y=True))
    x = images.reshape(-1, 1, 8, 8).astype(np.float32)
    task = _own_task("digits", x.shape, {"kind": "classification", "shape": [10]})
    for split in range(SPLITS):
        train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=split, stratify=y)
        yield Cut("digits", split, task, (x[train], y[train]), (x[test], y[test]))


def _series(library: Library) -> Iterator[Cut]:
    """The series that sktime ships: the published split, then stratified resamples of the same sizes."""
    for name, published in SERIES.items():
        parts = [load_UCR_UEA_dataset(published, split=split, return_X_y=True) for split in ("train", "test")]
        x = np.concatenate([_equally_long(frame) for frame, _ in parts])
        y = np.unique(np.concatenate([labels for _, labels in parts]), return_inverse=True)[1]
        n = len(parts[0][1])
        task = _own_task(name, x.shape, {"kind": "classification", "shape": [int(y.max()) + 1]})
        for split in range(SPLITS):
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


def _own_task(name: str, shape: tuple[int, ...], output: dict) -> dict:
    return {
        "title": name,
        "raw": {"files": ["none"]},
        "reader": {"name": "arrays"},
        "samples": {"all": shape[0]},
        "input": {"shape": list(shape[1:])},
        "output": output,
    }


CUTS = {"tables": _tables, "numbers": _numbers, "series": _series, "images": _images}


def _score() -> None:
    """Fill in the test metric of each fit whose predictions are here."""
    library, _ = configuration()
    for kind, cuts in CUTS.items():
        path = RESULTS / f"{kind}.csv"
        if not path.exists():
            continue
        frame = _read(path)
        by_cut = {(cut.name, cut.split): cut for cut in cuts(library)}
        for i, line in frame[frame["test"].isna()].iterrows():
            cut = by_cut[line["data"], line["split"]]
            file = _prediction_path(tuple(line[["data", "split", "method", "settings"]]))
            task = own_library(library, cut).task(cut.name)
            frame.loc[i, "test"] = score(build_metric(task.metric, task.output), np.load(file), cut.test[1])
        with atomic_path(path) as unfinished:
            frame.to_csv(unfinished, index=False, lineterminator="\n")


def _show() -> None:
    for kind in CUTS:
        path = RESULTS / f"{kind}.csv"
        if path.exists():
            _show_kind(kind, _read(path))


def _show_kind(kind: str, frame: pd.DataFrame) -> None:
    frame["name"] = (frame["method"] + " " + frame["settings"]).str.strip()
    column = "test" if frame["test"].notna().any() else "validation"
    means = frame.groupby(["data", "name"])[column].mean().unstack()
    sign = -1 if kind == "tables" and METRICS["auroc_ovo"].direction == "higher" else 1
    whole = means.dropna(axis=1)
    print(f"\n{kind}, {column} metric, mean over the splits\n{means.round(4).to_string()}")
    summary = pd.DataFrame(
        {
            "mean": whole.mean(),
            "mean rank": (sign * whole).rank(axis=1).mean(),
            "CPU seconds of a fit": frame.groupby("name")["cpu_seconds"].mean(),
        }
    )
    print(summary.dropna().sort_values("mean rank").round(4).to_string())
    if "pare" in whole and len(whole) > 2:
        for other in whole.columns.drop("pare"):
            if (whole["pare"] != whole[other]).any():
                p = wilcoxon(whole["pare"], whole[other]).pvalue
                print(f"pare against {other}: Wilcoxon over {len(whole)} data sets, p = {p:.3f}")


if __name__ == "__main__":
    main()
