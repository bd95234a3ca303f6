import os
import socket
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from pare.config import resolve
from pare.config.hyperparameters import AlignmentConfig
from pare.config.schema import StartConfig
from pare.data.origins.ingest import ingest
from pare.data.preparation import model_input_fingerprint
from pare.evaluation import metrics_record
from pare.learners import fit
from pare.learners.learner import Data, fit_fingerprint
from pare.matrix.blocks import Cell, expand, unique
from pare.matrix.states import CHECKPOINT, FROM_TRAINING, LOCK, block_table, is_outdated, maker, matrix_states
from pare.storage.access import held_alone
from pare.storage.result_lines import write_lines


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
            made = run or cell.run
            record = {"decisive": made.decisive(), "run": {"minutes": made.minutes}}
            write(f"06_models/{cell.run.folder}/model/record.json", record)

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


OF_ALL = {
    *("task_name", "seed", "protocol", "minutes", "options", "task.raw.origin", "task.raw.origins", "task.tokens"),
    *(f"task.{key}" for key in ("reader", "samples", "input", "output", "split", "normalisation", "loss", "metric")),
    *("task.average_groups", "learner.library", "learner.network", "learner.initialisation", "learner.trainable"),
}
OF_TRANSFORMERS = {
    *("proxy_samples", "source.encoder.options", "source.encoder.origin", "proxy.raw.origin", "proxy.raw.options"),
    *("proxy.reader", "proxy.labels", "start", "alignment"),
}
OF_LIBRARIES = {f"training.{key}" for key in ("fraction", "class_weights", "positive_weight")}


ELSEWHERE = {"member", "candidates", "learner.candidates"}  # within a fit, and of choices
NESTED = ("task", "source", "proxy", "learner", "task.raw", "source.encoder", "proxy.raw", "training", "mixing")
ABSENT = {
    "alignment": AlignmentConfig(epochs=1, samples=2, source_samples=2, regularisation=1.0),
    "start": StartConfig(source="minilm", layers=[2]),
}


def leaves(model, prefix=""):
    """Dotted names of all fields, those of the nested configurations included."""
    for name in type(model).model_fields:
        key = f"{prefix}{name}"
        value = getattr(model, name)
        yield from leaves(value, f"{key}.") if key in NESTED and value is not None else [key]


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
def test_the_matrix_and_the_fit_agree_on_what_decides_a_model(state, finish, cells):
    """Each field in turn: both see another model, or neither does."""
    run = cells["darcy_flow-pare-0"].run
    data = Data(SimpleNamespace(fingerprint="rows"), SimpleNamespace(fingerprints=("encoder", "proxy")))
    known = {*leaves(run)} - ELSEWHERE
    expected = OF_ALL | OF_TRANSFORMERS | {key for key in known if key.startswith(("training.", "mixing."))}
    expected -= {"training.checkpoint_minutes", "training.compile", "training.activation_checkpointing"}
    assert known > expected
    for key in known:
        other = changed(run, key)
        assert other != run, key
        finish(run=other)
        by_matrix = state().kind == "changed"
        by_fit = fit_fingerprint(other, data) != fit_fingerprint(run, data)
        assert by_matrix == by_fit == (key in expected), key


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
    """Each training has two saves."""
    for place, done in (("0/9", 3), ("0/10", 4), ("1/1", 0), ("1/2", 1)):
        progress = {"epochs_done": done, "epochs": 4, "members": 5}
        write(f"06_models/darcy_flow/pare/seed_0/checkpoint/{place}/progress.json", progress)
    assert (state().kind, state().epochs, state().of, state().share) == ("unfinished", 5, 20, 0.25)


def test_a_run_without_epochs_is_unfinished_where_an_interrupted_fit_left_its_folder(cells, tmp_path):
    cell = cells["openml_wdbc-xgboost-0"]
    (tmp_path / "06_models" / cell.run.folder / CHECKPOINT).mkdir(parents=True)
    states = matrix_states({cell.name: cell}, tmp_path)
    assert (states[cell.name].kind, states[cell.name].share) == ("unfinished", 0.0)
    table = block_table("", [cell], states)
    assert [next(iter(column.cells)) for column in table.columns][-1] == "seed 0: begun"


def test_a_file_that_is_being_written_is_not_there_yet(state, write):
    write("08_reporting/darcy_flow/pare/seed_0/metrics.json", '{"test": 0.')
    assert state().kind == "nothing"


def test_a_library_is_done_where_its_model_is(state, finish, write, metrics, cells):
    cell = cells["openml_wdbc-xgboost-0"]
    finish(cell.name, model=False)
    assert state(cell.name).kind == "results"
    finish(cell.name)
    assert state(cell.name).kind == "done"
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | {"protocol": "paper"})
    assert state(cell.name).kind == "changed"


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_the_matrix_sees_whatever_decides_a_library_and_nothing_else(library, parameters, tmp_path, write, metrics):
    asked = {"task": "darcy_flow", "method": "ridge"}
    cell = Cell(resolve(library, parameters | asked, asked), {})
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
    known, expected = {*leaves(cell.run)} - ELSEWHERE, OF_ALL | OF_LIBRARIES
    assert known > expected
    for key in known:
        other = changed(cell.run, key)
        record = {"decisive": other.decisive(), "run": {"minutes": other.minutes}}
        write(f"06_models/{cell.run.folder}/model/record.json", record)
        (state,) = matrix_states({cell.name: cell}, tmp_path).values()
        assert (state.kind == "changed") == (key in expected), key


def test_a_line_of_results_csv_stands_for_a_run_that_is_not_here(state, write, metrics, cells, tmp_path):
    cell = cells["darcy_flow-pare-0"]
    (tmp_path / "08_reporting").mkdir()
    write_lines({cell.run.folder: metrics(cell)}, tmp_path / "08_reporting")
    assert (state().kind, state().metrics["test"]) == ("results", 0.5)
    write_lines({cell.run.folder: metrics(cell) | {"protocol": "paper"}}, tmp_path / "08_reporting")
    assert state().kind == "changed"
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | {"test": 0.25})
    assert state().metrics["test"] == 0.25  # of this machine


@pytest.fixture
def choices(library, parameters):
    """Choices of one task: as they are, with other minutes, and with other rows for the candidates."""
    variants = {"": {}, "short": {"minutes": 1.0}, "half": {"training.fraction": 0.5}}
    block = {"tasks": ["openml_wdbc"], "methods": ["choose"], "seeds": [0], "variants": variants}
    return list(unique(expand({"blocks": {"choices": block}}, library, parameters)).values())


def test_a_choice_is_done_where_its_model_is_of_the_same_values_and_minutes(choices, write, metrics, tmp_path):
    plain, short, half = choices
    names = {plain.name: plain}
    assert matrix_states(names, tmp_path)[plain.name].kind == "nothing"
    write(f"08_reporting/{plain.run.folder}/metrics.json", metrics(plain, test=0.25))
    assert matrix_states(names, tmp_path)[plain.name].kind == "results"
    for made, kind in ((half, "changed"), (short, "changed"), (plain, "done")):
        record = {"decisive": made.run.decisive(), "run": {"minutes": made.run.minutes}}
        write(f"06_models/{plain.run.folder}/model/record.json", record)
        states = matrix_states(names, tmp_path)
        assert states[plain.name].kind == kind
    table = block_table("choices", [plain], matrix_states(names, tmp_path))
    assert [str(column.header) for column in table.columns] == ["task", "metric", "choose"]
    assert [next(iter(column.cells)) for column in table.columns] == ["openml_wdbc", "auroc_ovo", "0.25"]


def test_the_names_next_to_a_model_are_those_of_its_fit():
    assert (LOCK, CHECKPOINT) == (fit.LOCK, fit.CHECKPOINT)


def test_results_of_the_model_that_was_here_before_do_not_count(state, write, metrics, cells, tmp_path):
    """A training of other values ended, and its evaluation did not begin."""
    assert FROM_TRAINING == metrics_record.FROM_TRAINING
    cell = cells["darcy_flow-pare-0"]
    made = {"validation": float("nan"), "best_epoch": None, "n_train": 100, "train_seconds": 0.50, "peak_memory_mb": 1}
    model = {"decisive": cell.run.decisive(), "run": {"minutes": cell.run.minutes}}
    evaluated = tmp_path / "08_reporting" / cell.run.folder / "metrics.json"
    for kind, record in (("done", made), ("unfinished", made | {"train_seconds": 0.51})):
        write(f"06_models/{cell.run.folder}/model/record.json", model | record)
        write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | made)
        assert state().kind == kind
        write_lines({cell.run.folder: metrics(cell) | made}, tmp_path / "08_reporting")
        evaluated.unlink()
        assert state().kind == kind  # by its line of results.csv


def test_the_process_that_holds_a_runs_lock_makes_it_and_a_killed_one_does_not(cells, tmp_path):
    run = cells["darcy_flow-pare-0"].run
    path = tmp_path / "06_models" / run.folder / LOCK
    assert maker(run, tmp_path) == ""
    with held_alone(path, "", ""):
        assert maker(run, tmp_path) == f"process {os.getpid()} on {socket.gethostname()}"
        assert maker(cells["darcy_flow-pare-1"].run, tmp_path) == ""
    assert maker(run, tmp_path) == ""
    path.write_text("process 1 on a host")  # what a killed one leaves
    assert maker(run, tmp_path) == ""
    with held_alone(path, "", ""):  # looking did not take the lock
        pass


def test_a_run_is_not_done_once_the_users_file_has_another_content(library, parameters, tmp_path, write, metrics):
    file = tmp_path / "mine.csv"
    file.write_text("a,b,kind\n1,2,x\n3,4,y\n")
    entry = {"title": "mine", "raw": {"files": [str(file)]}, "reader": {"name": "table"}, "samples": {"all": 40}}
    shapes = {"input": {"shape": [2]}, "output": {"kind": "classification", "shape": [2]}}
    library = library.model_copy(update={"tasks": {**library.tasks, "mine": entry | shapes}})
    asked = {"task": "mine", "method": "logistic_regression"}
    cell = Cell(resolve(library, parameters | asked, asked), {})

    def kind():
        return matrix_states({cell.name: cell}, tmp_path)[cell.name].kind

    def bring():
        return ingest(cell.run.task.raw.active, tmp_path / "01_raw" / cell.run.places["raw"]).fingerprint

    prepared = model_input_fingerprint("mine", cell.run.task, bring(), validated=True)
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
    record = {"decisive": cell.run.decisive(), "model_input": prepared}
    write(f"06_models/{cell.run.folder}/model/record.json", record)

    def outdated():
        return [is_outdated(cell.run, tmp_path, trains=trains) for trains in (False, True)]

    assert (kind(), outdated()) == ("done", [False, False])
    os.utime(file, (0, 0))  # touched, and the same
    assert (kind(), outdated()) == ("done", [False, False])
    file.write_text("a,b,kind\n1,2,x\n3,5,y\n")
    assert (kind(), outdated()) == ("changed", [True, True])
    bring()  # by another run
    assert (kind(), outdated()) == ("changed", [True, False])  # a training would learn from it, the model did not
