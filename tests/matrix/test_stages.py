"""Everything that decides a run is in its digest, and no word is."""

import json
import subprocess
import sys

import pytest

from pare.config.run import NOWHERE
from pare.config.schema import LEARNERS, Task
from pare.data.proxies import PROXY_READERS
from pare.matrix import stages
from pare.matrix.stages import code_digest, imported_modules, run_digest, stage_digests, write_stage_digests


def changed(model, path, value):
    """A copy of a model with another value at a path such as ``training.epochs``."""
    content = model.model_dump()
    *parents, last = path.split(".")
    place = content
    for key in parents:
        place = place[key]
    assert place[last] != value
    place[last] = value
    return type(model).model_validate(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", 7),
        ("protocol", "paper"),
        ("source_name", "dinov2_small"),
        ("proxy_name", "mnist_digits"),
        ("proxy_samples", 5),
        ("proxy.reader", "images"),
        ("proxy.labels", "mask"),
        ("learner.initialisation", "random"),
        ("learner.trainable", "layernorm"),
        ("training.epochs", 99),
        ("training.momentum", 0.8),
        ("mixing.start", 0.11),
        ("task.input.channels", ["permeability", "x", "z"]),
        ("task.reader.options", {"stride": 9}),
        ("task.loss", "mse"),
        ("task.paper_metric", "nrmse"),
        ("task.average_groups", True),
    ],
)
def test_a_value_that_decides_a_run_or_its_score_changes_its_digest(cells, path, value):
    run = cells["openml_wdbc-pare-0" if path == "task.average_groups" else "darcy_flow-pare-0"].run
    assert run_digest(changed(run, path, value)) != run_digest(run)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("task.title", "Another"),
        ("task.description", "Others"),
        ("task.paper", {"pare": 1.0}),
        ("learner.title", "Another"),
        ("learner.paper", "table 9"),
        ("proxy.title", "Another"),
        ("source.title", "Another"),
    ],
)
def test_a_word_does_not(cells, path, value):
    run = cells["darcy_flow-pare-0"].run
    assert run_digest(changed(run, path, value)) == run_digest(run)


def test_every_run_has_a_digest_of_its_own(cells, library):
    digests = stage_digests(cells, library)
    assert set(digests) == {"shared", *(f"tasks/{name}" for name in library.tasks)}
    runs = [digest for content in digests.values() for digest in content.get("runs", {}).values()]
    assert len(set(runs)) == len(runs) == len(cells)


def test_a_task_has_the_digests_of_its_own_stages_and_no_others(cells, library):
    digests = stage_digests(cells, library)
    assert set(digests["tasks/openml_car"]["runs"]) == {"openml_car-xgboost-0", "openml_car-catboost-0"}
    assert (
        set(digests["tasks/openml_car"]["model_input"])
        == {"openml_car"}
        == set(digests["tasks/openml_car"]["task_files"])
    )
    assert set(digests["tasks/cosmic"]["task_files"]) == {"cosmic"}
    assert digests["tasks/cosmic"]["runs"] == {}
    assert set(digests["shared"]["encoder_files"]) == {*library.sources, NOWHERE}


@pytest.mark.parametrize(
    ("path", "value", "differ"),
    [
        ("raw.origins.darcy_flow_simulation.options.seed", 5, {"task_files", "models"}),
        ("raw.origins.darcy_flow_simulation.licence", "another", set()),
        ("raw.origins.download.url", "https://another", set()),
        ("split.validation", 0.3, {"model_input", "models", "runs"}),
        ("tokens.patch", 5, {"models", "runs"}),
        ("paper_metric", "nrmse", {"runs"}),
    ],
)
def test_a_value_changes_the_digests_of_the_stages_that_it_decides(cells, library, path, value, differ):
    cell = cells["darcy_flow-pare-0"]
    task = changed(Task.model_validate(library.tasks["darcy_flow"]), path, value)
    tasks = library.tasks | {"darcy_flow": task.model_dump()}
    other = type(cell)(cell.run.model_copy(update={"task": task}), cell.values)
    before = stage_digests({"run": cell}, library)
    after = stage_digests({"run": other}, library.model_copy(update={"tasks": tasks}))
    assert {name for name in before if before[name] != after[name]} <= {"tasks/darcy_flow"}
    before, after = before["tasks/darcy_flow"], after["tasks/darcy_flow"]
    assert {kind for kind in before if before[kind] != after[kind]} == differ


@pytest.mark.parametrize(
    ("module", "methods"),
    [
        ("learners.libraries.boosting", {"xgboost", "catboost"}),
        ("learners.networks.transformer", {"pare", "finetune"}),
        ("learners.libraries.series", set()),
    ],
)
def test_a_models_digest_has_the_code_that_learners_yml_names(cells, library, monkeypatch, module, methods):
    def models():
        digests = stage_digests(cells, library)
        return {name: digest for content in digests.values() for name, digest in content.get("models", {}).items()}

    before, statements = models(), stages._statements
    monkeypatch.setattr(stages, "_statements", lambda name: statements(name) + "#" * (name == f"pare.{module}"))
    after = models()
    assert {cells[name].run.method_name for name in before if before[name] != after[name]} == methods


def test_the_code_that_is_named_is_there(library):
    learners = [library.learner(name) for name in library.learners]
    named = [f"learners.{path}" for path in LEARNERS.values()]
    named += [f"learners.libraries.{learner.library}" for learner in learners if learner.library]
    named += [f"learners.networks.{learner.network}" for learner in learners if learner.network]
    named += PROXY_READERS.values()
    for module in {path.partition(":")[0] for path in named}:
        assert imported_modules(f"pare.{module}"), module


def test_the_files_are_the_same_whatever_the_order_and_what_was_there_before(tmp_path):
    write_stage_digests({"tasks/gone": {"x": {}}}, tmp_path / "b")
    for name, digests in {"a": {"x": {"1": "p", "2": "q"}, "y": {}}, "b": {"y": {}, "x": {"2": "q", "1": "p"}}}.items():
        write_stage_digests({"shared": {}, "tasks/one": digests}, tmp_path / name)
        assert sorted(path.name for path in (tmp_path / name).rglob("*.json")) == ["one.json", "shared.json"]
    texts = [(tmp_path / name / "tasks" / "one.json").read_bytes() for name in ("a", "b")]
    assert texts[0] == texts[1]
    assert json.loads(texts[0]) == {"x": {"1": "p", "2": "q"}, "y": {}}


IMPORT = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
found = [name for name, module in sys.modules.items() if module.__name__ == name]
print(json.dumps([name for name in found if name.startswith("pare.")]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["pipelines.preprocess.pipeline", "learners.networks.transformer", "paper.pipelines.analyse.pipeline"]
)
def test_the_modules_found_in_the_sources_are_those_that_python_imports(module):
    name = f"pare.{module}"
    done = subprocess.run([sys.executable, "-c", IMPORT, name], capture_output=True, text=True, check=True)
    imported = {module for module in json.loads(done.stdout) if not module.startswith("pare.config")}
    found = imported_modules(name)
    assert found >= imported
    # What is found beyond is imported by a function, when it is called.
    assert len(found - imported) <= 5, found - imported


def test_modules_share_a_digest_with_no_others():
    names = ["pare.storage.parent", "pare.storage.fingerprint", "pare.storage.atomic"]
    digests = [code_digest(*some) for some in ([], names[:1], names[1:], names)]
    assert len(set(digests)) == 4
    assert code_digest(*reversed(names)) == digests[-1]
    assert code_digest("pare.config.schema") == digests[0]  # its values are digested, not its code


def test_a_package_that_is_left_out_has_no_say():
    name = "pare.pipelines.evaluate.pipeline"
    everything, without = imported_modules(name), imported_modules(name, left_out=["pare.config", "pare.report"])
    assert {module for module in everything if module.startswith("pare.report")}
    assert not {module for module in without if module.startswith("pare.report")}
    assert {"pare.evaluation.figures.epochs", "pare.learners.model"} <= without
    assert code_digest(name) != code_digest(name, left_out=["pare.config", "pare.report"])
