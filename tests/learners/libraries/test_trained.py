"""Every baseline of baselines.yml, from a user's file to its folder and to predictions in another process."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from kedro.config import OmegaConfigLoader

from pare.config import Library, PareError, resolve_baseline
from pare.data.origins.ingest import ingest
from pare.data.preparation import ModelInput, Preparation
from pare.data.registries import open_raw_files
from pare.learners.libraries import ESTIMATORS, TrainedBaseline, fit_baseline
from pare.learners.libraries.problem import problem_of
from pare.prediction.predict import load
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.fingerprint import file_digest
from pare.storage.store import ArrayStore

pytestmark = pytest.mark.slow

numba.config.DISABLE_JIT = True  # compiling takes half a minute
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
    "fno": {"epochs": 2, "modes": 4, "width": 4, "layers": 1},
    "u_net": {"epochs": 2, "features": [4] * 6, "fold": 1},
}
SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "conf" / "base" / "baselines.yml").read_text())
BASELINES = {name: ESTIMATORS[entry["estimator"]].inputs for name, entry in SHIPPED.items()}
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
def fits(prepared, conf, tmp_path_factory):
    """By name of the baseline: what was fitted, its model's folder, and the file of the test rows."""
    parameters = OmegaConfigLoader(conf_source=str(conf), env="base", **CONFIG_LOADER_ARGS)["parameters"]
    found = {}
    for name, kind in BASELINES.items():
        own, store, new = prepared[kind]
        asked = {"task": "mine", "method": name, "options": FAST.get(name, {})}
        run = resolve_baseline(own, parameters | asked, asked)
        problem = problem_of(run, store)
        fitted = fit_baseline(run, problem)
        preparation = Preparation.of(store, coordinates=run.task.normalisation.coordinates)
        folder = tmp_path_factory.mktemp(name) / "model"
        record = {"fingerprint": "f", "decisive": run.decisive(), "versions": fitted.versions, "best_epoch": None}
        TrainedBaseline(run, fitted.model, record, preparation, fitted.calibrate(problem)).save(folder)
        found[name] = fitted, folder, new
    return found


@pytest.fixture(scope="module")
def predicted_elsewhere(fits, tmp_path_factory):
    """What a new process predicts from each folder and the file of the test rows."""
    place = tmp_path_factory.mktemp("elsewhere") / "outputs.npz"
    asked = {name: (str(folder), str(new)) for name, (_, folder, new) in fits.items()}
    command = [sys.executable, "-c", PREDICT, json.dumps(asked), str(place)]
    own = {"NUMBA_DISABLE_JIT": "1", "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"}
    outcome = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    with np.load(place) as arrays:
        return dict(arrays)


@pytest.fixture
def copied(fits, tmp_path):
    """Copy a model's folder, to change files in it; digests in the record may follow."""

    def copied(name, forged=False, **content):
        folder = shutil.copytree(fits[name][1], tmp_path / name)
        record = json.loads((folder / "record.json").read_text())
        for file, data in content.items():
            path = next(folder.glob(f"{file}.*"))
            path.write_bytes(data(path.read_bytes()))
            if forged:
                record["files"][path.name] = file_digest(path)
        (folder / "record.json").write_text(json.dumps(record))
        return folder

    return copied


@pytest.mark.parametrize("name", BASELINES)
def test_another_process_predicts_the_raw_rows_as_the_fitted_baseline_did_the_prepared_ones(
    name, fits, prepared, predicted_elsewhere
):
    _, store, _ = prepared[BASELINES[name]]
    wanted = fits[name][0].predict(store.rows("test").array("x"))
    assert len(wanted) == TEST and np.ptp(wanted, axis=0).max() > 1e-3
    np.testing.assert_allclose(predicted_elsewhere[name], wanted, rtol=1e-6, atol=1e-6)
    assert predicted_elsewhere[name].dtype == np.float32


@pytest.mark.parametrize("name", BASELINES)
def test_a_folder_has_numbers_and_text_and_a_readme(name, fits):
    files = {path.name for path in fits[name][1].iterdir()}
    shared = {"README.md", "record.json", "preparation.json", "preparation.safetensors", "validation.safetensors"}
    assert shared < files
    own = files - shared
    assert {Path(file).suffix for file in own} <= {".safetensors", ".json", ".skops", ".ubj", ".txt", ".cbm", ".onnx"}
    card = (fits[name][1] / "README.md").read_text()
    assert f"| baseline | {name}: {SHIPPED[name]['title']}, seed 0 |" in card and "encoder" not in card


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"hello"], ids=["half", "foreign"]
)
def test_a_changed_file_is_refused_before_a_library_reads_it(name, damage, fits, copied):
    kept = json.loads((fits[name][1] / "record.json").read_text())["files"]
    stem = next(Path(file).stem for file in kept if file.startswith(("output_", "model.")))
    with pytest.raises(PareError, match=rf"{stem}\.\w+ is damaged or of another model\); delete it and train again"):
        TrainedBaseline.load(copied(name, **{stem: damage}))


@pytest.mark.parametrize("name", BASELINES)
def test_a_file_that_no_library_reads_is_refused_where_the_record_was_changed_too(name, fits, copied):
    kept = json.loads((fits[name][1] / "record.json").read_text())["files"]
    stem = next(Path(file).stem for file in kept if file.startswith(("output_", "model.")))
    with pytest.raises(PareError, match=r"holds no whole trained model.*delete it and train again"):
        TrainedBaseline.load(copied(name, forged=True, **{stem: lambda _: b"hello"}))


@pytest.mark.parametrize("name", ["logistic_regression", "minirocket", "multirocket", "multirocket_hydra"])
def test_a_type_that_no_baseline_has_is_not_made(name, copied, tmp_path):
    skops.io.dump([OmegaConfigLoader, 1], tmp_path / "bad.skops")
    bad = (tmp_path / "bad.skops").read_bytes()
    stem = "output_0_0" if name == "logistic_regression" else "model"
    with pytest.raises(PareError, match=r"UntrustedTypesFoundException.*OmegaConfigLoader"):
        TrainedBaseline.load(copied(name, forged=True, **{stem: lambda _: bad}))


@pytest.mark.parametrize("name", ["record.json", "preparation.json", "outputs.json"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")], ids=["missing", "damaged"])
def test_a_folder_that_lacks_a_part_is_refused_with_advice(name, damage, copied):
    folder = copied("catboost")
    damage(folder / name)
    with pytest.raises(PareError, match="train again"):
        TrainedBaseline.load(folder)


@pytest.mark.parametrize("name", ["lightgbm", "fno"])
def test_a_loaded_model_goes_to_another_process_by_pickle(name, fits, prepared):
    _, store, new = prepared[BASELINES[name]]
    predictor = pickle.loads(pickle.dumps(load(fits[name][1])))
    wanted = fits[name][0].predict(store.rows("test").array("x"))
    np.testing.assert_allclose(predictor.outputs(predictor.open(new)), wanted, rtol=1e-6, atol=1e-6)


def test_a_table_is_predicted_by_names_and_a_wrong_one_refused_as_by_a_method(fits):
    _, folder, new = fits["catboost"]
    predictor = load(folder)
    rows = pd.read_csv(new)
    shares = predictor.predict_proba(rows)
    assert list(predictor.classes) == ["a", "b", "c"]
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    assert list(predictor.predict(new)) == list(predictor.classes[shares.argmax(1)])
    with pytest.raises(PareError, match="the table lacks site; it has"):
        predictor.predict(rows.drop(columns="site"))


@pytest.mark.parametrize("name", BASELINES)
def test_how_sure_it_is_comes_from_validation_rows_that_it_never_saw(name, fits, prepared):
    fitted, folder, new = fits[name]
    held, predictor = prepared[BASELINES[name]][1].rows("validation"), load(folder)
    found = fitted.model.predict(held.array("x")) if fitted.unseen is None else fitted.unseen
    if BASELINES[name] == "grids":
        lower, upper = predictor.predict_interval(new, 0.5)
        np.testing.assert_allclose((lower + upper) / 2, predictor.predict(new), atol=1e-4)
        assert 0 < (upper - lower).mean() / 2 < np.abs(found - held.array("y")).max()
    else:
        np.testing.assert_allclose(predictor.calibration.arrays["prediction"], found, rtol=1e-6, atol=1e-6)
        assert all(len(names) for names in predictor.predict_set(new, 0.5))
