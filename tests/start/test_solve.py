"""Solving a probe: from a model input to a model that is saved and loaded."""

import numpy as np
import pytest
import torch

from pare.config import Library, PareError, resolve
from pare.evaluation.metrics import build_metric
from pare.start import SolvedStart
from pare.storage.store import ArrayStore, write_store
from pare.training import SourceFolders, TrainedModel

ROWS = {"train": 60, "validation": 20, "test": 60}
POINTS = 64


def write(path, make) -> ArrayStore:
    rng = np.random.default_rng(0)
    blocks = [(split, dict(zip("xy", make(rng, n), strict=True))) for split, n in ROWS.items()]
    write_store(path, rows=ROWS, blocks=blocks, statistics={}, fingerprint="rows", description={"categories": []})
    return ArrayStore(path)


def bumps(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Series of noise with one bump, narrow or wide, of the same area at any place: no point alone tells the class."""
    y = rng.integers(0, 2, n)
    centre = rng.uniform(12, POINTS - 12, n)[:, None]
    width = np.where(y, 1.5, 5.0)[:, None]
    bump = np.exp(-(((np.arange(POINTS) - centre) / width) ** 2)) / width
    return (10 * bump + rng.normal(0, 0.1, (n, POINTS)))[:, None].astype(np.float32), y


def circle(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows inside or outside of a circle: no linear model of the columns tells the class."""
    x = rng.normal(size=(n, 2)).astype(np.float32)
    return x, ((x**2).sum(1) > 1.4).astype(np.int64)


@pytest.fixture(scope="module")
def run_of(library: Library):
    """Resolve a run of the probe on rows of a shape."""

    def make(shape: list[int], **parameters):
        task = {
            "title": "t",
            "raw": {"files": ["x.npy"]},
            "reader": {"name": "arrays"},
            "samples": {"all": sum(ROWS.values())},
            "input": {"shape": shape},
            "output": {"kind": "classification", "shape": [2]},
        }
        own = Library(**{**library.model_dump(), "tasks": {"own": task}})
        defaults = {"task": "own", "source": None, "method": "probe", "seed": 0, "protocol": "validated"}
        training = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3}
        methods = {kind: {**values, "layers": [1, 2]} for kind, values in library.methods["probe"]["start"].items()}
        own.methods["probe"] = {**library.methods["probe"], "start": methods}  # the tiny encoders have two
        return resolve(own, {**defaults, "training": training, **parameters}, parameters)

    return make


@pytest.fixture
def image_source(tiny_dinov2, topics) -> SourceFolders:
    return SourceFolders(tiny_dinov2, topics, ("encoder", "proxy"))


@pytest.fixture
def text_source(tiny_bert, topics) -> SourceFolders:
    return SourceFolders(tiny_bert, topics, ("encoder", "proxy"))


def error(model, store: ArrayStore) -> float:
    rows = store.rows("test").read(0, ROWS["test"])
    with torch.no_grad():
        prediction = model(torch.from_numpy(rows["x"])).argmax(1).numpy()
    return float((prediction != rows["y"]).mean())


def describe(run, store, source) -> SolvedStart:
    return SolvedStart(run, store, source, build_metric(run.metric, run.task.output))


def solved(run, store, source, folder) -> TrainedModel:
    describe(run, store, source).write(folder / "model")
    return TrainedModel.load(folder / "model")


def test_a_series_is_learnt_through_the_encoder(run_of, image_source, tmp_path, monkeypatch):
    """Liveness: with hidden states replaced by their batch mean the error must rise clearly."""
    store = write(tmp_path / "x.h5", bumps)
    trained = solved(run_of([1, POINTS]), store, image_source, tmp_path)
    assert error(trained.model, store) < 0.1
    encode_layers = trained.model.backbone.encode_layers
    dead = lambda tokens, layers: [h.mean(0, keepdim=True).expand_as(h) for h in encode_layers(tokens, layers)]  # noqa: E731
    monkeypatch.setattr(trained.model.backbone, "encode_layers", dead)
    assert error(trained.model, store) > 0.3


def test_a_table_is_learnt_through_the_encoder(run_of, text_source, tmp_path):
    store = write(tmp_path / "x.h5", circle)
    trained = solved(run_of([2]), store, text_source, tmp_path)
    assert error(trained.model, store) < 0.2
    for head in trained.model.heads:  # liveness: raw columns alone cannot tell the classes
        head.weight[:, : trained.model.encoded[0]] = 0
    assert error(trained.model, store) > 0.3


def test_a_solved_probe_is_current_until_the_run_changes(run_of, text_source, tmp_path):
    store, run = write(tmp_path / "x.h5", circle), run_of([2])
    assert not describe(run, store, text_source).is_current(tmp_path / "model")
    solved(run, store, text_source, tmp_path)
    assert describe(run, store, text_source).is_current(tmp_path / "model")
    assert not describe(run_of([2], seed=1), store, text_source).is_current(tmp_path / "model")


def test_the_same_seed_gives_the_same_model(run_of, text_source, tmp_path):
    store = write(tmp_path / "x.h5", circle)
    first, second = (solved(run_of([2]), store, text_source, tmp_path / name).model.state_dict() for name in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_validation_rows_choose_nothing_and_are_learnt_from_at_the_end(run_of, text_source, tmp_path):
    trained = solved(run_of([2]), write(tmp_path / "x.h5", circle), text_source, tmp_path)
    assert trained.record["n_train"] == ROWS["train"] + ROWS["validation"]
    assert 0 <= trained.record["validation"] < 50


def test_options_of_a_training_are_refused(run_of):
    with pytest.raises(PareError, match=r"trains nothing, so training\.epochs"):
        run_of([2], training={"epochs": 3, "batch_size": 8, "learning_rate": 1e-3})


def test_fields_have_no_start(library, parameters):
    with pytest.raises(PareError, match="has no start for field data"):
        resolve(library, parameters | {"task": "darcy_flow", "method": "probe"}, {})


def test_the_source_is_the_one_that_suits_the_data(run_of):
    assert run_of([2]).source_name == "minilm"
    assert run_of([1, POINTS]).source_name == "dinov2_small"
    assert run_of([1, POINTS]).differs == {}
    assert run_of([2], source="dinov2_small").differs == {"source": "dinov2_small"}


def test_a_solved_run_has_no_epochs(run_of):
    assert run_of([2]).epochs == 0
