"""What is refused before anything runs, and what nodes are handed."""

import logging
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, DatasetError

from pare.cli import run as kedro_run
from pare.config import PareError
from pare.config.errors import INGEST
from pare.config_loader import RunConfigLoader
from pare.hooks import LockHooks, RunHooks
from pare.pipeline_registry import register_pipelines
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.access import held_alone

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pipelines():
    return register_pipelines()


@pytest.fixture
def check(conf, pipelines):
    """Hand the hooks a run, and then one of the pipelines; what they add to the catalog."""

    def check(pipeline, changes=None, **overrides):
        loader = RunConfigLoader(conf_source=str(conf), env="base", runtime_params=overrides, **CONFIG_LOADER_ARGS)
        if changes:
            loader["tasks"] = {"mine": loader["tasks"]["darcy_flow"] | changes}
        hooks, catalog = RunHooks(), DataCatalog({})
        hooks.after_context_created(SimpleNamespace(config_loader=loader))
        hooks.before_pipeline_run(pipeline=pipelines[pipeline], catalog=catalog)
        return catalog

    return check


@pytest.mark.parametrize("pipeline", ["pare_train", "evaluate", "ingest", "report"])
def test_new_rows_that_no_node_reads_are_refused_with_the_command_that_does(check, pipeline):
    wanted = r"kedro run --pipelines=predict .*task=darcy_flow,method=pare,seed=0,predict=new\.npy"
    with pytest.raises(PareError, match=wanted):
        check(pipeline, predict="new.npy")
    check("predict", predict="new.npy")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "acuracy"}, "acuracy"),
        ({"loss": "cross_entropy"}, "cross_entropy"),
        (
            {
                "input": {"shape": [3, 85, 85]},
                "output": {"kind": "classification", "shape": [2]},
                **{"loss": "cross_entropy", "metric": "error_percent", "training": {"augmentation": ["flipp"]}},
            },
            "training.augmentation 'flipp' is unknown.*'flip'",
        ),
        ({"mixing": {"mixer": "mix_up"}}, "mixing.mixer 'mix_up' is unknown.*'mixup'"),
    ],
)
@pytest.mark.parametrize("pipeline", ["train", "evaluate", "pare_train"])
def test_a_metric_loss_or_mixer_that_cannot_be_is_told_before_anything_runs(check, pipeline, change, message):
    check("ingest", change, task="mine")
    check(pipeline, {"metric": "rmse"}, task="mine")
    with pytest.raises(PareError, match=message):
        check(pipeline, change, task="mine")


@pytest.mark.parametrize("pipeline", ["train", "evaluate", "pare_train", "choose", "baseline"])
def test_a_learner_must_suit_the_task_whatever_the_pipeline_is_called(check, pipeline):
    with pytest.raises(PareError, match=r"xgboost predicts .* from tables; task 'darcy_flow' predicts dense"):
        check(pipeline, method="xgboost")
    check(pipeline, method="logistic_regression", task="openml_wdbc")


@pytest.mark.parametrize("method", ["finetune", "fno", "xgboost"])
def test_an_analysis_needs_a_method_that_mixes(check, method):
    with pytest.raises(PareError, match=f"'{method}' replaces none; use method=pare"):
        check("analyse", method=method)


@pytest.mark.parametrize("pipeline", ["preprocess", "report"])
def test_what_needs_no_model_takes_any_run(check, pipeline):
    check(pipeline, method="xgboost")


def test_report_yml_is_read_for_the_report_alone(check):
    assert "params:report" not in check("ingest")
    assert check("report").load("params:report")["reference"] == "pare"


def test_a_mistake_is_told_before_the_catalog_is_read(conf):
    loader = RunConfigLoader(conf_source=str(conf), env="base", runtime_params={"seeed": 1}, **CONFIG_LOADER_ARGS)
    with pytest.raises(PareError, match=r"'seeed' is unknown. Did you mean 'seed'"):
        RunHooks().after_context_created(SimpleNamespace(config_loader=loader))


def test_a_file_of_new_rows_that_is_null_is_none(conf):
    loader = RunConfigLoader(conf_source=str(conf), env="base", **CONFIG_LOADER_ARGS)
    loader["parameters"] = loader["parameters"] | {"predict": None}
    command = kedro_run.make_context("run", ["--pipelines=predict"])
    with command, pytest.raises(PareError, match="name the file with new rows"):
        RunHooks().after_context_created(SimpleNamespace(config_loader=loader))


def test_the_catalog_holds_the_run_and_no_parameter_that_nobody_set():
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT, env="base", runtime_params={"variant": "short", "seed": 4}) as session:
        context = session.load_context()
        catalog = context.catalog
    folder = "darcy_flow/pare-short/seed_4"
    assert catalog.load("params:run").folder == folder
    assert Path(catalog["model"]._describe()["filepath"]) == PROJECT / f"data/06_models/{folder}/model"
    assert catalog.load("params:source") is None
    given = {key.removeprefix("params:").split(".")[0] for key in catalog if key.startswith("params:")}
    ours = {"task", "start", "source", "method", "seed", "variant", "protocol", "training", "analyse", "predict"}
    ours |= {"minutes", "fold", "tracking"}
    assert given == ours | {"run", "library", "tracker"}


@pytest.mark.parametrize("method", ["finetune", "xgboost"])
def test_a_mistake_in_a_dataset_ends_with_the_whole_command_of_the_run(conf, method):
    asked = {"task": "openml_wdbc", "method": method}
    hooks, mistake = RunHooks(), PareError(f"damaged; run {INGEST}")
    hooks.config = RunConfigLoader(conf_source=str(conf), env="base", runtime_params=asked, **CONFIG_LOADER_ARGS)
    wrapped = DatasetError("could not load")
    wrapped.__cause__ = mistake
    hooks.on_pipeline_error(error=wrapped)
    command = f"kedro run --pipelines=ingest --env base --params task=openml_wdbc,method={method},seed=0"
    assert str(mistake) == f"damaged; run `{command}`"


@pytest.mark.parametrize("end", ["after_pipeline_run", "on_pipeline_error"])
def test_results_of_a_run_are_written_by_one_process_at_a_time(tmp_path, caplog, monkeypatch, end):
    loader = SimpleNamespace(run=SimpleNamespace(folder="wine/pare"), conf_source=str(tmp_path / "conf"))
    hooks, lock, begun, let_go = LockHooks(), tmp_path / "data/07_model_output/wine/pare/.writing", Event(), Event()
    hooks.after_context_created(SimpleNamespace(config_loader=loader))

    def write():
        with held_alone(lock, "results"):
            begun.set()
            let_go.wait()
            (tmp_path / "written").touch()

    other = Thread(target=write)
    other.start()
    begun.wait()
    hooks.before_node_run(SimpleNamespace(tags={"train"}))  # writes no result
    with caplog.at_level(logging.INFO, "pare"):
        monkeypatch.setattr(caplog.handler, "emit", lambda record: let_go.set())  # once it says that it waits
        hooks.before_node_run(SimpleNamespace(tags={"evaluate"}))
    assert (tmp_path / "written").exists()
    assert let_go.is_set() and lock.exists()
    hooks.before_node_run(SimpleNamespace(tags={"evaluate"}))
    getattr(hooks, end)()
    assert not lock.exists()
    other.join()
