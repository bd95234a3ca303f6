"""The stages run one by one, in orders that leave a model input or a model behind which is not the run's own."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from pare.config import PareError
from pare.config_loader import RunConfigLoader
from pare.hooks import RunHooks
from pare.pipeline_registry import register_pipelines
from pare.settings import CONFIG_LOADER_ARGS
from pare.tracking import Tracking

pytestmark = pytest.mark.slow

TASK = {
    "title": "Own rows",
    "raw": {"files": ["own.csv"]},
    "reader": {"name": "table", "options": {"target": "kind"}},
    "samples": {"all": 60},
    "input": {"shape": [3]},
    "output": {"kind": "classification", "shape": [3]},
    "split": {"test": 0.2, "stratified": True},
    "source": "tiny",
    "training": {"epochs": 1, "batch_size": 16, "precision": "no"},
}


@pytest.fixture
def project(conf, tiny_bert, tmp_path, monkeypatch):
    """A project with a task of a CSV file and a tiny encoder."""
    (tmp_path / "pyproject.toml").touch()
    shutil.copytree(conf, tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    local = tmp_path / "conf" / "local"
    (local / "tasks").mkdir(parents=True)
    tiny = {
        "title": "A tiny BERT",
        "encoder": {"origin": "hub_encoder", "options": {"id": str(tiny_bert)}, "licence": "none"},
        "size": {"width": 32, "layers": 2, "parameters": 17000},
        "proxy": {"classification": "english_topics"},
    }
    (local / "sources.yml").write_text(yaml.safe_dump({"tiny": tiny}))
    monkeypatch.chdir(tmp_path)
    write_task(tmp_path)
    write_rows(tmp_path, seed=0)
    return tmp_path


def write_task(project, **changes):
    (project / "conf" / "local" / "tasks" / "own.yml").write_text(yaml.safe_dump({"own": TASK | changes}))


def write_rows(project, seed):
    x = np.random.default_rng(seed).normal(size=(60, 3))
    kinds = np.array(["red", "green", "blue"])[x.argmax(1)]
    pd.DataFrame(x, columns=list("abc")).assign(kind=kinds).to_csv(project / "own.csv", index=False)


@pytest.fixture
def run(project):
    """Run pipelines as `kedro run` does; what the run's predictions are then."""

    def run(*names, method="finetune", **overrides):
        asked = {"task": "own", "method": method, **overrides}
        loader = RunConfigLoader(str(project / "conf"), runtime_params=asked, **CONFIG_LOADER_ARGS)
        catalog = DataCatalog.from_config(loader["catalog"])
        catalog["params:run"] = MemoryDataset(loader.run, copy_mode="assign")
        catalog["params:library"] = MemoryDataset(loader.library, copy_mode="assign")
        catalog["params:tracker"] = MemoryDataset(Tracking(), copy_mode="assign")
        for name in names:
            SequentialRunner().run(register_pipelines()[name], catalog)
        return catalog["predictions"].load() if catalog["predictions"].exists() else None

    return run


def test_a_protocol_that_is_prepared_in_between_changes_nothing_for_the_other(run):
    first = run("ingest", "preprocess", "train", "evaluate")
    run("preprocess", protocol="paper")
    again = run("evaluate")
    np.testing.assert_array_equal(again["prediction"], first["prediction"])


def test_another_split_is_prepared_again_before_a_training_and_trained_again_before_an_evaluation(run, project):
    run("ingest", "preprocess", "train", "evaluate")
    write_task(project, split={"test": 0.5, "stratified": True})
    with pytest.raises(PareError, match=r"prepare it again: kedro run --pipelines=ingest,preprocess --params task=own"):
        run("train")
    run("preprocess")
    with pytest.raises(PareError, match=r"trained with another task\.split\.test; train it again: kedro run --p"):
        run("evaluate")
    assert len(run("train", "evaluate")["truth"]) == 30


def test_a_loss_that_is_relative_since_the_rows_were_prepared_is_refused_where_fields_are_zero(run, project):
    x = np.random.default_rng(0).normal(size=(60, 1, 8))
    y = x.cumsum(2) * (np.arange(60) % 6 > 0)[:, None, None]
    np.savez(project / "own.npz", x=x, y=y)
    fields = {
        "raw": {"files": ["own.npz"]},
        "reader": {"name": "arrays", "options": {"target": "field"}},
        "input": {"shape": [1, 8]},
        "output": {"kind": "dense", "shape": [1, 8]},
        "split": {"test": 0.2},
        "loss": "rmse",
    }
    write_task(project, **fields, metric="rmse")
    run("ingest", "preprocess", method="ridge")
    write_task(project, **fields, metric="relative_l2")
    with pytest.raises(PareError, match=r"zero everywhere in \d of \d+ train rows.*say metric: rmse and loss: rmse"):
        run("train", method="ridge")
    write_task(project, **fields, metric="rmse")
    assert len(run("train", "evaluate", method="ridge")["truth"]) == 12


def test_other_rows_in_the_file_are_prepared_and_trained_again(run, project):
    first = run("ingest", "preprocess", "train", "evaluate")
    write_rows(project, seed=1)
    run("ingest")
    with pytest.raises(PareError, match="prepare it again"):
        run("train")
    run("preprocess")
    with pytest.raises(PareError, match=r"trained on another model input than .*own\.h5.*train it again: kedro run"):
        run("evaluate")
    assert not np.array_equal(run("train", "evaluate")["truth"], first["truth"])


def test_pipelines_that_do_not_ingest_tell_that_the_file_is_another_one_now(run, project, caplog):
    run("ingest", "preprocess", "train", "evaluate", method="logistic_regression")
    asked = {"task": "own", "method": "logistic_regression"}
    loader = RunConfigLoader(str(project / "conf"), runtime_params=asked, **CONFIG_LOADER_ARGS)

    def told(*names):
        caplog.clear()
        hooks = RunHooks()
        hooks.config = loader
        pipeline = sum((register_pipelines()[name] for name in names), Pipeline([]))
        hooks.before_pipeline_run(pipeline=pipeline, catalog=DataCatalog({}))
        return "files of task own were changed or moved since" in caplog.text

    stages = ("preprocess", "train", "evaluate", "predict", "explain", "export")
    assert not any(map(told, stages))
    write_rows(project, seed=1)
    assert all(map(told, stages))
    assert not told("ingest", "preprocess", "train") and not told("pare_train") and not told("report")
    run("ingest", "preprocess", method="logistic_regression")
    assert not told("train") and told("predict")


def test_a_model_of_other_values_is_not_scored_as_the_runs_own(run):
    run("ingest", "preprocess", "train", training={"epochs": 2})
    with pytest.raises(PareError, match=r"another training\.epochs; .* as it is: .*evaluate .*training\.epochs=2$"):
        run("evaluate")
    run("evaluate", training={"epochs": 2})


def test_a_finished_model_of_other_values_is_named_before_it_is_replaced(run, caplog):
    run("ingest", "preprocess", "train", training={"epochs": 2})
    run("train", training={"epochs": 2})
    assert "replaced" not in caplog.text
    run("train")
    assert "holds a model with another training.epochs, which is replaced" in caplog.text
    assert "variant=NAME" in caplog.text
