"""From YAML and the command line to a run, and what is said of mistakes."""

from copy import deepcopy
from functools import cache

import pytest
import yaml
from kedro.config import OmegaConfigLoader

from pare.config import Library, PareError, resolve
from pare.config.schema import Task
from pare.config_loader import load_library
from pare.raw.options import bind_options
from pare.raw.origins.registry import find_origin
from pare.raw.proxies import PROXY_READERS
from pare.raw.readers.registry import READERS
from pare.settings import CONFIG_LOADER_ARGS


def nested(dotted):
    """``{"training.epochs": 3}`` as ``{"training": {"epochs": 3}}``, the way Kedro parses --params."""
    result = {}
    for key, value in dotted.items():
        *sections, last = key.split(".")
        place = result
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return result


def merged(parameters, overrides):
    """Parameters as Kedro merges them: nested, the command line last."""
    result = deepcopy(parameters)
    for key, value in overrides.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = result[key] | value if both else value
    return result


@pytest.fixture
def run(library, parameters):
    """Resolve what the command line would."""

    def resolved(library=library, **dotted):
        overrides = nested({key.replace("__", "."): value for key, value in dotted.items()})
        return resolve(library, merged(parameters, overrides), overrides)

    return resolved


def changed(library, kind, name, **dotted):
    """The library with some keys of one entry changed."""
    entries = deepcopy(library.model_dump())
    for key, value in dotted.items():
        *sections, last = key.split("__")
        place = entries[kind][name]
        for section in sections:
            place = place[section]
        place[last] = value
    return Library(**entries)


def test_the_task_decides_the_source_and_the_output_decides_the_proxy(run):
    chosen = run(task="openml_wdbc")
    assert (chosen.source_name, chosen.proxy_name) == ("minilm", "english_topics")
    assert run(task="openml_wdbc", source="dinov2_small").proxy_name == "mnist_digits"
    assert run(task="darcy_flow", source="dinov2_small").proxy_name == "mnist_ink"


def test_a_task_may_name_a_proxy_which_holds_for_its_own_source_only(library, parameters):
    own = changed(library, "tasks", "darcy_flow", proxy="cifar10", source="dinov2_small")
    asked = {**parameters, "task": "darcy_flow"}
    assert resolve(own, asked, {}).proxy_name == "cifar10"
    assert resolve(own, {**asked, "source": {"proxy": "mnist_digits"}}, {}).proxy_name == "mnist_digits"
    assert resolve(own, {**asked, "source": "minilm"}, {}).proxy_name == "english_topics"


def test_later_layers_win_and_the_run_remembers_which_did(run, library):
    library = changed(library, "tasks", "darcy_flow", training={"batch_size": 7, "weight_decay": 0.1, "momentum": 0.5})
    library = changed(library, "methods", "pare", training={"weight_decay": 0.2, "momentum": 0.6})
    resolved = run(library, training__momentum=0.7)
    training, origin = resolved.training, resolved.provenance
    assert (training.schedule, origin["training.schedule"]) == ("cosine", "defaults")
    assert (training.batch_size, origin["training.batch_size"]) == (7, "task darcy_flow")
    assert (training.weight_decay, origin["training.weight_decay"]) == (0.2, "method pare")
    assert (training.momentum, origin["training.momentum"]) == (0.7, "command line")
    assert "training.dropout" not in origin  # nobody said it: the schema's default


@pytest.mark.parametrize(
    ("task", "asked", "minutes"),
    [
        ({}, {}, 4),  # fields have minutes by default
        ({"epochs": 3}, {}, None),
        ({}, {"training__epochs": 3}, None),
        ({"epochs": 3}, {"training__minutes": 2}, 2),
        ({"minutes": 2, "epochs": 3}, {}, 2),
    ],
)
def test_epochs_count_where_they_are_named_after_the_minutes(run, library, task, asked, minutes):
    resolved = run(changed(library, "tasks", "darcy_flow", training=task), **asked)
    assert resolved.training.minutes == minutes
    assert ("training.minutes" in resolved.provenance) == (minutes is not None)


def test_mixing_comes_from_the_method_then_the_task_then_the_command_line(run, library):
    library = changed(library, "methods", "pare", mixing={"start": 0.9, "end": 0.1})
    library = changed(library, "tasks", "darcy_flow", mixing={"start": 0.5, "temperature": 0.4})
    resolved = run(library, mixing__temperature=0.3)
    assert (resolved.mixing.start, resolved.provenance["mixing.start"]) == (0.5, "task darcy_flow")
    assert (resolved.mixing.temperature, resolved.provenance["mixing.temperature"]) == (0.3, "command line")
    assert (resolved.mixing.end, resolved.provenance["mixing.end"]) == (0.1, "method pare")


def test_mixing_defaults_in_the_parameters_are_heard_where_the_method_is_silent(library, parameters):
    resolved = resolve(library, parameters | {"mixing": {"temperature": 0.5}}, {})
    assert (resolved.mixing.temperature, resolved.provenance["mixing.temperature"]) == (0.5, "defaults")


def test_an_unquoted_no_is_a_precision_although_yaml_reads_it_as_false(run):
    value = yaml.safe_load("no")
    assert run(task="darcy_flow", training__precision=value).training.precision == "no"
    with pytest.raises(PareError, match=r"training\.precision.*'auto', 'no' or 'bf16'"):
        run(task="darcy_flow", training__precision=yaml.safe_load("yes"))


def test_a_method_without_mixing_has_none_and_says_so_when_asked_to_mix(run):
    assert run(method="finetune").mixing is None
    with pytest.raises(PareError, match=r"'finetune' does not mix.*method=pare"):
        run(method="finetune", mixing__start=0.5)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"task": "darcy_flw"}, ["task 'darcy_flw'", "Did you mean 'darcy_flow'", "`kedro tasks`"]),
        ({"source": "mini"}, ["source 'mini'", "Did you mean 'minilm'", "conf/base/sources.yml"]),
        ({"method": "pair"}, ["method 'pair'", "Did you mean 'pare'", "conf/base/methods.yml"]),
        ({"tsk": "darcy_flow"}, ["parameter 'tsk'", "Did you mean 'task'", "conf/base/parameters.yml"]),
        ({"training.epoch": 3}, ["'training.epoch'", "Did you mean 'training.epochs'", "`kedro tasks show`"]),
        ({"mixing.strat": 0.3}, ["'mixing.strat'", "Did you mean 'mixing.start'"]),
        ({"training.epochs": -1}, ["'training.epochs'", "greater than or equal to 0", "found -1"]),
        ({"training.epochs": "x"}, ["'training.epochs'", "integer", "found 'x'"]),
        ({"training.optimiser": "Lion"}, ["'training.optimiser'", "AdamW", "found 'Lion'"]),
        ({"mixing.start": 2}, ["'mixing.start'", "less than or equal to 1", "found 2"]),
        ({"seed": -1}, ["'seed'", "greater than or equal to 0", "found -1"]),
        ({"seed": 2**32}, ["'seed'", "less than 4294967296", "found 4294967296"]),
        ({"seed": "one"}, ["'seed'", "integer", "found 'one'"]),
        ({"protocol": "mine"}, ["'protocol'", "'validated' or 'paper'", "found 'mine'"]),
        ({"training": 3}, ["'training'", "keys of its own", "found 3", "training.KEY=VALUE"]),
        ({"training": 0}, ["'training'", "keys of its own", "found 0"]),
        ({"mixing": "much"}, ["'mixing'", "keys of its own", "found 'much'"]),
        ({"task": 3}, ["'task'", "must be a name", "found 3", "--params task=NAME"]),
        ({"method": None}, ["'method'", "must be a name", "found None"]),
    ],
)
def test_a_mistake_is_answered_with_the_key_the_value_and_what_would_be_right(library, parameters, asked, words):
    overrides = nested(asked)
    with pytest.raises(PareError) as caught:
        resolve(library, merged(parameters, overrides), overrides)
    for word in words:
        assert word in str(caught.value)


def test_all_mistakes_of_a_section_are_told_at_once(run):
    with pytest.raises(PareError) as caught:
        run(training__epochs=-1, training__learning_rate=-1)
    assert "'training.epochs'" in str(caught.value)
    assert "'training.learning_rate'" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "change", "words"),
    [
        ("tasks", "darcy_flow", {"tokens__pach": 3}, ["'task darcy_flow.tokens.pach'", "tokens.patch'"]),
        ("tasks", "darcy_flow", {"raw__origins__download__licens": "x"}, ["download.licens'", "download.licence'"]),
        ("tasks", "darcy_flow", {"input__shape": [3, "a", 85]}, ["'task darcy_flow.input.shape.1'", "found 'a'"]),
        ("tasks", "darcy_flow", {"samples__train": 0}, ["samples.train'", "greater than 0", "found 0"]),
        ("methods", "pare", {"mixing__strat": 0.1}, ["'method pare.mixing.strat'", "'method pare.mixing.start'"]),
        ("sources", "minilm", {"size__widht": 1}, ["'source minilm.size.widht'", "size.width'"]),
        ("proxies", "english_topics", {"raw__licens": "x"}, ["'proxy english_topics.raw.licens'", "raw.licence'"]),
        ("sources", "minilm", {"proxy": {"dense": "nothing"}}, ["proxy 'nothing'", "conf/base/proxies.yml"]),
        ("sources", "minilm", {"proxy": {"classification": "mnist_digits"}}, ["no proxy for dense", "proxy.dense"]),
        ("tasks", "darcy_flow", {"source": "nowhere"}, ["source 'nowhere'", "minilm"]),
    ],
)
def test_a_mistake_in_the_yaml_names_the_entry_and_the_key(library, parameters, kind, name, change, words):
    with pytest.raises(PareError) as caught:
        resolve(changed(library, kind, name, **change), parameters, {})
    for word in words:
        assert word in str(caught.value)


def test_a_missing_key_is_named(run, library):
    entries = deepcopy(library.model_dump())
    del entries["tasks"]["darcy_flow"]["reader"]
    with pytest.raises(PareError, match=r"'task darcy_flow\.reader' is missing"):
        run(Library(**entries))


@pytest.mark.parametrize(
    ("kind", "loss", "metric"),
    [("regression", "mse", "rmse"), ("multilabel", "binary_cross_entropy", "one_minus_auroc")],
)
def test_loss_and_metric_follow_from_what_is_predicted(library, kind, loss, metric):
    entry = {key: value for key, value in library.tasks["openml_wdbc"].items() if key not in ("loss", "metric")}
    task = Task.model_validate(entry | {"output": {"kind": kind, "shape": [1]}})
    assert (task.loss, task.metric) == (loss, metric)


def test_a_source_may_be_told_by_name_proxy_and_number_of_samples(library, parameters):
    choice = {"name": "dinov2_small", "proxy": "mnist_digits", "samples": 500}
    run = resolve(library, parameters | {"source": choice}, {"source": choice})
    assert (run.source_name, run.proxy_name, run.proxy_samples) == ("dinov2_small", "mnist_digits", 500)
    with pytest.raises(PareError, match=r"source\.proxies.*source\.proxy"):
        resolve(library, parameters | {"source": {"proxies": "x"}}, {})


@pytest.mark.parametrize("key", ["name", "proxy"])
@pytest.mark.parametrize("value", [["minilm"], {"a": 1}, 3])
def test_a_source_or_proxy_that_is_no_name_is_told(library, parameters, key, value):
    with pytest.raises(PareError, match=rf"source\.{key} must be a name, found .*; e\.g\. --params source\.{key}=NAME"):
        resolve(library, parameters | {"source": {key: value}}, {"source": {key: value}})


def test_a_variant_names_the_folder_and_lists_what_the_command_line_set(run):
    plain, variant = run(), run(variant="short", training__epochs=2, mixing__start=0.1)
    assert (plain.method_folder, plain.overridden) == ("pare", {})
    assert variant.method_folder == "pare-short"
    assert variant.overridden == {"training.epochs": 2, "mixing.start": 0.1}


@pytest.mark.parametrize("name", ["Start", "start-10", "../x", "a b", 10, None, True])
def test_a_name_of_a_variant_that_cannot_be_a_folder_is_refused(run, name):
    with pytest.raises(PareError, match=f"(?s)letters, digits and underscores.*{name}.*variant=start_10"):
        run(variant=name)


def test_images_are_augmented_and_fields_refuse_it(library, parameters):
    with pytest.raises(PareError, match=r"augmentation changes images.*darcy_flow.*dense"):
        resolve(library, parameters, {"training": {"augmentation": ["flip"]}})


def test_the_metric_follows_the_protocol(library, parameters):
    published = changed(library, "tasks", "darcy_flow", paper_metric="published")
    assert resolve(published, parameters, {}).metric == "relative_l2"
    assert resolve(published, parameters | {"protocol": "paper"}, {}).metric == "published"


def test_a_broken_rule_is_told_without_the_whole_task(run, library):
    broken = changed(library, "tasks", "darcy_flow", tokens={"kind": "feature"})
    with pytest.raises(PareError) as caught:
        run(broken)
    rule = "one token per feature needs input.shape [features], found [3, 85, 85]."
    assert str(caught.value) == f"task darcy_flow: {rule}"


@cache
def shipped(conf, env):
    """The library and the parameters of an environment that ships with the project."""
    loader = OmegaConfigLoader(conf_source=str(conf), env=env, **CONFIG_LOADER_ARGS)
    return load_library(loader), loader["parameters"]


@pytest.fixture(params=["base", "paper"])
def environment(request, conf):
    return shipped(conf, request.param)


def test_every_entry_that_ships_is_valid_with_every_method(environment):
    library, parameters = environment
    for task in library.tasks:
        resolve(library, parameters | {"task": task}, {})
    for method in library.methods:
        for task in ("darcy_flow", "openml_wdbc"):
            if method != "probe" or library.start_of(library.task(task).kind):
                resolve(library, parameters | {"task": task, "method": method}, {})
    for source in library.sources:
        for proxy in library.source(source).proxy.values():
            library.proxy(proxy)


@pytest.mark.parametrize(
    ("method", "rows", "asked", "few"),
    [
        ("pare", 0, {}, True),
        ("pare", 1, {}, False),
        ("target_mask", 0, {}, True),
        ("pare_constant", 0, {}, False),  # it mixes to the end
        ("pare", 0, {"curriculum": "linear"}, False),
    ],
)
def test_few_fields_are_mixed_otherwise(conf, method, rows, asked, few):
    """The rows are those more than what counts as few."""
    library, parameters = shipped(conf, "base")
    start = library.start_of("field")
    fraction = (start.few.rows + rows) / library.task("darcy_flow").n_training("validated", 1.0)
    overrides = {"task": "darcy_flow", "method": method, "training": {"fraction": fraction}, "mixing": asked}
    run = resolve(library, merged(parameters, overrides), overrides)
    wanted = {"passes": 2} | start.mixing | (start.few.mixing if few else {})
    assert (run.mixing.batches, run.mixing.passes) == (wanted["batches"], wanted["passes"])
    assert (run.provenance["mixing.batches"] == "start of few field data") == few


@pytest.mark.parametrize(("training", "few"), [({"epochs": 2}, False), ({"epochs": 3}, True), ({"minutes": 1.0}, True)])
def test_few_fields_are_mixed_otherwise_where_some_epochs_are_plain(conf, training, few):
    library, parameters = shipped(conf, "base")
    overrides = {"task": "darcy_flow", "training": {"fraction": 0.1} | training}
    assert (resolve(library, merged(parameters, overrides), overrides).mixing.passes == 1) == few


def test_every_origin_and_reader_that_ships_exists_and_takes_its_options(environment):
    library, _ = environment
    tasks, proxies = map(library.task, library.tasks), list(map(library.proxy, library.proxies))
    for task in tasks:
        for origin, entry in task.raw.origins.items():
            bind_options("origin", origin, find_origin(origin).load(), entry.options)
        bind_options("reader", task.reader.name, READERS[task.reader.name], task.reader.options)
    for raw in [proxy.raw for proxy in proxies] + [library.source(source).encoder for source in library.sources]:
        bind_options("origin", raw.origin, find_origin(raw.origin).load(), raw.options)
    assert {proxy.reader for proxy in proxies} <= set(PROXY_READERS)


def test_the_paper_environment_starts_at_3000_of_3136_tokens(conf):
    loader = OmegaConfigLoader(conf_source=str(conf), env="paper", **CONFIG_LOADER_ARGS)
    run = resolve(load_library(loader), loader["parameters"], {})
    assert (run.task_name, run.task.grid) == ("darcy_flow", (56, 56))
    assert run.mixing.start * 3136 == pytest.approx(3000)


def test_the_base_environment_needs_no_network(library, parameters):
    for task in library.tasks:
        run = resolve(library, parameters | {"task": task}, {})
        assert not any(find_origin(raw.origin).needs_network for raw in (run.source.encoder, run.proxy.raw))


# Batch, epochs, accumulation, optimiser, learning rate, weight decay: the paper's tables 12 and 13.
PUBLISHED = {
    "cifar100": (32, 60, 32, "SGD", 1e-4, 1e-3),
    "spherical": (32, 60, 4, "AdamW", 1e-4, 1e-1),
    "ninapro": (32, 60, 1, "Adam", 1e-4, 1e-5),
    "fsd50k": (32, 100, 1, "Adam", 1e-4, 5e-5),
    "darcy_flow": (4, 100, 1, "AdamW", 1e-3, 5e-3),
    "psicov": (1, 10, 32, "Adam", 5e-6, 1e-5),
    "cosmic": (4, 60, 1, "AdamW", 1e-3, 0),
    "ecg": (4, 15, 16, "SGD", 1e-6, 1e-1),
    "satellite": (16, 60, 4, "AdamW", 3e-5, 3e-6),
    "deepsea": (16, 13, 1, "Adam", 1e-5, 0),
    "pdebench_advection": (4, 200, 1, "Adam", 1e-4, 1e-5),
    "pdebench_burgers": (4, 200, 1, "Adam", 1e-5, 1e-5),
    "pdebench_diffusion_reaction_1d": (4, 200, 1, "SGD", 1e-3, 1e-5),
    "pdebench_diffusion_sorption": (4, 200, 1, "AdamW", 1e-4, 0),
    "pdebench_navier_stokes_1d": (4, 200, 1, "AdamW", 1e-4, 1e-3),
    "pdebench_darcy": (4, 100, 1, "AdamW", 1e-4, 1e-5),
    "pdebench_shallow_water": (4, 200, 1, "AdamW", 1e-4, 0),
    "pdebench_diffusion_reaction_2d": (4, 200, 1, "Adam", 1e-4, 1e-3),
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_paper_environment_has_the_published_hyperparameters_and_all_rows(conf, name):
    library, parameters = shipped(conf, "paper")
    run = resolve(library, parameters | {"task": name}, {})
    t = run.training
    found = (t.batch_size, t.epochs, t.accumulation, t.optimiser, t.learning_rate, t.weight_decay)
    assert found == PUBLISHED[name]
    assert t.fraction == 1 and t.warmup_epochs >= 5 and t.beta_target == t.beta_mixed == t.source_weight == 1
    assert run.mixing.start == pytest.approx(200 / 3136 if name == "cosmic" else 3000 / 3136)
    assert run.source_name == ("swin_base" if len(run.task.input.shape) == 3 else "roberta_base")


def test_variants_differ_from_pare_in_one_thing_only(environment):
    library, parameters = environment
    trained = [name for name in library.methods if name != "probe"]
    runs = {name: resolve(library, parameters | {"method": name}, {}) for name in trained}
    pare = runs["pare"].mixing.model_dump()
    for name, run in runs.items():
        if run.mixing is None or library.method(name).paper == "not in the paper":
            continue
        changed_keys = {key for key, value in run.mixing.model_dump().items() if value != pare[key]}
        allowed = {"target_mixup": {"mixer", "partner"}, "pare": set(), "pare_no_source_loss": set()}
        assert len(changed_keys) == 1 or changed_keys == allowed[name]
        if run.mixing.partner == "source" and name != "pare_no_source_loss":
            assert run.training == runs["pare"].training


def test_alignment_comes_from_method_task_and_command_line(run, library):
    assert run(method="finetune").alignment is None
    slow = changed(library, "tasks", "openml_wdbc", alignment={"samples": 7, "epochs": 5})
    resolved = run(slow, task="openml_wdbc", method="orca", alignment__epochs=2)
    assert (resolved.alignment.epochs, resolved.alignment.samples) == (2, 7)
    assert resolved.provenance["alignment.samples"] == "task openml_wdbc"
    assert resolved.overridden == {"alignment.epochs": 2}


def test_alignment_of_a_method_that_does_not_align_is_a_mistake(run):
    with pytest.raises(PareError, match=r"'pare' does not align.*method=orca"):
        run(method="pare", alignment__epochs=2)


@pytest.mark.parametrize(
    ("task", "symmetry", "wanted"),
    [
        ("pdebench_advection", "torus", "'torus' is one of a plane, the task has 256 points"),
        ("pdebench_advection", "square", "'square' is one of a square grid"),
        ("darcy_flow", "shift", "'shift' is one of a line, the task has 85×85 points"),
    ],
)
def test_a_symmetry_of_another_grid_is_refused(run, task, symmetry, wanted):
    with pytest.raises(PareError, match=wanted):
        run(task=task, training={"symmetries": [symmetry]})
