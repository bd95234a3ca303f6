"""The README: its length, its counts and its Python."""

import json
import re
from dataclasses import replace

import pytest

from pare.config import resolve
from pare.models import load_backbone
from pare.raw.origins.registry import find_origin
from pare.saved.trained_model import TrainedModel, assemble

MOST_LINES = 110


def test_it_fits_a_few_screens(page):
    assert len(page("README.md").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("kind", ["tasks", "sources", "proxies", "methods", "baselines"])
def test_it_counts_what_the_configuration_has(page, library, kind):
    (count,) = re.findall(rf"^\| (\d+) {kind} \|", page("README.md"), re.MULTILINE)
    assert int(count) == len(getattr(library, kind))


def test_it_counts_the_tasks_of_each_suite_and_those_without_a_network(page, library):
    tasks = [library.task(name) for name in library.tasks]
    text = page("README.md")
    for suite in {task.suite for task in tasks}:
        count = sum(task.suite == suite for task in tasks)
        assert f"{count} of {suite}" in text
    offline = [task for task in tasks if not find_origin(task.raw.origin).needs_network]
    assert f"{len(offline)} need no network" in text
    kinds = [task.kind for task in offline if not task.raw.active.simulated]
    assert len(kinds) == kinds.count("table") + kinds.count("series")
    assert f"{kinds.count('table')} tables and {kinds.count('series')} sets of series are real" in text


def test_its_python_runs(page, library, parameters, tiny_bert, unprepared, *, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", page("README.md"), re.DOTALL)
    run = resolve(library, parameters | {"task": "darcy_flow"}, {})
    folder = tmp_path / re.search(r'load\("(.*?)"\)', code)[1]
    folder.mkdir(parents=True)
    model = assemble(run, load_backbone(tiny_bert, run.grid), 2, (), rows=0)
    record = {"source_classes": 2, "categories": []}
    config = json.loads((tiny_bert / "config.json").read_text())
    TrainedModel(run, model, record, config, replace(unprepared, coordinates=True)).save(folder / "model")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    assert names["k"] == 19
    assert names["mixed"].shape == names["target"].shape
    assert names["replaced"].sum(1).tolist() == [19] * 8
    assert names["pressure"].shape == (1, *run.task.output.shape)
