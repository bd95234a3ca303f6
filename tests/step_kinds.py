"""A small training of each kind of task, with all that is random in its steps, before its first step."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pare.config.run import Run
from pare.config.schema import StartConfig, Task
from pare.learners.learner import Data, Work
from pare.learners.networks.training.session import Session
from pare.learners.networks.transformer import build_parts
from pare.storage.store import ArrayStore, write_store

LINE, PLANE = {"input": {"shape": [1, 24]}}, {"input": {"shape": [1, 16, 16]}}
# What of the task is another than that of the small table, what of the training, and what of the run.
KINDS: dict[str, tuple[dict, dict, dict]] = {
    "classes of a table": ({}, {"class_weights": True, "optimiser": "Adam", "accumulation": 2}, {}),
    "classes of a table, solved": (
        {},
        {"average": 0.9},
        {"start": {"scalings": ["standard", "normal"], "kernels": True}},
    ),
    "classes of series": (
        LINE,
        {"augmentation": ["jitter"], "optimiser": "SGD"},
        {"mixing": {"mixer": "cutmix"}},
    ),
    "numbers": (
        LINE | {"output": {"kind": "regression", "shape": [2]}, "loss": "mse", "metric": "r2"},
        {},
        {"mixing": {"partner": "target"}},
    ),
    "labels of images": (
        PLANE
        | {"output": {"kind": "multilabel", "shape": [3]}, "loss": "binary_cross_entropy", "metric": "one_minus_map"},
        {"augmentation": ["crop", "flip", "spectrogram"], "positive_weight": 2.0},
        {},
    ),
    "fields": (
        PLANE | {"output": {"kind": "dense", "shape": [1, 16, 16]}, "loss": "nrmse", "metric": "nrmse"},
        {"symmetries": ("square",), "differences": 0.1, "optimiser": "Muon", "average": 0.9, "fixed_norms": 0.5},
        {"start": {}, "mixing": {"batches": 0.5}},
    ),
}


def _answers(kind: str, shape: list[int], x: np.ndarray) -> np.ndarray:
    if kind == "dense":
        return np.square(x)
    found = x.reshape(len(x), -1)[:, : shape[0]]
    answers = {"classification": (x.sum(tuple(range(1, x.ndim))) > 0).astype(np.int64), "regression": found}
    return answers.get(kind, (found > 0).astype(np.float32))


@pytest.fixture
def session(table_run: Callable[..., Run], source, tmp_path: Path) -> Callable[..., Session]:
    """Begin a training of a kind by a method, with values of its own."""

    def session(kind: str, method: str = "pare", **training: object) -> Session:
        of_task, of_kind, top = KINDS[kind]
        run = table_run({"method": method}, epochs=2)
        shown = {"tokens": {"kind": "patch", "patch": 4}, "normalisation": {}} if of_task else {}
        values = run.task.model_dump() | shown | of_task
        output = values["output"]
        run = run.model_copy(
            update={
                "task": Task.model_validate(values),
                "training": run.training.model_copy(update=of_kind | training),
                "mixing": run.mixing and run.mixing.model_copy(update={"start": 0.6} | top.get("mixing", {})),
                "start": StartConfig(source="minilm", layers=[2], **top["start"]) if "start" in top else None,
            }
        )
        rng, blocks = np.random.default_rng(0), []
        for split, rows in (("train", 20), ("validation", 9)):
            x = rng.normal(size=(rows, *values["input"]["shape"])).astype(np.float32)
            blocks.append((split, {"x": x, "y": _answers(output["kind"], output["shape"], x)}))
        path, sizes, y = tmp_path / "rows.h5", {split: len(arrays["x"]) for split, arrays in blocks}, blocks[0][1]["y"]
        numbers = {"y_mean": y.mean(0), "y_scale": y.std(0)} if output["kind"] in ("dense", "regression") else {}
        write_store(
            path, rows=sizes, blocks=blocks, statistics=numbers, fingerprint="f", description={"categories": []}
        )
        return Session(run, Data(ArrayStore(path), source), Work(tmp_path / "checkpoint", "f"), build_parts)

    return session
