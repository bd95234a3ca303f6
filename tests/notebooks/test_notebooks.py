"""The notebooks run from the first cell to the last, in a copy of the project, and are kept without outputs."""

import json
import shutil
from pathlib import Path

import h5py
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
FIGURE = "application/vnd.plotly.v1+json"


def copy_project(project):
    """A copy of the project without data and without what the user may have in conf/local."""
    shutil.copytree(ROOT / "conf", project / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(ROOT / "notebooks", project / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / "pyproject.toml", project)
    for folder in ("src", "conf/local", "data"):
        (project / folder).mkdir()
    return project


def execute(project, name):
    """The notebook with its outputs; an error in a cell is an error here."""
    notebook = nbformat.read(project / "notebooks" / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": str(project / "notebooks")}}
    return NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()


def outputs(notebook):
    """All outputs of all cells."""
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def printed(notebook):
    """All text that the cells printed."""
    return "".join(output.get("text", "") for output in outputs(notebook))


def figures(notebook):
    """All interactive figures."""
    return [output.data[FIGURE] for output in outputs(notebook) if FIGURE in output.get("data", {})]


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory):
    """No network, one thread, and nothing written into the home folder."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "DO_NOT_TRACK": "1",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        }.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with the committed results, a made-up training and predictions of a field, a quarter too large."""
    project = copy_project(tmp_path_factory.mktemp("notebooks"))
    reporting = project / "data" / "08_reporting"
    history = reporting / "darcy_flow" / "pare" / "seed_0" / "history.json"
    history.parent.mkdir(parents=True)
    shutil.copy(ROOT / "data" / "08_reporting" / "results.csv", reporting)
    history.write_text(json.dumps([{"epoch": epoch, "loss": 1 / epoch, "validation": 0.1} for epoch in (1, 2, 3)]))
    file = project / "data" / "07_model_output" / "darcy_flow" / "pare" / "seed_0" / "predictions.h5"
    file.parent.mkdir(parents=True)
    truth = np.random.default_rng(0).normal(size=(5, 1, 8, 8))
    with h5py.File(file, "w") as content:
        content["truth"], content["prediction"] = truth, 1.25 * truth
    yield project
    shutil.rmtree(project)  # a pretrained encoder is in it


@pytest.fixture(scope="module")
def executed(project):
    """Each notebook with its outputs, executed once."""
    done = {}

    def executed(name):
        if name not in done:
            done[name] = execute(project, name)
        return done[name]

    return executed


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_runs_to_its_end_and_draws(name, executed):
    assert figures(executed(name))


def test_the_mixed_field_loses_its_last_word_in_the_last_epoch(executed):
    figure = max(figures(executed("01_main_idea")), key=lambda figure: len(figure.get("frames", [])))
    words = [np.ravel(frame["data"][0]["text"]) for frame in figure["frames"]]
    replaced = [int((text != "").sum()) for text in words]
    assert replaced[0] == 15  # of 16, as 3000 of 3136 in the paper
    assert replaced[-1] == 0
    assert replaced == sorted(replaced, reverse=True)


def test_committed_results_and_predictions_are_shown(executed):
    notebook = executed("02_reading_results")
    curves, differences, fields = figures(notebook)
    assert len(curves["data"]) == 2  # loss and validation
    assert {trace["name"] for trace in differences["data"]} >= {"darcy_flow"}
    assert "relative L2 error 25.00 %" in fields["layout"]["title"]["text"]


def test_without_results_the_page_says_what_to_run(tmp_path):
    notebook = execute(copy_project(tmp_path), "02_reading_results")
    assert "kedro run --pipeline=pare_train --params task:darcy_flow" in printed(notebook)


def test_new_rows_of_ones_own_table_are_predicted(project, executed):
    executed("03_your_own_data")
    folder = project / "data" / "07_model_output" / "notebook_wine" / "pare" / "seed_0" / "new_rows"
    predicted = pd.read_csv(folder / "new_wine.csv")
    assert len(predicted) == 3
    assert set(predicted["cultivar"]) <= {"barolo", "grignolino", "barbera"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_kept_without_outputs(name):
    path = ROOT / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
