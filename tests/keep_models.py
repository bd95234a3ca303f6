"""Make one small model of each kind of learner, and a checkpoint, to be kept: `python tests/keep_models.py`.

They go into tests/learners/models_of_VERSION.zip. Each model is a folder with ``model``, and ``rows.npz`` with prepared
rows and what it made of them. The checkpoint has its encoder, and what a
training that goes on from it makes of rows. test_models_of_yesterday.py loads them all.
"""

import atexit
import json
import os
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

import pare
from pare.config import Library, Run, resolve
from pare.config_loader import load_library
from pare.data.proxies import SENTENCES
from pare.learners.ensemble import Ensemble
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.training.trainer import Trainer
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore, write_store
from shipped import config_loader
from tiny_encoders import save_tiny_bert

CPU, PARTS = torch.device("cpu"), {"train": 16, "validation": 8, "test": 4}
KEPT = Path(__file__).with_name("learners") / f"models_of_{pare.__version__.replace('.', '_')}.zip"
SHAPES = {"table": [4], "series": [1, 24], "image": [1, 8, 8], "field": [1, 16, 16]}
RANDOM = {"start": "random"}
BOOSTER = {"bags": 1, "search": {}}
# The kinds of learners: the data, the method, its options, and other parameters.
KINDS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "transformer": ("table", "pare", {}, RANDOM),
    "solved_start": ("table", "probe", {}, {}),
    "fno": ("field", "fno", {"modes": 2, "width": 2, "layers": 1}, RANDOM),
    "u_net": ("field", "u_net", {"features": [2] * 6, "fold": 1}, RANDOM),
    "kernel_ridge": ("field", "kernel_ridge", {}, {}),
    "logistic_regression": ("table", "logistic_regression", {"strengths": 2, "folds": 2}, {}),
    "lightgbm": ("table", "lightgbm", {"n_estimators": 5} | BOOSTER, {}),
    "xgboost": ("table", "xgboost", {"n_estimators": 5} | BOOSTER, {}),
    "catboost": ("table", "catboost", {"iterations": 5} | BOOSTER, {}),
    "svm": ("image", "svm", {"strengths": [1.0], "folds": 2}, {}),
    "minirocket": ("series", "minirocket", {"kernels": 84}, {}),
}
STOPPED = "transformer"  # whose checkpoint is kept, too


@cache
def kept(archive: Path = KEPT) -> Path:
    """A temporary folder, for this process and those it forks, with what an archive holds."""
    folder, process = Path(mkdtemp()), os.getpid()
    atexit.register(lambda: os.getpid() == process and shutil.rmtree(folder))
    shutil.unpack_archive(archive, folder)
    return folder


def run_of(data: str, method: str, options: dict[str, Any], values: dict[str, Any]) -> Run:
    """The run of a method on small data: two epochs of a network, if it has any."""
    loader = config_loader()
    library = load_library(loader)
    field = {"kind": "dense", "shape": SHAPES["field"]}
    task = {
        "title": "small",
        "raw": {"files": ["none"]},
        "reader": {"name": "arrays"},
        "samples": {"all": sum(PARTS.values())},
        "input": {"shape": SHAPES[data]},
        "output": field if data == "field" else {"kind": "classification", "shape": [2]},
    }
    learner = library.learners[method] | {"minutes": None}
    if options:
        learner["options"] = learner["options"] | options
    if epochs := learner.get("training", {}).get("epochs", 2):
        training = {"batch_size": 8, "precision": "no", "epochs": 2}
        learner["training"] = learner.get("training", {}) | training | {"epochs": epochs, "member_epochs": None}
    own = Library(**library.model_dump() | {"tasks": {"small": task}, "learners": {method: learner}})
    return resolve(own, loader["parameters"] | {"task": "small", "method": method} | values, {})


def write_data(path: Path, data: str) -> ArrayStore:
    """Rows of two classes, or fields that are shifted."""
    rng, blocks = np.random.default_rng(0), []
    for part, count in PARTS.items():
        x = rng.normal(size=(count, *SHAPES[data])).astype(np.float32)
        y = np.roll(x, 1, axis=-1) if data == "field" else (x.reshape(count, -1)[:, :2].sum(1) > 0).astype(np.int64)
        blocks.append((part, {"x": x, "y": y}))
    write_store(path, rows=PARTS, blocks=blocks, statistics={}, fingerprint="f", description={"categories": []})
    return ArrayStore(path)


def source_in(folder: Path) -> SourceFolders:
    """The encoder and the proxy that are kept."""
    return SourceFolders(folder / "encoder", folder / "proxy", ("encoder", "proxy"))


def write_source(folder: Path) -> None:
    """A BERT of width 8, and sentences of two topics."""
    for name in ("encoder", "proxy"):
        (folder / name).mkdir(parents=True)
    save_tiny_bert(folder / "encoder", 8, 16)
    halves = {"early": ascii_lowercase[:13], "late": ascii_lowercase[13:]}
    sentences = [{"text": f"{one} {half[0]}", "topic": topic} for topic, half in halves.items() for one in half]
    (folder / "proxy" / SENTENCES).write_text(json.dumps(sentences))


def fit_of(kind: str, folder: Path, source: Path) -> Fit:
    """The fit of a kind of learner; its model input is written into a folder."""
    data, method, options, values = KINDS[kind]
    store = write_data(folder / f"{data}.h5", data)
    return Fit(run_of(data, method, options, values), Data(store, source_in(source)))


def stopped(fit: Fit, folder: Path) -> None:
    """Leave the checkpoint of a training that was stopped after its first epoch."""
    epoch = Trainer._epoch

    def first_only(trainer: Trainer, number: int, bar: Any) -> None:
        if number:
            raise KeyboardInterrupt
        epoch(trainer, number, bar)

    with patch.object(Trainer, "_epoch", first_only):
        try:
            fit.model(folder)
        except KeyboardInterrupt:
            return
    raise AssertionError("the training was not stopped")


def keep(model: Model, folder: Path) -> None:
    """Write a model, some prepared rows, and what it makes of them."""
    model.save(folder / "model")
    x = np.random.default_rng(1).normal(size=(4, *model.run.task.input.shape)).astype(np.float32)
    np.savez(folder / "rows.npz", x=x, y=model.outputs(x, CPU))


def main() -> None:
    """Make all of them."""
    with TemporaryDirectory() as work_name, TemporaryDirectory() as name:
        work, folder, models = Path(work_name), Path(name), {}
        write_source(folder / "source")
        for kind in KINDS:
            models[kind] = fit_of(kind, work, folder / "source").model(work / kind)
            keep(models[kind], folder / kind)
        one, other = models["lightgbm"], models["logistic_regression"]
        keep(replace(one, predictor=Ensemble.of_equals([one, other])), folder / "ensemble")
        stopped(fit_of(STOPPED, work, folder / "source"), folder / "checkpoint")
        shutil.make_archive(str(KEPT.with_suffix("")), "zip", folder)


if __name__ == "__main__":
    main()
