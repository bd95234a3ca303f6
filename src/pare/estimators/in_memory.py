"""From rows in memory to a trained model, by the configuration, encoders and proxies that the package names."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import numpy as np
import torch
import yaml
from filelock import FileLock
from huggingface_hub import cached_assets_path

from pare.config import Library, PareError, Run, resolve
from pare.config.raw import RawConfig
from pare.data.origins.ingest import RawFiles
from pare.data.origins.manifest import RawFolder
from pare.data.own.task_file import ABSOLUTE
from pare.data.preparation import ModelInput
from pare.data.preparation.equal_rows import EqualRows, different_rows
from pare.data.preparation.normalisation import zero_fields
from pare.estimators.inputs import Rows
from pare.learners.fit import Fit
from pare.learners.learner import Data, learner_of
from pare.learners.model import Model
from pare.learners.source_folders import SourceFolders
from pare.prediction.predict import Predictor
from pare.storage.samples import Samples
from pare.storage.store import ArrayStore

TASK = "rows"  # the name of the task in messages
VALIDATION = 0.1  # fraction of the rows
FEWEST = 10  # rows that leave some for validation
_SEEDING = Lock()
KINDS = ("sources", "proxies", "starts", "learners")  # all of a library but its tasks


@dataclass(frozen=True)
class Settings:
    """What is fitted.

    Attributes:
        method: a name in conf/base/learners.yml.
        source: a name in conf/base/sources.yml; None: the one that suits the kind of data.
        seed: seed of the run.
        training: hyperparameters that differ from the defaults.
        minutes: minutes of fitting; None: those of the method, or until it is done.
        ordered: whether rows are in the order of time.
    """

    method: str
    source: str | None
    seed: int
    training: dict[str, Any]
    minutes: float | None
    ordered: bool = False


def fit_rows(rows: Rows, y: np.ndarray, kind: str, settings: Settings, **known: Any) -> Predictor:
    """Fit a method to rows.

    Args:
        rows: inputs ``(rows, features)``, ``(rows, channels, points)`` or ``(rows, channels, height, width)``, and how
            new ones are read.
        y: classes ``(rows,)`` int64 from 0, labels or numbers ``(rows, …)`` float32, or fields
            ``(rows, channels, …)`` float32.
        kind: what ``y`` is: ``classification``, ``multilabel``, ``regression`` or ``dense``.
        settings: the method and its values.
        known: what else `Samples` may say of rows: classes, groups and weights.

    Raises:
        PareError: for an unknown name, a value of the wrong type, or rows of which nothing can be learnt.
    """
    x = rows.x
    share = _validation_share(x, y, known.get("groups"), ordered=settings.ordered)
    run = _run(_task(x, y, kind, rows.reader, share, ordered=settings.ordered), settings, validated=share > 0)
    if known.get("weights") is not None:
        _check_weighted(run)
    samples = Samples.of_arrays(x, y, columns=rows.columns, categories=rows.categories, **known)
    with TemporaryDirectory() as folder, _randomness_kept():
        store, model = Path(folder) / "rows.h5", Path(folder) / "model"
        ModelInput(TASK, run.task, {"train": samples, "test": samples}, "rows", validated=share > 0).write(store)
        _fit(run, ArrayStore(store)).write(model)
        return Predictor(Model.load(model))


@contextmanager
def _randomness_kept() -> Iterator[None]:
    """Give the caller's random numbers back as they were: a training seeds those of Python, numpy and torch.

    All threads of a process share them, so that trainings of several threads follow one another.
    """
    with _SEEDING:
        python, arrays = random.getstate(), np.random.get_state()
        try:
            with torch.random.fork_rng():
                yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)


def _validation_share(x: np.ndarray, y: np.ndarray, groups: np.ndarray | None, *, ordered: bool) -> float:
    """Fraction of the rows for validation, 0 where there are too few; equal rows count once, as they stay together."""
    if not ordered:
        equal = EqualRows.among([("train", x, y)])
        if groups is None:
            y = y[different_rows(equal.numbers["train"])]
        elif len(np.unique(equal.groups({"train": groups})["train"])) == 1:
            return 0
    return _validation_rows(y) / len(y)


def _validation_rows(y: np.ndarray) -> int:
    """Rows for validation: a tenth and at least one of each class; none where there are too few."""
    counts = np.unique(y, return_counts=True)[1] if y.ndim == 1 else np.array([len(y)])
    held = max(ceil(VALIDATION * len(y)), len(counts))
    return held if len(y) >= max(FEWEST, 2 * len(counts)) and counts.min() > 1 else 0


def _task(
    x: np.ndarray, y: np.ndarray, kind: str, reader: dict[str, Any], share: float, *, ordered: bool
) -> dict[str, Any]:
    """The task as YAML would have it. Test rows are the caller's; a task must have one, which nothing here reads."""
    return {
        "title": "rows in Python",
        "raw": {"files": ["none"]},
        "reader": reader,
        "samples": {"train": len(y), "test": 1},
        "input": {"shape": list(x.shape[1:])},
        "output": {"kind": kind, "shape": [int(y.max()) + 1] if y.ndim == 1 else list(y.shape[1:])},
        "split": {
            "validation": share or VALIDATION,
            "stratified": y.ndim == 1 and not ordered,
            "ordered": ordered,
        },
        **(ABSOLUTE if kind == "dense" and zero_fields(y).any() else {}),
    }


def _run(task: dict[str, Any], settings: Settings, *, validated: bool) -> Run:
    named = {"source": settings.source, "minutes": settings.minutes}
    asked = {key: value for key, value in named.items() if value is not None}
    protocol = "validated" if validated else "paper"
    chosen = {"task": TASK, "method": settings.method, "seed": settings.seed, "protocol": protocol}
    parameters = shipped("parameters") | asked | chosen
    return resolve(shipped_library({TASK: task}), parameters, asked | {"training": settings.training})


def _check_weighted(run: Run) -> None:
    """Refuse weights of rows that a learner would not read; PareError."""
    if learner_of(run).weighs_rows(run):
        return
    raise PareError(
        f"method {run.method_name!r} fits all rows alike, so it takes no sample_weight; those that do are probe, "
        "logistic_regression and the boosters"
    )


def _fit(run: Run, store: ArrayStore) -> Fit:
    source = None
    if run.source and run.proxy:
        encoder = cached_folder(run.source.encoder, run.places["encoder"])
        source = SourceFolders.of(encoder, cached_folder(run.proxy.raw, run.places["proxy"]))
    return Fit(run, Data(store, source))


@cache
def shipped(name: str) -> dict[str, Any]:
    """A file of conf/base, such as ``starts``; the folder is a link to the project's, and whole in a wheel."""
    text = (files("pare") / "conf" / "base" / f"{name}.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def shipped_library(tasks: dict[str, Any]) -> Library:
    """Sources, learners and all else of conf/base, with tasks of one's own."""
    entries: dict[str, Any] = {name: shipped(name) for name in KINDS}
    return Library(tasks=tasks, **entries)


def cached_folder(raw: RawConfig, place: str) -> RawFolder:
    """The files of an encoder or a proxy, brought once into the assets of Hugging Face's cache.

    Args:
        raw: what is to be brought.
        place: ``encoders/<name>`` or ``proxies/<name>``.

    Raises:
        PareError: if a package or the network is missing, or the cache cannot be written.
    """
    kind, name = place.split("/")
    folder, wanted = cached_assets_path("pare", kind, name), RawFiles(raw)
    if not wanted.is_current(folder):
        with FileLock(f"{folder}.lock"):
            wanted.write(folder)  # at once, if another process has brought them meanwhile
    return RawFolder.open(folder)
