"""The library of an environment with what the user adds to it, and the catalog of a run."""

import shutil
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset

from pare.config import PareError
from pare.config_loader import RunConfigLoader, load_library
from pare.pipeline_registry import register_pipelines
from pare.settings import CONFIG_LOADER_ARGS

# One change at a time, or several, of all that makes a run.
RUNS = {
    "plain": {},
    "task": {"task": "openml_wdbc"},
    "method": {"method": "pare_no_source_loss"},
    "variant": {"variant": "short"},
    "source": {"source": "dinov2_small"},
    "proxy": {"source": {"proxy": "mnist_digits"}},
    "samples": {"source": {"samples": 50}},
    "protocol": {"protocol": "paper"},
    "seed": {"seed": 1},
    "environment": {"env": "paper"},
    "environment and protocol": {"env": "paper", "protocol": "validated"},
    "a network without a source": {"method": "u_net"},
}
OF_SEVERAL_RUNS = {"trained_models", "results"}  # read only
SHARED = {"raw", "encoder", "proxy"}  # by all runs that need the same files
PREPARED = {"plain", "task", "protocol", "environment", "environment and protocol"}  # what decides the model input


@pytest.fixture
def folder(conf, tmp_path):
    """The shipped configuration, and a conf/local in which a task and a source are added and a task is changed."""
    folder = tmp_path / "conf"
    shutil.copytree(conf, folder, ignore=shutil.ignore_patterns("local"))
    (folder / "local" / "tasks").mkdir(parents=True)
    tasks = {"mine": {"title": "mine"}, "cosmic": {"training": {"epochs": 77}}}
    (folder / "local" / "tasks" / "mine.yaml").write_text(yaml.safe_dump(tasks))
    (folder / "local" / "sources.yml").write_text(yaml.safe_dump({"my_source": {"title": "mine"}}))
    return folder


@pytest.fixture
def load(folder):
    """The loader of an environment, with parameters of the command line."""

    def load(env=None, **overrides):
        return RunConfigLoader(conf_source=str(folder), env=env, runtime_params=overrides, **CONFIG_LOADER_ARGS)

    return load


@pytest.mark.parametrize("kind", ["tasks", "sources", "learners", "parameters", "report"])
@pytest.mark.parametrize("env", [None, "local", "base", "paper"])
def test_an_environment_without_a_file_of_a_kind_changes_nothing_of_what_kedro_reads(folder, load, env, kind):
    assert load(env)[kind] == OmegaConfigLoader(conf_source=str(folder), env=env, **CONFIG_LOADER_ARGS)[kind]
    assert load(env).env == env


@pytest.mark.parametrize(
    "text",
    [
        "one: {rate: 1e-3, small: .5e-2, day: 2024-01-02, off: no, nothing: null, list: [1, 2.0], text: 12e}",
        "_shared: &shared {a: 1}\none: {<<: *shared, b: 2}",
        "cosmic: {training: {epochs: 3}, input: null}",
        "one: {a: 1}\ntwo: {a: '${one.a}'}",
    ],
)
def test_entries_are_read_by_the_rules_of_kedro(folder, load, text):
    (folder / "local" / "tasks" / "mine.yaml").write_text(text)
    assert load()["tasks"] == OmegaConfigLoader(conf_source=str(folder), **CONFIG_LOADER_ARGS)["tasks"]


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("mine.yaml", "one: {a: 1, a: 2}", "duplicate key a"),
        ("more.yml", "mine: {}", "Duplicate keys found"),
        ("more.yml", "mine: [", "Invalid YAML"),
        ("more.yml", b"mine: \xff", "utf-8"),
    ],
)
def test_mistakes_in_a_file_are_told_by_kedro(folder, load, name, text, error):
    (folder / "local" / "tasks" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Exception, match=error):
        load()["tasks"]


@pytest.mark.slow
def test_a_file_in_conf_local_counts_whatever_its_folder(folder, load):
    deep = folder / "local" / "tasks" / "deep" / "er.yml"
    deep.parent.mkdir()
    deep.write_text(yaml.safe_dump({"darcy_flow": {"tokens": {"patch": 3}}}))
    (folder / "local" / "parameters_mine.yml").write_text("seed: 9")
    (folder / "local" / "tasks" / "mine.yaml").unlink()
    assert load()["tasks"]["darcy_flow"]["tokens"]["patch"] == 3
    assert load().run.seed == 9


def paths(loader):
    """Where the datasets of all pipelines lie, by name, as Kedro makes them of the catalog."""
    catalog = DataCatalog.from_config(loader["catalog"])
    names = set().union(*(pipeline.datasets() for pipeline in register_pipelines().values()))
    datasets = {name: catalog.get(name) for name in names if not name.startswith("params:")}
    kept = {name: data for name, data in datasets.items() if data is not None and not isinstance(data, MemoryDataset)}
    described = {name: data._describe() for name, data in kept.items()}
    return {
        name: Path(where.get("filepath") or where["path"], where.get("dataset_type", ""))  # of files of a kind
        for name, where in described.items()
    }


def test_conf_local_is_read_by_default(load):
    library = load().library
    assert library.tasks["mine"] == {"title": "mine"}
    assert "my_source" in library.sources
    assert library.tasks["cosmic"]["training"]["epochs"] == 77


@pytest.mark.slow
def test_results_of_a_changed_task_have_folders_of_their_own(load):
    assert load().library.changed == {"cosmic"}
    assert load("base").library.changed == load("paper").library.changed == frozenset()
    run = load(task="cosmic").run
    assert (run.folder, run.places["model_input"]) == ("cosmic/pare/task_changed/seed_0", "cosmic-task_changed")
    assert load(task="openml_wdbc").run.folder == "openml_wdbc/pare/seed_0"


@pytest.mark.slow
def test_the_users_own_are_known_in_another_environment_which_is_not_changed(load, conf):
    library = load("paper").library
    assert library.tasks["mine"] == {"title": "mine"}
    assert "my_source" in library.sources
    shipped = load_library(RunConfigLoader(conf_source=str(conf), env="paper", **CONFIG_LOADER_ARGS))
    assert library.tasks["cosmic"] == shipped.tasks["cosmic"]
    assert library.tasks["cosmic"]["training"]["epochs"] != 77


def test_the_base_environment_is_what_is_shipped(load):
    assert "mine" not in load("base").library.tasks


def test_nothing_is_missed_where_there_is_no_conf_local(load, folder):
    shutil.rmtree(folder / "local")
    assert "darcy_flow" in load("paper").library.tasks


def test_an_environment_that_cannot_name_folders_is_refused(load, folder):
    (folder / "my-cluster").mkdir()
    with pytest.raises(PareError, match=r"'my-cluster'.*letters, digits and _"):
        load("my-cluster").library  # noqa: B018


@pytest.mark.slow
def test_each_run_of_the_shipped_configuration_has_the_files_that_it_always_had(load):
    found = paths(load(task="openml_wdbc", seed=3))
    assert found["model"] == Path("data/06_models/openml_wdbc/pare/seed_3/model")
    assert found["predictions"] == Path("data/07_model_output/openml_wdbc/pare/seed_3/predictions.h5")
    assert found["metrics"] == Path("data/08_reporting/openml_wdbc/pare/seed_3/metrics.json")
    assert found["prediction_figure"] == Path("data/08_reporting/openml_wdbc/pare/seed_3/prediction.png")
    assert found["model_input"] == Path("data/05_model_input/openml_wdbc.h5")
    assert found["encoder"] == Path("data/01_raw/encoders/minilm")
    library = paths(load(task="openml_wdbc", method="xgboost", seed=2))
    assert library["metrics"] == Path("data/08_reporting/openml_wdbc/xgboost/seed_2/metrics.json")
    assert library["model_input"] == found["model_input"]


@pytest.mark.slow
def test_two_runs_that_differ_in_anything_share_no_file_and_none_lies_in_the_folder_of_another(load):
    """A folder within another run's folder would be removed with it."""
    loaders = {name: load(**overrides) for name, overrides in RUNS.items()}
    libraries = {env: load(env).library for env in (None, "paper")}  # read once, and not for each run
    for loader in loaders.values():
        loader.library = libraries[loader.env]
    runs, folders = ({name: of(loader) for name, loader in loaders.items()} for of in (paths, lambda it: it.run.folder))
    for (one, first), (other, second) in combinations(runs.items(), 2):
        own = first.keys() - OF_SEVERAL_RUNS - SHARED - {"model_input", "report"}
        assert len(own) > 20
        assert not {first[name] for name in own} & set(second.values()), (one, other)
        if {one, other} <= PREPARED:
            assert first["model_input"] != second["model_input"], (one, other)
        outer, inner = sorted((f"{folders[one]}/", f"{folders[other]}/"), key=len)
        assert not inner.startswith(outer), (one, other)
    assert runs["plain"]["report"] != runs["environment"]["report"]


@pytest.mark.slow
def test_environments_that_bring_other_files_have_a_folder_of_their_own(load):
    """Darcy flow is simulated in base and downloaded for the paper; Balance Scale's file is the same in both."""
    base, paper = load(), load("paper")
    assert (base.run.places["raw"], paper.run.places["raw"]) == ("darcy_flow", "darcy_flow-env_paper")
    for name in ("ninapro", "openml_balance_scale"):
        origins = [loader.library.task(name).raw.active for loader in (base, paper)]
        assert (origins[0] == origins[1]) == (paper.library.raw_place("tasks", name) == name)
    assert paper.library.raw_place("sources", "roberta_base") == "encoders/roberta_base"


@pytest.mark.slow
def test_a_value_that_takes_runtime_parameters_changes_no_path(load, folder):
    """They are read when the parameters are, before the run is known; Kedro keeps what they were then."""
    parameters = folder / "base" / "parameters.yml"
    text = parameters.read_text()
    assert "epochs: 20" in text
    parameters.write_text(text.replace("epochs: 20", "epochs: ${runtime_params:seed,20}"))
    plain, variant = load(seed=3), load(seed=3, variant="short", source="dinov2_small")
    assert plain["parameters"]["training"]["epochs"] == 3
    before, after = paths(plain), paths(variant)
    assert before["model"] == Path("data/06_models/darcy_flow/pare/seed_3/model")
    assert after["model"] == Path("data/06_models/darcy_flow/pare-short/source_dinov2_small/seed_3/model")
    assert not {before[name] for name in ("model", "predictions", "metrics", "history")} & set(after.values())


def test_a_catalog_that_is_read_late_is_still_that_of_its_own_run(load):
    first = load(seed=1)
    first.run  # noqa: B018
    assert paths(load(seed=2))["model"].parent.name == "seed_2"
    assert paths(first)["model"].parent.name == "seed_1"


def test_a_name_that_a_run_does_not_have_is_told(load, folder):
    (folder / "base" / "catalog" / "mine.yml").write_text('mine: {type: MemoryDataset, data: "${run:foldr}"}\n')
    with pytest.raises(Exception, match=r"'foldr' is unknown. Did you mean 'folder'"):
        load()["catalog"]
