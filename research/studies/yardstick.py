"""Methods and rivals on real tables, series, images and simulated fields that need no network; resumable.

    python research/studies/yardstick.py run short      # a form of yardstick.yml: fits that are missing, two at a time
    python research/studies/yardstick.py score          # reads the test rows
    python research/studies/yardstick.py show           # mean ranks and paired tests
    python research/studies/yardstick.py try series pare --splits 1 --set training.learning_rate=5e-5

Half of a table's rows train, four fifths of the images; split 0 of a series is the published one, the others are
stratified resamples of the same sizes. Test fields are the publisher's; the others are cut anew. The number of a split
is the seed of its fits. A tenth of the training rows, or the most that classes allow, is for validation, as in `kedro
run`; small fractions are of both. A fit is a line of research/data/fits/KIND.csv with validation metric and CPU
seconds; predictions of the test rows lie in data/yardstick until `score` compares them. Each fit takes one thread.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here and in the processes that make the fits

import argparse
import csv
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from cuts import CUTS, PROJECT, RAW, SPLITS, Cut
from fits import KINDS, find_reference, read_fits, scores, summary
from pare.config import Library, Run, resolve
from pare.config_loader import RunConfigLoader
from pare.data.origins.ingest import ingest
from pare.evaluation.metrics import build_metric
from pare.learners.fit import Fit as LazyFit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.source_folders import SourceFolders
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.atomic import atomic_path

RESULTS, PREDICTIONS = PROJECT / "research/data/fits", PROJECT / "data/yardstick"
FORMS = Path(__file__).with_suffix(".yml")
BATCH_ROWS = 64
KEY = ("data", "split", "fraction", "method", "settings")
COLUMNS = (*KEY, "validation", "kept", "test", "cpu_seconds")


@dataclass(frozen=True)
class Entry:
    """A line of a form: methods on the data of one kind.

    Attributes:
        kind: a key of `CUTS`.
        methods: methods and baselines.
        splits: the first so many of each data set.
        fractions: shares of the training rows.
        settings: ``KEY=VALUE`` each, as for ``kedro run --params``.
        data: names of data sets; all where there is none.
    """

    kind: str
    methods: Sequence[str]
    splits: int = SPLITS
    fractions: Sequence[float] = (1.0,)
    settings: Sequence[str] = ()
    data: Sequence[str] = ()


@dataclass(frozen=True)
class Asked:
    """A fit that a form asks for."""

    kind: str
    cut: Cut = field(repr=False)
    method: str
    settings: tuple[str, ...]

    @property
    def key(self) -> tuple:
        """Values of the columns `KEY`."""
        return self.cut.name, self.cut.split, self.cut.share, self.method, " ".join(self.settings)


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
    forms = yaml.safe_load(FORMS.read_text())
    form = commands.add_parser("run", help="make the fits of a form that are missing")
    form.add_argument("form", choices=forms)
    one = commands.add_parser("try", help="make fits of your own choice")
    one.add_argument("kind", choices=CUTS)
    one.add_argument("methods", nargs="+", help="methods and baselines")
    one.add_argument("--splits", type=int, default=SPLITS, help="the first so many splits of each data set")
    one.add_argument("--fractions", type=float, nargs="+", default=[1.0], help="shares of the training rows")
    one.add_argument("--data", nargs="+", default=[], help="these data sets only")
    one.add_argument("--set", nargs="*", default=[], dest="settings", metavar="KEY=VALUE", help="as for --params")
    for command in (form, one):
        command.add_argument("--jobs", type=int, default=2, help="fits at a time, one thread each; 2 by default")
    commands.add_parser("score", help="compare the predictions with the test rows")
    commands.add_parser("show", help="means over the splits, ranks and tests")
    arguments = parser.parse_args()
    if arguments.command == "score":
        _score()
    elif arguments.command == "show":
        _show()
    else:
        given = vars(arguments)
        entries = (
            [Entry(**line) for line in forms[arguments.form]]
            if arguments.command == "run"
            else [Entry(**{name: given[name] for name in Entry.__dataclass_fields__})]
        )
        _run(entries, arguments.jobs)


def _run(entries: Sequence[Entry], jobs: int) -> None:
    """Make what is missing, the first split of everything first; only this process writes results."""
    missing = _missing(entries)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _quiet) as processes:
        running = {processes.submit(_fit, asked): asked for asked in islice(missing, jobs)}
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for fit in done:
                _note(running.pop(fit), fit.result())
            running |= {processes.submit(_fit, asked): asked for asked in islice(missing, len(done))}


def _missing(entries: Sequence[Entry]) -> Iterator[Asked]:
    for split in range(max(entry.splits for entry in entries)):
        for entry in entries:
            if split >= entry.splits:
                continue
            done = _done(RESULTS / f"{entry.kind}.csv")
            for asked in _asked(entry, split):
                if asked.key not in done:
                    yield asked


def _asked(entry: Entry, split: int) -> Iterator[Asked]:
    for cut in _cuts(entry.kind, tuple(entry.data)):
        if cut.split == split:
            for fraction in entry.fractions:
                for method in entry.methods:
                    yield Asked(entry.kind, cut.part_of(fraction), method, tuple(sorted(entry.settings)))


@cache
def _cuts(kind: str, data: tuple[str, ...]) -> list[Cut]:
    return list(CUTS[kind](configuration()[0], data))


def _done(path: Path) -> set[tuple]:
    return {*_read(path)[list(KEY)].itertuples(index=False, name=None)} if path.exists() else set()


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, engine="pyarrow").fillna({"settings": "", "kept": ""})


def _quiet() -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)


def _note(asked: Asked, fit: Fit) -> None:
    PREDICTIONS.mkdir(parents=True, exist_ok=True)
    np.save(_prediction_path(asked.key), fit.prediction)
    line = dict(zip(COLUMNS, [*asked.key, fit.validation, fit.kept, "", fit.seconds], strict=True))
    path = RESULTS / f"{asked.kind}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(line)
    value = "none" if fit.validation is None else f"{fit.validation:.4g}"
    print(*asked.key, f"validation {value}, kept {fit.kept}, {fit.seconds:.1f} CPU s", flush=True)


def _prediction_path(key: tuple) -> Path:
    return PREDICTIONS / ("-".join(map(str, key)).replace("/", "_").replace(" ", "+") + ".npy")


@cache
def configuration() -> tuple[Library, dict]:
    """What conf/base and conf/local define, and their parameters."""
    loader = RunConfigLoader(conf_source=str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    return loader.library, dict(loader["parameters"])


def own_library(cut: Cut) -> Library:
    """The library with the task of a cut as its only one."""
    return Library(**{**configuration()[0].model_dump(), "tasks": {cut.name: cut.task}})


def _fit(asked: Asked) -> Fit:
    library, parameters, overrides = own_library(asked.cut), configuration()[1], _overrides(asked.settings)
    chosen = {"task": asked.cut.name, "seed": asked.cut.split, "protocol": "validated", "method": asked.method}
    own = {**parameters, **chosen, **overrides, "mixing": overrides.get("mixing", {})}
    own["training"] = parameters["training"] | overrides.get("training", {})
    run = resolve(library, own, {**chosen, **overrides})
    with tempfile.TemporaryDirectory() as name:
        store, folder = asked.cut.stored(Path(name) / "store.h5"), Path(name) / "model"
        source, started = source_of(run), _cpu_seconds()
        LazyFit(run, Data(store, source)).write(folder)
        model = Model.load(folder)
        prediction = outputs_of(model, asked.cut.test[0])
        seconds = _cpu_seconds() - started
        return Fit(model.record["validation"], _kept(model), prediction, round(seconds, 2))


def _cpu_seconds() -> float:
    """CPU seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])


def _kept(model: Model) -> str:
    """What the model is: weights of a choice, an epoch, or the solved start; nothing for a library's."""
    if candidates := model.record.get("candidates"):
        return " ".join(f"{row['method']}:{row['share']:.2f}" for row in candidates if row["share"])
    best = model.record["best_epoch"]
    return "" if best is None else f"epoch {best}" if best else "start"


def _overrides(settings: Sequence[str]) -> dict[str, Any]:
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


def outputs_of(model: Model, x: np.ndarray) -> np.ndarray:
    """Logits, numbers or fields of rows ``(rows, …)``, in batches."""
    parts = np.array_split(x, -(-len(x) // BATCH_ROWS))
    return np.concatenate([model.outputs(part, torch.device("cpu")) for part in parts])


def source_of(run: Run) -> SourceFolders | None:
    """The encoder and the proxy of a run, brought into data/01_raw; None where it has none."""
    if not (run.source and run.proxy):
        return None
    encoder, proxy = RAW / run.places["encoder"], RAW / run.places["proxy"]
    manifests = tuple(ingest(*pair).fingerprint for pair in ((run.source.encoder, encoder), (run.proxy.raw, proxy)))
    return SourceFolders(encoder, proxy, manifests)


def _score() -> None:
    """Fill in the test metric of each fit whose predictions are here."""
    for kind in CUTS:
        path = RESULTS / f"{kind}.csv"
        if not path.exists() or not _read(path)["test"].isna().any():
            continue
        frame = _read(path)
        unscored = frame[frame["test"].isna()]
        by_cut = {(cut.name, cut.split): cut for cut in _cuts(kind, tuple(unscored["data"].unique()))}
        for i, line in unscored.iterrows():
            cut = by_cut[line["data"], line["split"]]
            file = _prediction_path(tuple(line[list(KEY)]))
            task = own_library(cut).task(cut.name)
            frame.loc[i, "test"] = build_metric(task.metric, task.output)(np.load(file), cut.test[1])
        with atomic_path(path) as unfinished:
            frame.to_csv(unfinished, index=False, lineterminator="\n")


def _show() -> None:
    """Print the table of the report's page for each kind and fraction."""
    for kind in KINDS:
        path = RESULTS / f"{kind}.csv"
        fits = read_fits(path) if path.exists() else pd.DataFrame({"fraction": []})
        for fraction in sorted(fits["fraction"].unique()):
            found = scores(fits, fraction)
            if not found.empty:
                print(f"\n{kind}, {fraction:g} of the training rows, against {find_reference(found)}")
                print(summary(fits, kind, find_reference(found), fraction).round(4).to_string())


if __name__ == "__main__":
    main()
