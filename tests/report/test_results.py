import json

import pytest

from pare.report.results import COLUMNS, collect_results, differing_conditions, listed_results, plain_runs
from pare.storage.result_lines import write_lines


def test_every_run_is_one_line(write, frame):
    write("pdebench_burgers", "pare", 1, 0.2)
    write("pdebench_burgers", "pare", 0, 0.1)
    write("pdebench_burgers", "pare", 0, 0.3, variant="half")
    runs = frame()
    assert list(zip(runs["name"], runs["seed"], runs["test"], strict=True)) == [
        ("pare", 0, 0.1),
        ("pare", 1, 0.2),
        ("pare-half", 0, 0.3),
    ]
    assert set(runs["title"]) == {"nRMSE"}


def test_a_line_tells_the_runs_folder_and_the_start_that_its_command_set(write, frame):
    write("pdebench_burgers", "pare", 0, 0.1)
    write("pdebench_burgers", "pare", 0, 0.3, variant="start_10", overridden={"mixing.start": 0.1})
    runs = frame().set_index("folder")["start"]
    assert runs.dropna().to_dict() == {"pdebench_burgers/pare-start_10/seed_0": 0.1}
    assert list(runs.index) == ["pdebench_burgers/pare/seed_0", "pdebench_burgers/pare-start_10/seed_0"]


def test_runs_with_another_source_are_lines_of_their_own_and_not_plain(write, frame):
    write("pdebench_burgers", "pare", 0, 0.1)
    write("pdebench_burgers", "pare", 0, 0.2, differs={"source": "dinov2_small", "samples": "50"})
    runs = frame()
    assert runs["name"].tolist() == ["pare", "pare, source dinov2_small, samples 50"]
    assert runs["folder"].iloc[1] == "pdebench_burgers/pare/source_dinov2_small-samples_50/seed_0"
    assert plain_runs(runs)["test"].tolist() == [0.1]


def test_each_environment_has_results_of_its_own(write, tmp_path):
    write("pdebench_burgers", "pare", 0, 0.1)
    write("pdebench_burgers", "pare", 0, 0.2, differs={"env": "paper"})
    write("pdebench_burgers", "pare", 0, 0.3, differs={"env": "paper", "protocol": "validated"})
    assert collect_results(tmp_path).frame["test"].tolist() == [0.1]
    paper = collect_results(tmp_path, "paper").frame
    assert paper["name"].tolist() == ["pare", "pare, protocol validated"]
    assert plain_runs(paper)["test"].tolist() == [0.2]


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_run_is_an_empty_table_with_all_columns(tmp_path, folder):
    results = collect_results(tmp_path / folder)
    assert (len(results.frame), list(results.frame), results.warnings) == (0, COLUMNS, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "Invalid JSON"),
        (lambda _: "", "Invalid JSON"),
        (lambda text: text.replace('"test": 0.1', '"test": NaN'), "'test'"),
        (lambda text: text.replace('"metric"', '"metrik"'), "'metric'"),
        (lambda text: text.replace('"name": "', '"name": "former_'), "'metric.name': Value error, metric 'former_"),
        (lambda text: text.replace("pdebench_burgers", "pdebench_darcy"), "belongs to pdebench_darcy/pare/seed_0"),
        (lambda text: text.replace('"seed"', '"differs": {"env": "x"}, "seed"'), "pdebench_burgers/pare/env_x/seed_0"),
    ],
)
def test_a_broken_or_misplaced_file_is_named_and_left_out(write, tmp_path, change, said):
    write("pdebench_burgers", "finetune", 0, 0.2)
    path = write("pdebench_burgers", "pare", 0, 0.1)
    path.write_text(change(path.read_text()))
    results = collect_results(tmp_path)
    (warning,) = results.warnings
    assert warning.startswith("pdebench_burgers/pare/seed_0/metrics.json is left out")
    assert said in warning
    assert list(results.frame["method"]) == ["finetune"]


def test_results_of_before_variants_and_units_are_read(write, frame):
    path = write("pdebench_burgers", "pare", 0, 0.1)
    metrics = json.loads(path.read_text())
    del metrics["variant"], metrics["metric"]["unit"]
    path.write_text(json.dumps(metrics))
    assert frame()["name"].tolist() == ["pare"]


def test_runs_of_a_task_that_differ_in_size_are_told_apart(write, frame):
    for task in ("pdebench_burgers", "pdebench_darcy"):
        write(task, "pare", 0, 0.1)
        write(task, "orca", 0, 0.2, epochs=50)
        write(task, "pare", 0, 0.3, n_train=81, variant="fraction_10")
    write("pdebench_advection", "pare", 0, 0.1, epochs=7)
    write("pdebench_advection", "fno", 0, 0.1, source=None, epochs=7)
    assert differing_conditions(frame()) == [
        "Runs of the same task have different epochs: pdebench_burgers, pdebench_darcy (5: pare; 50: orca)."
    ]


def test_runs_of_other_machines_are_read_from_the_list_and_those_of_this_one_from_their_files(write, tmp_path):
    paths = [write("openml_wdbc", "pare", seed, 0.9 + seed / 100) for seed in (0, 1)]
    sure = {"n_validation": 50, "log_loss": {"before": 0.3, "after": 0.4}}
    paths.append(
        write("pdebench_burgers", "pare", 0, 0.1, test_interval={"lower": 0.05, "upper": 0.2}, uncertainty=sure)
    )
    write_lines(
        {path.parent.relative_to(tmp_path).as_posix(): json.loads(path.read_text()) for path in paths}, tmp_path
    )
    everything = collect_results(tmp_path).frame
    write("openml_wdbc", "pare", 0, 0.5)
    for path in paths[1:]:
        path.unlink()
    assert collect_results(tmp_path).frame["test"].tolist() == [0.5, 0.91, 0.1]
    assert collect_results(tmp_path, task="openml_wdbc").frame["test"].tolist() == [0.5, 0.91]
    assert collect_results(tmp_path, "paper").frame.empty
    assert listed_results(tmp_path).frame.astype(object).equals(everything.astype(object))
    assert everything.loc[2, ["lower", "upper", "log_loss_after"]].tolist() == [0.05, 0.2, 0.4]


def test_a_broken_line_or_list_is_named_and_left_out(write, tmp_path):
    run = json.loads(write("openml_wdbc", "pare", 0, 0.9).read_text())
    write_lines(
        {"openml_wdbc/pare/seed_1": run | {"seed": 1}, "openml_wdbc/pare/seed_2": {"task": "openml_wdbc"}}, tmp_path
    )
    results = collect_results(tmp_path)
    assert results.frame["seed"].tolist() == [0, 1]
    assert len(results.warnings) == 1 and results.warnings[0].startswith(
        "openml_wdbc/pare/seed_2 in results.csv is left"
    )
    (tmp_path / "results.csv").write_text("<<<<<<< HEAD\na,b\n")
    results = collect_results(tmp_path)
    assert results.frame["seed"].tolist() == [0] and "kedro matrix results" in results.warnings[0]
