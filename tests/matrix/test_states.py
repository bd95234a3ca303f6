from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import BaseModel
from rich.console import Console

from pare.config import resolve_baseline
from pare.config.hyperparameters import AlignmentConfig
from pare.config.schema import StartConfig
from pare.matrix import State, block_table, matrix_states
from pare.matrix.blocks import Cell
from pare.training import run_fingerprint


@pytest.fixture
def state(cells, tmp_path):
    return lambda name="darcy_flow-pare-0": matrix_states({name: cells[name]}, tmp_path)[name]


@pytest.fixture
def finish(cells, write, metrics):
    """Leave behind what a finished run does; its model may be that of another ``run``."""

    def finish(name="darcy_flow-pare-0", model=True, run=None):
        cell = cells[name]
        write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
        if model:
            write(f"06_models/{cell.run.folder}/model/record.json", {"decisive": (run or cell.run).decisive()})

    return finish


def test_nothing_is_known_of_a_run_that_never_was(state):
    assert state().kind == "nothing"


def test_a_run_with_metrics_and_its_model_is_done(state, finish):
    finish()
    assert (state().kind, state().metrics["test"]) == ("done", 0.5)


def test_results_without_a_model_were_made_elsewhere(state, finish):
    finish(model=False)
    assert state().kind == "results"


def test_a_model_of_an_older_version_is_to_be_trained_again(state, finish, write):
    finish()
    write("06_models/darcy_flow/pare/seed_0/model/record.json", {"run": {"an older": "schema"}})
    assert state().kind == "changed"


DECISIVE = {
    *("task_name", "seed", "protocol", "proxy_samples"),
    *(f"task.{key}" for key in ("reader", "samples", "input", "output", "split", "normalisation")),
    *("task.tokens", "task.loss", "task.metric", "task.raw.origin", "task.raw.origins", "source.encoder.options"),
    *("source.encoder.origin", "proxy.raw.origin", "proxy.raw.options", "proxy.reader", "proxy.labels"),
    *("method.initialisation", "method.trainable", "start", "training", "mixing", "alignment"),
}


NESTED = (
    "task",
    "source",
    "proxy",
    "method",
    "baseline",
    "task.raw",
    "source.encoder",
    "proxy.raw",
    "training",
    "mixing",
)


ABSENT = {
    "alignment": AlignmentConfig(epochs=1, samples=2, source_samples=2, regularisation=1.0),
    "start": StartConfig(source="minilm", layers=[2]),
}


def leaves(model, prefix=""):
    """Dotted names of all fields, those of the nested configurations included."""
    for name in type(model).model_fields:
        key = f"{prefix}{name}"
        yield from leaves(getattr(model, name), f"{key}.") if key in NESTED else [key]


def changed(model, key, name=""):
    """A copy with another value under a dotted name."""
    field, _, rest = key.partition(".")
    value = getattr(model, field)
    if rest:
        return model.model_copy(update={field: changed(value, rest)})
    if field in ABSENT:
        return model.model_copy(update={field: ABSENT[field]})
    if isinstance(value, BaseModel):
        inner = next(iter(type(value).model_fields))
        return model.model_copy(update={field: changed(value, inner)})
    match value:
        case {"darcy_flow_simulation": entry}:
            other = value | {"darcy_flow_simulation": entry.model_copy(update={"options": {"train": 1}})}
        case dict():
            other = value | {"another": 1}
        case list() | tuple():
            other = [*value, 1]
        case bool():
            other = not value
        case int() | float():
            other = value + 1
        case _:
            other = "download" if field == "origin" else f"{value} and more"
    return model.model_copy(update={field: other})


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_the_matrix_and_the_trainer_agree_on_what_decides_a_model(state, finish, cells):
    """Each field in turn: both see another model, or neither does."""
    run = cells["darcy_flow-pare-0"].run
    store, source = SimpleNamespace(fingerprint="rows"), SimpleNamespace(fingerprints=("encoder", "proxy"))
    known = list(leaves(run))
    expected = {key for key in known if key in DECISIVE or key.startswith(("training.", "mixing."))}
    assert len(known) > 80 and expected > DECISIVE - {"training", "mixing"}
    for key in known:
        other = changed(run, key)
        assert other != run, key
        finish(run=other)
        by_matrix = state().kind == "changed"
        by_trainer = run_fingerprint(other, store, source) != run_fingerprint(run, store, source)
        assert by_matrix == by_trainer == (key in expected), key


def test_results_of_another_protocol_or_source_do_not_count(state, write, metrics, cells):
    cell = cells["darcy_flow-pare-0"]
    for change in ({"protocol": "paper"}, {"source": "swin_base"}, {"epochs": 1}):
        write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | change)
        assert state().kind == "changed"


def test_an_exact_start_that_left_nothing_to_train_is_done(state, write, metrics, cells):
    cell = cells["darcy_flow-pare-0"]
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | {"epochs": 0})
    assert state().kind == "results"


def test_an_unfinished_run_tells_its_epochs(state, write):
    write("06_models/darcy_flow/pare/seed_0/checkpoint/progress.json", {"epochs_done": 2})
    assert (state().kind, state().epochs) == ("unfinished", 2)


def test_a_file_that_is_being_written_is_not_there_yet(state, write):
    write("08_reporting/darcy_flow/pare/seed_0/metrics.json", '{"test": 0.')
    assert state().kind == "nothing"


def test_a_baseline_is_done_where_its_model_is(state, finish, write, metrics, cells):
    cell = cells["openml_wdbc-xgboost-0"]
    finish(cell.name, model=False)
    assert state(cell.name).kind == "results"
    finish(cell.name)
    assert state(cell.name).kind == "done"
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | {"protocol": "paper"})
    assert state(cell.name).kind == "changed"


DECISIVE_FOR_BASELINES = {
    *("task_name", "seed", "protocol", "options", "baseline.estimator", "task.average_groups"),
    *(f"task.{key}" for key in ("reader", "samples", "input", "output", "split", "normalisation", "loss", "metric")),
    *("task.raw.origin", "task.raw.origins"),
    *(f"training.{key}" for key in ("fraction", "class_weights", "positive_weight", "symmetries")),
}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_the_matrix_sees_whatever_decides_a_baseline_and_nothing_else(library, parameters, tmp_path, write, metrics):
    asked = {"task": "darcy_flow", "method": "fno"}
    cell = Cell(resolve_baseline(library, parameters | asked, asked), {})
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
    known = list(leaves(cell.run))
    assert set(known) > DECISIVE_FOR_BASELINES
    for key in known:
        other = changed(cell.run, key).decisive()
        write(f"06_models/{cell.run.folder}/model/record.json", {"decisive": other})
        (state,) = matrix_states({cell.name: cell}, tmp_path).values()
        assert (state.kind == "changed") == (key in DECISIVE_FOR_BASELINES), key


@pytest.fixture
def shown(cells):
    """The table as lines of words, where some runs have the states given and the others never ran."""

    def shown(states):
        console = Console(file=StringIO(), width=200)
        everything = {name: states.get(name, State("nothing")) for name in cells}
        console.print(block_table("Methods", list(cells.values())[:12], everything), highlight=False)
        return [line.split("  ") for line in console.file.getvalue().splitlines()]

    def words(states):
        return [[word.strip() for word in line if word.strip()] for line in shown(states)]

    return words


def test_a_row_is_a_task_and_a_column_a_method(shown):
    title, header, *rows = shown({})
    assert title == ["Methods"]
    assert header == ["task", "metric", "pare", "finetune"]
    assert rows == [["darcy_flow", "relative_l2", "·", "·"], ["openml_wdbc", "auroc_ovo", "·", "·"]]


def test_finished_seeds_are_summarised_by_mean_and_standard_deviation(shown, cells, metrics):
    values = [0.031, 0.034, 0.036]
    states = {
        f"darcy_flow-pare-{seed}": State("done", metrics(cells[f"darcy_flow-pare-{seed}"], test=value))
        for seed, value in enumerate(values)
    }
    assert shown(states)[2][2] == f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}"
    del states["darcy_flow-pare-2"]
    assert shown(states)[2][2] == f"{np.mean(values[:2]):.4g} ± {np.std(values[:2], ddof=1):.2g} (2 of 3 seeds)"


def test_one_seed_has_no_spread_and_unfinished_ones_tell_their_epochs(shown, cells, metrics):
    states = {
        "darcy_flow-pare-0": State("done", metrics(cells["darcy_flow-pare-0"], test=0.031)),
        "darcy_flow-pare-1": State("unfinished", epochs=2),
    }
    epochs = cells["darcy_flow-pare-1"].run.training.epochs
    assert shown(states)[2][2] == f"0.031 (1 of 3 seeds), seed 1: epoch 2 of {epochs}"


def test_results_of_elsewhere_are_marked_and_those_of_another_configuration_left_out(shown, cells, metrics):
    names = [f"darcy_flow-pare-{seed}" for seed in range(3)]
    states = {name: State("results", metrics(cells[name], test=0.25)) for name in names}
    assert shown(states)[2][2] == "0.25 ± 0 *"
    assert shown(states | {names[0]: State("changed")})[2][2] == "0.25 ± 0 (2 of 3 seeds) *, 1 changed"
    assert shown({name: State("changed") for name in names})[2][2] == "configuration changed"
