"""Every library's model of learners.yml: what is refused before a fit, and its folder in another process."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
import yaml
from kedro.config import OmegaConfigLoader

from forged_model import forge
from pare.config import Library, PareError, resolve
from pare.config.suitability import LIBRARIES as SUITED
from pare.data.origins.ingest import ingest
from pare.data.preparation import ModelInput
from pare.data.registries import open_raw_files
from pare.learners.fit import Fit
from pare.learners.learner import Data, learner_of
from pare.learners.libraries.library_learner import find_estimator
from pare.learners.model import Model
from pare.prediction.predict import load
from pare.storage.store import ArrayStore
from shipped import config_loader

numba.config.DISABLE_JIT = True  # compiling takes half a minute
CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
N, TEST, GRID = 60, 12, 33
PARTS = np.array(["train"] * (N - TEST) + ["test"] * TEST)
ARRAYS = {part: {"x": f"x_{part}", "y": f"y_{part}"} for part in ("train", "test")}
TASKS = {
    "tables": {
        "reader": {"name": "table", "options": {"target": "answer", "split_column": "part"}},
        "input": {"shape": [3]},
        "output": {"kind": "classification", "shape": [3]},
        "normalisation": {"inputs": "feature"},
    },
    "series": {
        "reader": {"name": "arrays", "options": {"parts": ARRAYS, "target": "classes", "channel_axis": "none"}},
        "input": {"shape": [1, GRID]},
        "output": {"kind": "classification", "shape": [2]},
        "normalisation": {"inputs": "channel"},
    },
    "images": {
        "reader": {"name": "arrays", "options": {"parts": ARRAYS, "target": "classes", "channel_axis": "none"}},
        "input": {"shape": [1, GRID, GRID]},
        "output": {"kind": "classification", "shape": [2]},
        "normalisation": {"inputs": "channel"},
    },
    "grids": {
        "reader": {"name": "arrays", "options": {"parts": ARRAYS, "target": "field", "channel_axis": "none"}},
        "input": {"shape": [2, GRID]},
        "output": {"kind": "dense", "shape": [1, GRID]},
        "normalisation": {"inputs": "channel", "outputs": "pointwise", "coordinates": True},
        "training": {"symmetries": ["shift"]},
    },
}
FAST = {  # options with which a fit takes a moment
    "logistic_regression": {"strengths": 3, "folds": 2},
    "xgboost": {"n_estimators": 30, "early_stopping_rounds": 3},
    "lightgbm": {"n_estimators": 30, "early_stopping_rounds": 3, "min_child_samples": 2},
    "catboost": {"iterations": 30, "early_stopping_rounds": 3},
    "minirocket": {"kernels": 84},
    "multirocket": {"kernels": 84},
    "multirocket_hydra": {"kernels": 84, "groups": 2, "competitors": 2},
}
FITTING = {"tables": "openml_wdbc", "grids": "darcy_flow", "series": "ecg", "images": "cifar100"}
SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "conf" / "base" / "learners.yml").read_text())
LIBRARIES = {name: SUITED[one["library"]].inputs for name, one in SHIPPED.items() if "library" in one}
PREDICT = """
import json, sys
import numpy as np
import torch
from pare import load

threads, unpickled = torch.get_num_threads(), []
sys.addaudithook(lambda event, args: unpickled.append(args) if event == "pickle.find_class" else None)
found = {}
for name, (model, rows) in json.loads(sys.argv[1]).items():
    load(model)
    unpickled.clear()  # numba has pickles of its own: code that it compiled for a library
    predictor = load(model)
    assert not unpickled, (name, unpickled)
    found[name] = predictor.outputs(predictor.open(rows))
    assert torch.get_num_threads() == threads, name  # which those of numba would change
np.savez(sys.argv[2], **found)
"""


@pytest.fixture
def run(library, parameters):
    def run(task, method, **options):
        asked = {"task": task, "method": method, "options": options}
        return resolve(library, parameters | asked, asked)

    return run


def test_every_estimator_says_which_tasks_it_learns():
    modules = {one["library"].partition(":")[0] for one in SHIPPED.values() if "library" in one}
    estimators = {one: import_module(f"pare.learners.libraries.{one}").ESTIMATORS for one in modules}
    assert {f"{one}:{name}" for one in modules for name in estimators[one]} == {*SUITED}


def test_every_shipped_library_has_an_estimator_and_options_that_it_knows(run):
    for name, inputs in LIBRARIES.items():
        one = run(FITTING[inputs], name)
        learner_of(one).check(one)
        assert learner_of(one).suits(one) == ""


@pytest.mark.parametrize(
    ("task", "method", "why"),
    [
        (
            "darcy_flow",
            "xgboost",
            "xgboost predicts .* from tables; task 'darcy_flow' predicts dense from input",
        ),
        (
            "openml_wdbc",
            "kernel_ridge",
            "kernel_ridge predicts dense from grids; .*use method=choose",
        ),
    ],
)
def test_a_task_that_it_does_not_take_is_refused(run, task, method, why):
    one = run(task, method)
    with pytest.raises(PareError, match=why):
        learner_of(one).check(one)
    assert learner_of(one).suits(one).startswith("predicts ")


def test_a_missing_package_says_how_it_is_installed(run, monkeypatch):
    one = run("openml_wdbc", "xgboost")
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(PareError, match=r"'xgboost', not installed; pip install 'pare-transfer\[baselines\]'"):
        learner_of(one).check(one)


def test_a_wrong_option_is_named(run):
    one = run("darcy_flow", "kernel_ridge", width=3)
    with pytest.raises(PareError, match=r"options\.width' is unknown.*Did you mean 'options\.widths'"):
        learner_of(one).check(one)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("bosting:catboost", "library 'bosting' is unknown. Did you mean 'boosting'"),
        ("boosting:catbost", "model of boosting 'catbost' is unknown. Did you mean 'catboost'.*boosting.py"),
    ],
)
def test_a_library_that_is_not_there_is_told_with_those_that_are(path, words):
    with pytest.raises(PareError, match=words):
        find_estimator(path)


def write_rows(kind, folder):
    """Rows with an answer, and those of the test part without; the paths of both."""
    if kind == "tables":
        mass, depth = RNG.normal(50, 9, N), RNG.normal(size=N)
        site = np.array(["north", "south", "west"])[np.arange(N) % 3]
        answer = np.array(["a", "b", "c"])[(mass > 50).astype(int) + (depth > 0.5)]
        mass[::7] = np.nan
        table = pd.DataFrame({"mass": mass, "site": site, "depth": depth, "answer": answer, "part": PARTS})
        table.to_csv(folder / "rows.csv", index=False)
        table[PARTS == "test"].drop(columns=["answer", "part"]).to_csv(folder / "new.csv", index=False)
        return folder / "rows.csv", folder / "new.csv"
    speed = RNG.uniform(1, 3, (N, 1))
    x = np.sin(np.linspace(0, 6, GRID) * speed + RNG.uniform(0, 6, (N, 1)))
    y = 5 + np.roll(x, 3, axis=1) if kind == "grids" else (speed[:, 0] > 2).astype(int)
    x = np.repeat(x[:, None], GRID, 1) if kind == "images" else x
    arrays = {f"{name}_{part}": array[part == PARTS] for part in ARRAYS for name, array in (("x", x), ("y", y))}
    np.savez(folder / "rows.npz", **arrays)
    np.save(folder / "new.npy", arrays["x_test"])
    return folder / "rows.npz", folder / "new.npy"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, library):
    """By kind of input: a library with a task of that kind, its model input, and the file of the test rows."""
    found = {}
    for kind, task in TASKS.items():
        folder = tmp_path_factory.mktemp(kind)
        (folder / "pyproject.toml").touch()
        rows, new = write_rows(kind, folder)
        samples = {"train": N - TEST, "test": TEST}
        entry = {"title": kind, "raw": {"files": [str(rows)]}, "samples": samples, **task}
        own = Library(**(library.model_dump() | {"tasks": {"mine": entry}}))
        raw = folder / "data" / "01_raw" / "mine"
        manifest = ingest(own.task("mine").raw.active, raw)
        opened = open_raw_files(own.task("mine").reader, raw)
        ModelInput("mine", own.task("mine"), opened, manifest.fingerprint, validated=True).write(folder / "mine.h5")
        found[kind] = own, ArrayStore(folder / "mine.h5"), new
    return found


@pytest.fixture(scope="module")
def fits(prepared, untrained_weights, tmp_path_factory):
    """By name: the folder of a model, what it made of prepared test rows, and the file of the raw ones."""
    parameters = config_loader()["parameters"]
    found = {}
    for name, kind in LIBRARIES.items():
        own, store, new = prepared[kind]
        options = {"checkpoint": str(untrained_weights)} if name == "lightpfn" else FAST.get(name, {})
        asked = {"task": "mine", "method": name, "options": options}
        run = resolve(own, parameters | asked, asked)
        model = Fit(run, Data(store)).model(tmp_path_factory.mktemp("work"))
        folder = tmp_path_factory.mktemp(name) / "model"
        model.save(folder)
        found[name] = folder, model.outputs(store.rows("test").array("x"), CPU), new
    return found


@pytest.fixture(scope="module")
def predicted_elsewhere(fits, tmp_path_factory):
    """What a new process predicts from each folder and the file of the test rows."""
    place = tmp_path_factory.mktemp("elsewhere") / "outputs.npz"
    asked = {name: (str(folder), str(new)) for name, (folder, _, new) in fits.items()}
    command = [sys.executable, "-c", PREDICT, json.dumps(asked), str(place)]
    own = {"NUMBA_DISABLE_JIT": "1", "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"}
    outcome = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    with np.load(place) as arrays:
        return dict(arrays)


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_another_process_predicts_the_raw_rows_as_the_fitted_model_did_the_prepared_ones(
    name, fits, predicted_elsewhere
):
    wanted = fits[name][1]
    assert len(wanted) == TEST and np.ptp(wanted, axis=0).max() > 1e-3
    np.testing.assert_allclose(predicted_elsewhere[name], wanted, rtol=1e-6, atol=1e-6)
    assert predicted_elsewhere[name].dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_folder_has_numbers_and_text_and_a_readme(name, fits):
    folder = fits[name][0]
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".skops", ".ubj", ".txt", ".cbm", ".md"}
    card = (folder / "README.md").read_text()
    assert f"| method | {name}: {SHIPPED[name]['title']}, seed 0 |" in card and "encoder" not in card


def own_file(folder):
    """The largest file that the library wrote."""
    files = [path for path in folder.rglob("*") if path.suffix in (".skops", ".ubj", ".txt", ".cbm", ".safetensors")]
    return max((one for one in files if one.stem not in ("preparation", "validation")), key=lambda p: p.stat().st_size)


@pytest.mark.slow
@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_changed_file_is_refused_also_where_the_record_was_changed_too(name, forged, fits, tmp_path):
    folder = shutil.copytree(fits[name][0], tmp_path / name)
    own_file(folder).write_bytes(b"hello")
    if forged:
        forge(folder)
    with pytest.raises(PareError, match=r"holds no whole trained model.*delete it and train again"):
        Model.load(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_flipped_bit_of_any_file_is_seen_and_the_usual_rights_are_those_of_new_files(name, fits, tmp_path):
    folder = shutil.copytree(fits[name][0], tmp_path / name)
    (tmp_path / "new").touch()
    for path in [path for path in folder.rglob("*") if path.is_file() and path.name != "README.md"]:
        assert path.stat().st_mode == (tmp_path / "new").stat().st_mode
        content = path.read_bytes()
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        with pytest.raises(PareError, match="holds no whole trained model"):
            Model.load(folder)
        path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic_regression", "minirocket"])
def test_a_type_that_no_library_here_has_is_not_made(name, fits, tmp_path):
    folder = shutil.copytree(fits[name][0], tmp_path / name)
    skops.io.dump([OmegaConfigLoader, 1], next(iter(folder.rglob("*.skops"))))
    forge(folder)
    with pytest.raises(PareError, match=r"UntrustedTypesFoundException.*OmegaConfigLoader"):
        Model.load(folder)


@pytest.mark.slow
def test_a_table_is_predicted_by_names_and_a_wrong_one_refused(fits):
    folder, _, new = fits["catboost"]
    predictor = load(folder)
    rows = pd.read_csv(new)
    shares = predictor.predict_proba(rows)
    assert list(predictor.classes) == ["a", "b", "c"]
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    assert list(predictor.predict(new)) == list(predictor.classes[shares.argmax(1)])
    with pytest.raises(PareError, match="the table lacks site; it has"):
        predictor.predict(rows.drop(columns="site"))


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARIES)
def test_how_sure_it_is_is_known(name, fits):
    folder, _, new = fits[name]
    predictor = load(folder)
    if LIBRARIES[name] == "grids":
        lower, upper = predictor.predict_interval(new, 0.5)
        np.testing.assert_allclose((lower + upper) / 2, predictor.predict(new), atol=1e-4)
    else:
        assert all(len(names) for names in predictor.predict_set(new, 0.5))
