"""Every task that ships, from a small file in its publisher's layout: all are read, one of each kind is trained."""

from collections import Counter
from math import isfinite
from pathlib import Path

import numpy as np
import pytest

from pare.config import Library, resolve
from pare.config.run import Run
from pare.config_loader import load_library
from pare.data.preparation import ModelInput
from pare.data.registries import open_raw_files
from pare.evaluation.metrics import METRICS, build_metric
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.networks.training.losses import build_loss
from pare.learners.source_folders import SourceFolders
from pare.pipelines.evaluate.nodes import predict_test_rows, score_predictions
from pare.storage.samples import Samples
from pare.storage.store import ArrayStore
from publisher_files import write_files
from shipped import config_loader

LIBRARY = load_library(config_loader())
MOST_TOKENS = 500  # positions of the tiny encoder


def tiny_run(name: str, parameters: dict, samples: dict[str, Samples]) -> Run:
    """One epoch of the task's own run on as many rows as there are."""
    counts = {part: samples[part].count for part in LIBRARY.task(name).samples}
    entry = LIBRARY.tasks[name] | {"samples": counts}
    library = Library(**(LIBRARY.model_dump() | {"tasks": {name: entry}}))
    training = {"epochs": 1, "batch_size": 8, "precision": "no", "fraction": 1.0, "class_weights": False}
    # The tiny encoder reads text: a solved start would show it pictures of series and images.
    start = "solved" if LIBRARY.task(name).kind in ("table", "field") else "random"
    choice = {"task": name, "method": "pare", "source": "minilm", "start": start}
    overrides = {"training": training}
    return resolve(library, parameters | choice | {"training": parameters["training"] | training}, overrides)


def test_all_tasks_of_the_paper_are_there_and_its_four_domains():
    """Tables 1, 2, 14 and 16: the tasks that have a figure of the paper; others may be added."""
    counts = Counter(task["suite"] for task in LIBRARY.tasks.values() if "paper" in task)
    assert counts == {"NAS-Bench-360": 10, "PDEBench": 8, "OpenML-CC18": 30, "miniDomainNet": 4}


def test_a_task_without_files_for_the_tests_is_told_what_to_write(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"write_heat\(folder, rows, rng\) to tests/publisher_files\.py"):
        write_files("heat", LIBRARY.task("darcy_flow"), tmp_path)


def prepared(name: str, parameters: dict, folder: Path) -> tuple[Run, ArrayStore]:
    """A small file in the publisher's layout, read and written as model input, and a tiny run on it."""
    (folder / "raw").mkdir()
    write_files(name, LIBRARY.task(name), folder / "raw")
    samples = open_raw_files(LIBRARY.task(name).reader, folder / "raw")
    run = tiny_run(name, parameters, samples)
    ModelInput(name, run.task, samples, "raw", validated=True).write(folder / "input.h5")
    return run, ArrayStore(folder / "input.h5")


def one_of_each_kind() -> list[str]:
    """The first task of each kind of input and of output."""
    tasks = {name: LIBRARY.task(name) for name in sorted(LIBRARY.tasks)}
    return sorted({(task.kind, task.output.kind): name for name, task in reversed(tasks.items())}.values())


@pytest.mark.parametrize("name", sorted(LIBRARY.tasks))
def test_a_task_is_read_from_its_publishers_file_and_can_be_scored(name, parameters, tmp_path):
    run, store = prepared(name, parameters, tmp_path)
    assert np.prod(run.task.grid) <= MOST_TOKENS
    first = store.rows("train")[0]
    assert first["x"].shape == run.task.input.shape and first["x"].dtype == np.float32
    assert run.metric in METRICS
    build_metric(run.metric, run.task.output)
    assert build_loss(run.task.loss, run.task.output.kind)


@pytest.mark.slow
@pytest.mark.parametrize("name", one_of_each_kind())
def test_a_task_of_each_kind_is_trained_and_scored(name, parameters, tiny_bert, topics, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "pare.learners.networks.start.field_start.COPIES", 2
    )  # of a field by each symmetry: 16 of 16,384 points take seconds
    task = LIBRARY.task(name)
    run, store = prepared(name, parameters, tmp_path)
    source = SourceFolders(tiny_bert, topics, ("encoder", "proxy"))
    model = Fit(run, Data(store, source)).model(tmp_path / "model")
    predictions = predict_test_rows(run, model, store)
    metrics = score_predictions(run, model, store, predictions)
    assert predictions["prediction"].shape[1:] == run.task.output.shape
    assert isfinite(metrics["test"]) and isfinite(metrics["constant_prediction"])
    # Where the published metric is another one, the paper's figure would not compare.
    assert metrics["paper"] == (None if task.paper_metric else task.paper.get("pare"))
