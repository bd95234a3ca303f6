"""Where a run's files lie, what it is called, and the command that repeats it."""

import shlex
from itertools import combinations

import pytest

from pare.cli import run as kedro_run
from pare.config import PareError, resolve
from pare.config.run import PROTOCOL

# One change at a time of all that makes a run; the hyperparameters are those of a variant.
CHANGES = {
    "nothing": {},
    "task": {"task": "openml_wdbc"},
    "method": {"method": "finetune"},
    "variant": {"variant": "short"},
    "source": {"source": "dinov2_small"},
    "proxy": {"source": {"proxy": "mnist_digits"}},
    "samples": {"source": {"samples": 50}},
    "protocol": {"protocol": "paper"},
    "seed": {"seed": 1},
    "environment": {},
    "environment and protocol": {"protocol": "paper"},
}


def merged(parameters, overrides):
    """Parameters as Kedro merges them with the command line."""
    sections = {key: {**parameters[key], **value} for key, value in overrides.items() if key in ("training",)}
    return parameters | overrides | sections


@pytest.fixture
def build(library, parameters):
    """A run of the shipped configuration with some values on the command line."""

    def build(environment="local", **overrides):
        where = library.model_copy(update={"environment": environment})
        return resolve(where, merged(parameters, overrides), overrides)

    return build


def test_the_folder_of_a_plain_run_is_task_method_and_seed(build):
    assert build(task="darcy_flow").folder == "darcy_flow/pare/seed_0"
    assert build(task="darcy_flow", source="minilm", protocol="validated").folder == "darcy_flow/pare/seed_0"
    assert build("base", task="darcy_flow").folder == "darcy_flow/pare/seed_0"
    assert build(task="openml_wdbc", method="xgboost", seed=2).folder == "openml_wdbc/xgboost/seed_2"


def test_the_folder_names_what_is_not_the_tasks_own(build):
    assert build(source="dinov2_small", variant="short").folder == "darcy_flow/pare-short/source_dinov2_small/seed_0"
    run = build("paper", protocol="paper", source={"name": "dinov2_small", "proxy": "mnist_digits", "samples": 50})
    differs = "env_paper-protocol_paper-source_dinov2_small-proxy_mnist_digits-samples_50"
    assert run.folder == f"darcy_flow/pare/{differs}/seed_0"
    assert run.title.endswith(
        ", pare, env paper, protocol paper, source dinov2_small, proxy mnist_digits, samples 50, seed 0"
    )


def test_two_runs_that_differ_in_anything_have_two_folders(build):
    runs = {name: build("paper" if "environment" in name else "local", **values) for name, values in CHANGES.items()}
    for (one, first), (other, second) in combinations(runs.items(), 2):
        assert first.folder != second.folder, (one, other)


@pytest.mark.parametrize(
    ("environment", "overrides", "command"),
    [
        ("local", {}, "kedro run --pipelines=train --params task=darcy_flow,method=pare,seed=0"),
        ("paper", {}, "kedro run --pipelines=train --env paper --params task=darcy_flow,method=pare,seed=0"),
        ("local", {"protocol": "validated"}, None),
        ("local", {"source": "minilm"}, None),
        (
            "local",
            {"source": {"name": "dinov2_small", "proxy": "mnist_digits", "samples": 50}, "protocol": "paper"},
            None,
        ),
        ("local", {"source": {"samples": 50}, "seed": 3, "variant": "x", "mixing": {"selector": "random"}}, None),
        ("local", {"training": {"epochs": 3, "clip_norm": None, "momentum": 0.8, "precision": "no"}}, None),
        ("local", {"task": "cifar100", "training": {"augmentation": ["flip"]}}, None),
        ("base", {"task": "openml_wdbc", "method": "xgboost", "options": {"subsample": 0.5}}, None),
        ("local", {"task": "openml_wdbc", "method": "choose", "minutes": 3}, None),
        ("local", {"minutes": 3, "start": "random"}, None),
    ],
)
def test_the_command_of_a_run_resolves_to_it_again(build, environment, overrides, command):
    run = build(environment, **overrides)
    assert command in (None, run.command("train"))
    _, name, *arguments = shlex.split(run.command("train"))
    asked = kedro_run.make_context(name, arguments).params
    assert build(asked["env"] or "local", **asked["params"]) == run


@pytest.mark.parametrize("file", ["new rows.csv", "a;$(touch x).csv", "it's `x`.csv", 'a"b&c|d.csv', "new.csv"])
def test_a_file_of_new_rows_is_one_word_of_the_command_whatever_its_name_is(build, file):
    run = build()
    words = shlex.split(run.command("predict", predict=file))
    assert words == ["kedro", "run", "--pipelines=predict", "--params", f"{run.params},predict={file}"]


@pytest.mark.parametrize("name", ["../escape", "two-words", "a/b", ""])
def test_a_name_that_folders_cannot_have_is_refused(library, parameters, name):
    named = library.model_copy(update={"tasks": {name: library.tasks["darcy_flow"]}})
    with pytest.raises(PareError, match="letters, digits and _"):
        resolve(named, parameters | {"task": name}, {})


def test_the_protocol_that_folders_do_not_name_is_that_of_conf_base(parameters):
    assert parameters["protocol"] == PROTOCOL
