"""Models of every kind of data, with tiny encoders and few rows."""

from collections.abc import Callable

import pytest

from pare.config import Library, resolve
from pare.data.preparation import ModelInput
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.models import load_backbone
from pare.learners.networks.trained_network import TrainedNetwork, assemble
from pare.learners.source_folders import SourceFolders
from pare.prediction.predict import Predictor
from pare.storage.samples import Samples
from pare.storage.store import ArrayStore
from tiny_encoders import CONFIGS


@pytest.fixture
def fitted(library, parameters, tiny_bert, tiny_dinov2, topics, *, digits, tmp_path, monkeypatch) -> Callable:
    """Fit a run to rows in memory; what a task says besides is given by name."""
    monkeypatch.setattr(
        "pare.learners.networks.models.series_features.FEATURES", 1000
    )  # of 10,000: an export traces each bias
    files = {"minilm": (tiny_bert, topics), "dinov2_small": (tiny_dinov2, digits)}
    starts = {
        kind: {**start, "layers": [1, 2][-1 if kind == "field" else -2 :]} for kind, start in library.starts.items()
    }
    starts["table"]["scalings"] = ["normal", "robust"]

    def fitted(rows: Samples, run=None, training_of_run=None, encoder=None, **task) -> Predictor:
        x, _ = rows.read(0, 1)
        axes = x.ndim - 2 if task.get("normalisation", {}).get("coordinates") else 0
        entry = {
            "title": "tiny",
            "raw": {"files": ["none"]},
            "reader": {"name": "table" if rows.columns else "arrays"},
            "samples": {"all": rows.count},
            "input": {"shape": [x.shape[1] + axes, *x.shape[2:]]},
            **task,
        }
        own = Library(**(library.model_dump() | {"tasks": {"tiny": entry}, "starts": starts}))
        asked = {"task": "tiny", "method": "finetune" if training_of_run else "probe", **(run or {})}
        fixed = {"training": {"precision": "no", **training_of_run}} if training_of_run else {}
        resolved = resolve(own, parameters | asked, fixed)
        ModelInput("tiny", resolved.task, {"all": rows}, "rows", validated=True).write(tmp_path / "rows.h5")
        source = None
        if resolved.source:
            own_encoder, proxy = files[resolved.source_name]
            source = SourceFolders(encoder or own_encoder, proxy, ("encoder", "proxy"))
        folder = tmp_path / resolved.method_name
        Fit(resolved, Data(ArrayStore(tmp_path / "rows.h5"), source)).write(folder)
        return Predictor(Model.load(folder), "cpu")

    return fitted


@pytest.fixture
def untrained(own_run, unprepared, save_encoder, tmp_path) -> Callable:
    """A model of three classes of images of 16×16 points, as a training would begin it at random."""
    task = {
        "reader": {"name": "arrays"},
        "samples": {"all": 40},
        "input": {"shape": [1, 16, 16]},
        "output": {"kind": "classification", "shape": [3]},
        "tokens": {"kind": "patch", "patch": 2},
    }
    run = own_run(task, start="random")

    def untrained(family: str) -> Predictor:
        backbone = load_backbone(save_encoder(CONFIGS[family], tmp_path / family), run.grid)
        model = assemble(run, backbone, 2, (), rows=0).eval()
        record = {"fingerprint": "f", "validation": None, "versions": {}}
        return Predictor(Model(run, TrainedNetwork(model, {"model_type": family}), record, unprepared), "cpu")

    return untrained
