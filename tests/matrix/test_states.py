import pytest

from pare.matrix import matrix_states


@pytest.fixture
def state(cells, tmp_path):
    return lambda name="darcy_flow-pare-0": matrix_states({name: cells[name]}, tmp_path)[name]


@pytest.fixture
def finish(cells, write, metrics):
    """Leave behind what a finished run does; ``record`` changes the run that its model remembers."""

    def finish(name="darcy_flow-pare-0", model=True, record=None):
        cell = cells[name]
        write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
        if model:
            run = cell.run.model_dump(mode="json") | (record or {})
            write(f"06_models/{cell.run.folder}/model/record.json", {"run": run})

    return finish


def test_nothing_is_known_of_a_run_that_never_was(state):
    assert state().kind == "nothing"


def test_a_run_with_metrics_and_its_model_is_done(state, finish):
    finish()
    assert (state().kind, state().metrics["test"]) == ("done", 0.5)


def test_results_without_a_model_were_made_elsewhere(state, finish):
    finish(model=False)
    assert state().kind == "results"


def test_a_run_of_another_configuration_is_to_be_repeated(state, finish, cells):
    training = cells["darcy_flow-pare-0"].run.training.model_dump(mode="json")
    finish(record={"training": training | {"learning_rate": 0.5}})
    assert state().kind == "changed"
    finish(record={"training": {"an older": "schema"}})
    assert state().kind == "changed"


def test_only_what_decides_the_model_counts(state, finish, cells):
    task = cells["darcy_flow-pare-0"].run.task.model_dump(mode="json")
    finish(record={"task": task | {"title": "Another title"}, "provenance": {}, "variant": "x"})
    assert state().kind == "done"


def test_results_of_another_protocol_or_source_do_not_count(state, write, metrics, cells):
    cell = cells["darcy_flow-pare-0"]
    for change in ({"protocol": "paper"}, {"source": "swin_base"}, {"epochs": 1}):
        write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | change)
        assert state().kind == "changed"


def test_an_unfinished_run_tells_its_epochs(state, write):
    write("06_models/darcy_flow/pare/seed_0/checkpoint/progress.json", {"epochs_done": 2})
    assert (state().kind, state().epochs) == ("unfinished", 2)


def test_a_file_that_is_being_written_is_not_there_yet(state, write):
    write("08_reporting/darcy_flow/pare/seed_0/metrics.json", '{"test": 0.')
    assert state().kind == "nothing"


def test_a_baseline_is_done_where_its_predictions_are(state, write, metrics, cells):
    cell = cells["openml_wdbc-xgboost-0"]
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
    assert state(cell.name).kind == "results"
    write(f"07_model_output/{cell.run.folder}/predictions.h5", "")
    assert state(cell.name).kind == "done"
    write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell) | {"protocol": "paper"})
    assert state(cell.name).kind == "changed"
