"""The library of an environment, and what the user adds to it."""

import shutil
from types import SimpleNamespace

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Node, Pipeline

from pare.config import Library, PareError, resolve
from pare.hooks import RunHooks, load_library
from pare.settings import CONFIG_LOADER_ARGS


@pytest.fixture
def load(conf, tmp_path):
    """The library of an environment of a project in whose conf/local a task and a source stand."""
    folder = tmp_path / "conf"
    shutil.copytree(conf, folder, ignore=shutil.ignore_patterns("local"))
    (folder / "local" / "tasks").mkdir(parents=True)
    tasks = {"mine": {"title": "mine"}, "darcy_flow": {"training": {"epochs": 77}}}
    (folder / "local" / "tasks" / "mine.yaml").write_text(yaml.safe_dump(tasks))
    (folder / "local" / "sources.yml").write_text(yaml.safe_dump({"my_source": {"title": "mine"}}))

    def load(env=None):
        return load_library(OmegaConfigLoader(conf_source=str(folder), env=env, **CONFIG_LOADER_ARGS))

    return load


def test_what_stands_in_conf_local_is_read_by_default(load):
    library = load()
    assert library.tasks["mine"] == {"title": "mine"}
    assert "my_source" in library.sources
    assert library.tasks["darcy_flow"]["training"]["epochs"] == 77


def test_the_users_own_are_known_in_another_environment_which_is_not_changed(load, conf):
    library = load("paper")
    assert library.tasks["mine"] == {"title": "mine"}
    assert "my_source" in library.sources
    shipped = load_library(OmegaConfigLoader(conf_source=str(conf), env="paper", **CONFIG_LOADER_ARGS))
    assert library.tasks["darcy_flow"] == shipped.tasks["darcy_flow"]
    assert library.tasks["darcy_flow"]["training"]["epochs"] != 77


def test_the_base_environment_is_what_is_shipped(load):
    assert "mine" not in load("base").tasks


def test_nothing_is_missed_where_there_is_no_conf_local(load, tmp_path):
    shutil.rmtree(tmp_path / "conf" / "local")
    assert "darcy_flow" in load("paper").tasks


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "acuracy"}, "acuracy"),
        ({"loss": "cross_entropy"}, "cross_entropy"),
        ({"mixing": {"mixer": "mix_up"}}, "mixing.mixer 'mix_up' is unknown.*'mixup'"),
        ({"metric": "rmse"}, None),
    ],
)
def test_a_metric_loss_or_mixer_that_cannot_be_is_told_before_anything_runs(library, parameters, change, message):
    hooks = RunHooks()
    changed = Library(**(library.model_dump() | {"tasks": {"mine": library.tasks["darcy_flow"] | change}}))
    hooks.library, hooks.run = changed, resolve(changed, parameters | {"task": "mine"}, {})
    training = Pipeline([Node(lambda value: value, inputs="model_input", outputs="model")])
    ingesting = Pipeline([Node(lambda value: value, inputs="params:run", outputs="raw")])
    hooks.before_pipeline_run(pipeline=ingesting)
    if message is None:
        hooks.before_pipeline_run(pipeline=training)
    else:
        with pytest.raises(PareError, match=message):
            hooks.before_pipeline_run(pipeline=training)


def catalog(conf, **overrides):
    """What the catalog of a run says, by dataset."""
    loader = OmegaConfigLoader(conf_source=str(conf), env="base", runtime_params=overrides, **CONFIG_LOADER_ARGS)
    RunHooks().after_context_created(SimpleNamespace(config_loader=loader))
    return loader["catalog"]


def test_the_files_of_a_variant_stand_beside_those_of_the_method(conf):
    plain = catalog(conf, task="openml_wdbc", seed=3)
    variant = catalog(conf, task="openml_wdbc", seed=3, variant="start_10", mixing={"start": 0.1})
    moved = {name for name in plain if name[0] != "_" and plain[name] != variant[name]}
    assert moved >= {"model", "predictions", "new_predictions", "metrics", "history"}
    assert not moved & {"raw", "encoder", "proxy", "model_input"}
    for name in moved:
        path = plain[name]["filepath"]
        assert variant[name]["filepath"] == path.replace("/pare/seed_3", "/pare-start_10/seed_3") != path


def hooks_of(conf, **overrides):
    """Hooks that have resolved a run."""
    hooks = RunHooks()
    loader = OmegaConfigLoader(conf_source=str(conf), env="base", runtime_params=overrides, **CONFIG_LOADER_ARGS)
    hooks.after_context_created(SimpleNamespace(config_loader=loader))
    return hooks


def test_a_baseline_and_a_method_are_each_sent_to_their_own_pipeline(conf):
    training = Pipeline([Node(lambda value: value, inputs="encoder", outputs="model")])
    fitting = Pipeline([Node(lambda value: value, inputs="params:run", outputs="baseline_record")])
    with pytest.raises(PareError, match=r"'fno' is a baseline; run it: kedro run --pipelines=baseline"):
        hooks_of(conf, method="fno").before_pipeline_run(pipeline=training)
    with pytest.raises(PareError, match=r"'pare' is no baseline; run it: kedro run --pipelines=pare_train"):
        hooks_of(conf).before_pipeline_run(pipeline=fitting)
    with pytest.raises(PareError, match=r"Baselines that suit it: fno, u_net"):
        hooks_of(conf, method="xgboost").before_pipeline_run(pipeline=fitting)
    hooks_of(conf, method="logistic_regression", task="openml_wdbc").before_pipeline_run(pipeline=fitting)


def test_results_of_a_baseline_stand_beside_those_of_the_methods(conf):
    found = catalog(conf, task="openml_wdbc", method="xgboost", seed=2)
    assert found["metrics"]["filepath"] == "data/08_reporting/openml_wdbc/xgboost/seed_2/metrics.json"
    assert found["model_input"]["filepath"] == "data/05_model_input/openml_wdbc.h5"
