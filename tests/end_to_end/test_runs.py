import json
import shutil

import h5py
import pytest

pytestmark = pytest.mark.slow

WDBC = "task:openml_wdbc,training.epochs=1"
EVERY_RUN = {
    *("task", "method", "source", "seed", "protocol", "metric", "test", "validation", "n_train", "n_test", "epochs"),
    *(
        "kept",
        "start_validation",
        "train_seconds",
        "samples_per_second",
        "peak_memory_mb",
        "paper",
        "versions",
        "constant_prediction",
    ),
}
FIGURES = ("prediction.png", "uncertainty.png", "training.png", "replaced.png")


def report(project, task, method="pare"):
    """The metrics of a run, after a check of all files that belong to them."""
    folder = project / "data" / "08_reporting" / task / method / "seed_0"
    for figure in FIGURES:
        assert (folder / figure).read_bytes().startswith(b"\x89PNG")
    assert f"task={task}," in (folder / "run.html").read_text()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics.keys() >= EVERY_RUN
    solved = metrics["start_validation"] is not None  # is epoch 0
    assert len(json.loads((folder / "history.json").read_text())) == (metrics["epochs"] or 0) + solved
    return metrics


@pytest.fixture(scope="module")
def learnt(template, tmp_path_factory, kedro_command):
    """A fresh clone in which a table was learnt, and how the command ended, which had to import everything."""
    project = shutil.copytree(template, tmp_path_factory.mktemp("learnt") / "project")
    return project, kedro_command(project, "run", "--pipeline=pare_train", "--params", WDBC)


def test_a_table_is_learnt_from_a_fresh_clone(learnt):
    project, first = learnt
    assert first.code == 0, first.err
    assert first.leftovers == []
    metrics = report(project, "openml_wdbc")
    assert metrics["n_test"] == 60
    assert (metrics["kept"], metrics["n_train"]) in (("epoch 1", 48), ("solved start", 60))
    assert 0 <= metrics["test"] <= 1
    assert metrics["source"] == "minilm"
    folder = project / "data" / "06_models" / "openml_wdbc" / "pare" / "seed_0"
    assert {path.name for path in folder.iterdir()} == {"model"}  # the checkpoint is gone
    manifest = json.loads((project / "data" / "01_raw" / "openml_wdbc" / "manifest.json").read_text())
    assert manifest["licence"]
    assert {"dataset.arff"} <= {file["name"] for file in manifest["files"]}


def test_the_same_command_trains_nothing_again(learnt, python_m_pare):
    project, _ = learnt
    metrics = report(project, "openml_wdbc")
    weights = project / "data/06_models/openml_wdbc/pare/seed_0/model/model.safetensors"
    written = weights.stat().st_mtime_ns
    again = python_m_pare(project, "--params", WDBC)
    assert again.code == 0, again.err
    made = ("01_raw/openml_wdbc", "05_model_input/openml_wdbc.h5", "06_models/openml_wdbc/pare/seed_0/model")
    assert all(f"data/{path} is up to date." in again.out for path in made)
    assert weights.stat().st_mtime_ns == written
    assert report(project, "openml_wdbc") == metrics


def test_runs_are_quiet_and_say_first_what_they_begin(learnt, kedro, python_m_pare):
    project, first = learnt
    first.assert_quiet()
    line = first.out.splitlines()[0]
    assert "pare_train: Wisconsin diagnostic breast cancer" in line
    folder = line.partition("Results: ")[2].rstrip(" .")
    assert (project / folder / "metrics.json").is_file()

    for pipelines, said in {
        "train,evaluate": ", seed 0. Results: data/08_reporting/openml_wdbc/",
        "report": "report: all results to data/08_reporting/report.",
    }.items():
        outcome = kedro(project, f"--pipelines={pipelines}", "--params", WDBC)
        outcome.assert_quiet()
        assert said in outcome.out.splitlines()[0]
    params = "task=openml_wdbc,method=logistic_regression"
    python_m_pare(project, "--params", params).assert_quiet()


@pytest.mark.parametrize("method", ["pare", "finetune"])
def test_a_field_is_learnt_on_the_publishers_grid(with_raw_files, kedro, method):
    result = kedro(with_raw_files, "--params", f"task:darcy_flow,source=tiny,training.epochs=2,method={method}")
    assert result.code == 0, result.err
    metrics = report(with_raw_files, "darcy_flow", f"{method}/source_tiny")
    learnt = 12 if metrics["kept"] == "solved start" else 11  # the start learns from the validation row as well
    assert (metrics["n_train"], metrics["n_test"], metrics["simulated"]) == (learnt, 4, True)
    assert 0 < metrics["constant_prediction"] < 1
    folder = with_raw_files / f"data/07_model_output/darcy_flow/{method}/source_tiny/seed_0"
    with h5py.File(folder / "predictions.h5") as file:
        assert file["prediction"].shape == file["truth"].shape == (4, 1, 13, 13)


@pytest.mark.parametrize("name", [None, "baseline"])
def test_a_library_is_run_and_scored_as_a_network_is(project, kedro, name):
    named = [f"--pipelines={name}"] if name else []
    result = kedro(project, *named, "--params", "task=openml_wdbc,method=lightgbm,options.n_estimators=9")
    assert result.code == 0, result.err
    assert result.leftovers == []
    metrics = report(project, "openml_wdbc", "lightgbm")
    assert metrics["n_train"] == 48 and metrics["test"] > 0.8 and metrics["versions"]["lightgbm"]
    assert metrics["source"] is None
    assert [path.name for path in (project / "data/01_raw/encoders").iterdir()] == ["none"]
    folder = project / "data/06_models/openml_wdbc/lightgbm/seed_0"
    assert {path.name for path in folder.iterdir()} == {"model"} and (folder / "model" / "README.md").is_file()
