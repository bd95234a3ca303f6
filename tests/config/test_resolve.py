"""From YAML and the command line to a run, and what is said of mistakes."""

from copy import deepcopy

import pytest
import yaml

from pare.config import Library, PareError, resolve
from pare.config.schema import Task


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
    library = changed(library, "learners", "pare", training={"weight_decay": 0.2, "momentum": 0.6})
    resolved = run(library, training__momentum=0.7)
    training, origin = resolved.training, resolved.provenance
    assert (training.schedule, origin["training.schedule"]) == ("cosine", "defaults")
    assert (training.batch_size, origin["training.batch_size"]) == (7, "task darcy_flow")
    assert (training.weight_decay, origin["training.weight_decay"]) == (0.2, "method pare")
    assert (training.momentum, origin["training.momentum"]) == (0.7, "command line")
    assert "training.dropout" not in origin  # nobody said it: the schema's default


@pytest.mark.parametrize(
    ("task", "asked", "minutes", "origin"),
    [
        ({}, {}, 4, "start of field data"),
        ({}, {"method": "probe"}, None, None),
        ({}, {"method": "ridge"}, None, None),
        ({}, {"method": "choose"}, 10, "method choose"),
        ({}, {"method": "ridge", "minutes": 2}, 2, "command line"),
        ({"epochs": 3}, {}, None, None),
        ({}, {"training__epochs": 3}, None, None),
        ({"epochs": 3}, {"minutes": 2}, 2, "command line"),
    ],
)
def test_epochs_count_where_they_are_named_after_the_minutes(run, library, task, asked, minutes, origin):
    resolved = run(changed(library, "tasks", "darcy_flow", training=task), **asked)
    assert (resolved.minutes, resolved.provenance.get("minutes")) == (minutes, origin)


def test_minutes_of_the_parameters_hold_for_all_runs_that_name_no_epochs(library, parameters):
    parameters |= {"minutes": 7}
    assert resolve(library, parameters, {}).minutes == 7
    assert (
        resolve(library, merged(parameters, {"training": {"epochs": 3}}), {"training": {"epochs": 3}}).minutes is None
    )


def test_a_probe_ends_when_it_is_solved_whatever_the_minutes_are(run):
    assert run(method="probe", minutes=3).minutes is None
    assert run(method="finetune", minutes=3).minutes == 3


def test_minutes_and_epochs_together_are_refused_and_minutes_are_no_key_of_training(run):
    with pytest.raises(PareError, match=r"minutes and training\.epochs both say"):
        run(minutes=3, training__epochs=3)
    with pytest.raises(PareError, match=r"minutes=5 in place of training\.minutes=5"):
        run(training__minutes=3)


def test_mixing_comes_from_the_method_then_the_task_then_the_command_line(run, library):
    library = changed(library, "learners", "pare", mixing={"start": 0.9, "end": 0.1})
    library = changed(library, "tasks", "darcy_flow", mixing={"start": 0.5, "batches": 0.4})
    resolved = run(library, mixing__batches=0.3)
    assert (resolved.mixing.start, resolved.provenance["mixing.start"]) == (0.5, "task darcy_flow")
    assert (resolved.mixing.batches, resolved.provenance["mixing.batches"]) == (0.3, "command line")
    assert (resolved.mixing.end, resolved.provenance["mixing.end"]) == (0.1, "method pare")


def test_mixing_defaults_in_the_parameters_are_heard_where_the_method_is_silent(library, parameters):
    resolved = resolve(library, parameters | {"mixing": {"gate": "mlp"}}, {})
    assert (resolved.mixing.gate, resolved.provenance["mixing.gate"]) == ("mlp", "defaults")


def test_an_unquoted_no_is_a_precision_although_yaml_reads_it_as_false(run):
    value = yaml.safe_load("no")
    assert run(task="darcy_flow", training__precision=value).training.precision == "no"
    with pytest.raises(PareError, match=r"training\.precision.*'auto', 'no', 'bf16' or 'float32'"):
        run(task="darcy_flow", training__precision=yaml.safe_load("yes"))


def test_a_method_that_trains_nothing_says_that_a_random_start_leaves_it_without_predictions(library, parameters):
    with pytest.raises(PareError, match="predicts nothing with start=random; add start=solved, or use another method"):
        resolve(library, parameters | {"method": "probe", "start": "random"}, {})
    nothing = library.model_copy(update={"starts": {}})
    with pytest.raises(PareError, match="predicts nothing for field data, of which nothing is solved"):
        resolve(nothing, parameters | {"method": "probe"}, {})


def test_a_method_without_mixing_has_none_and_says_so_when_asked_to_mix(run):
    assert run(method="finetune").mixing is None
    with pytest.raises(PareError, match=r"mixing\.start has no effect on method 'finetune'.*method=pare mixes"):
        run(method="finetune", mixing__start=0.5)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"task": "darcy_flw"}, ["task 'darcy_flw'", "Did you mean 'darcy_flow'", "`kedro tasks`"]),
        ({"source": "mini"}, ["source 'mini'", "Did you mean 'minilm'", "conf/base/sources.yml"]),
        ({"method": "pair"}, ["method 'pair'", "Did you mean 'pare'", "`kedro methods`"]),
        ({"tsk": "darcy_flow"}, ["parameter 'tsk'", "Did you mean 'task'", "conf/base/parameters.yml"]),
        (
            {"training.epoch": 3},
            ["'training.epoch'", "Did you mean 'training.epochs'", "and 19 for experts", "docs/parameters.md"],
        ),
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
        (
            "learners",
            "pare",
            {"mixing__strat": 0.1},
            ["'method pare.mixing.strat'", "'method pare.mixing.start'"],
        ),
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


def test_alignment_comes_from_method_task_and_command_line(run, library):
    assert run(method="finetune").alignment is None
    slow = changed(library, "tasks", "openml_wdbc", alignment={"samples": 7, "epochs": 5})
    resolved = run(slow, task="openml_wdbc", method="orca", alignment__epochs=2)
    assert (resolved.alignment.epochs, resolved.alignment.samples) == (2, 7)
    assert resolved.provenance["alignment.samples"] == "task openml_wdbc"
    assert resolved.overridden == {"alignment.epochs": 2}


def test_alignment_of_a_method_that_does_not_align_is_a_mistake(run):
    with pytest.raises(PareError, match=r"alignment\.epochs has no effect on method 'pare'.*method=orca aligns"):
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


def test_a_library_takes_rows_and_weights_of_the_task_and_options_of_its_own(run, library):
    resolved = run(
        task="openml_wdbc", method="xgboost", options__learning_rate=0.3, training__fraction=0.5, variant="half"
    )
    assert resolved.training.class_weights and resolved.training.fraction == 0.5
    assert resolved.options == library.learners["xgboost"]["options"] | {"learning_rate": 0.3}
    assert resolved.overridden == {"options.learning_rate": 0.3, "training.fraction": 0.5}
    assert (resolved.method_folder, resolved.metric) == ("xgboost-half", "auroc_ovo")
    assert resolved.provenance["options.subsample"] == "method xgboost"
    assert (resolved.source, resolved.proxy, resolved.start, resolved.mixing) == (None, None, None, None)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            {"training": {"epochs": 3}},
            r"training\.epochs has no effect on method 'xgboost'.*training\.fraction.*options",
        ),
        ({"mixing": {"start": 0.1}}, r"mixing\.start has no effect"),
        ({"source": "minilm", "start": "solved"}, "source, start have no effect"),
        ({"method": "pare", "options": {"max_depth": 3}}, r"options\.max_depth has no effect on method 'pare'"),
        ({"method": "probe", "training": {"epochs": 3}}, r"training\.epochs has no effect on method 'probe'"),
        (
            {"task": "darcy_flow", "method": "ridge", "training": {"symmetries": ["square"]}},
            r"training\.symmetries has no effect on method 'ridge'",
        ),
    ],
)
def test_what_a_learner_has_no_use_for_is_refused(library, parameters, overrides, words):
    asked = {"task": "openml_wdbc", "method": "xgboost"} | overrides
    with pytest.raises(PareError, match=words):
        resolve(library, merged(parameters, asked), asked)


def test_a_learner_is_one_thing(library, parameters):
    entry = library.learners["fno"] | {"library": "boosting:catboost"}
    both = library.model_copy(update={"learners": {"fno": entry}})
    with pytest.raises(PareError, match="one of library, network and candidates"):
        resolve(both, parameters | {"method": "fno"}, {})
