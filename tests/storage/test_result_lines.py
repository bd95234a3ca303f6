import csv
from itertools import permutations

import pytest

from pare.config import PareError
from pare.storage.result_lines import read_lines, write_lines
from shipped import CONF

RUNS = {
    "wine/probe/seed_1": {
        "metric": {"name": "error", "unit": "%", "more": {"deep": 1}},
        "variant": "10",
        "kept": "solved start, 0.5",
        "version": "true",
        "simulated": False,
        "seed": 1,
        "test": 0.1 + 0.2,
        "usual": {"recall": [1.0, 0.5], "channels": {"x.y": {"rmse": 1e-300}}},
        "overridden": {"mixing.start": 0.1},
    },
    "wine/pare/seed_0": {"metric": {"name": "error"}, "source": "a\nb"},
}


def test_what_is_written_is_read_again_to_the_last_digit(tmp_path):
    write_lines(RUNS, tmp_path)
    assert read_lines(tmp_path) == RUNS


def test_what_a_run_does_not_have_is_absent(tmp_path):
    empty = {"source": None, "differs": {}, "variant": "", "metric": {"unit": ""}}
    write_lines({"a": empty | {"seed": 0}, "b": {"source": "minilm", "seed": 0}}, tmp_path)
    assert read_lines(tmp_path) == {"a": {"seed": 0}, "b": {"source": "minilm", "seed": 0}}


def test_other_programs_read_a_line_a_run_sorted_with_dotted_columns(tmp_path):
    with write_lines(RUNS, tmp_path).open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["folder"], second["folder"]) == ("wine/pare/seed_0", "wine/probe/seed_1")
    assert second["metric.name"] == "error" and float(second["test"]) == 0.1 + 0.2
    assert next(iter(first)) == "folder"


def test_without_the_file_there_is_no_line_and_another_table_is_refused(tmp_path):
    assert read_lines(tmp_path) == {}
    (tmp_path / "results.csv").write_text("task,test\nwine,0.1\n")
    with pytest.raises(PareError, match=r"no column 'folder'.*kedro matrix results"):
        read_lines(tmp_path)


def test_the_order_of_the_columns_does_not_depend_on_the_lines(tmp_path):
    def header(runs):
        return write_lines(runs, tmp_path).read_text().splitlines()[0]

    lines = [
        {"test": 1.0, "zeal": 1, "usual": {"rmse": 1.0}, "task": "wine"},
        {"versions": {"torch": "2", "another": "1"}, "usual": {"unheard": 1, "accuracy": 1.0}, "task": "plates"},
        {"apart": {"b": 1, "a": 2}, "versions": {"python": "3"}, "differs": {"env": "paper"}, "task": "beats"},
    ]
    expected = (
        "folder,task,differs,test,usual.rmse,usual.accuracy,usual.unheard,"
        "versions.python,versions.torch,versions.another,apart.a,apart.b,zeal"
    )
    for order in permutations(lines):
        assert header({f"run_{number}": line for number, line in enumerate(order)}) == expected
    assert header({}) == "folder"


def test_writing_the_committed_results_again_changes_nothing(tmp_path):
    committed = CONF.parent / "data" / "08_reporting"
    written = write_lines(read_lines(committed), tmp_path)
    assert written.read_bytes() == (committed / "results.csv").read_bytes()
