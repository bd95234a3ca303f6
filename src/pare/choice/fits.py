"""A candidate fitted to the rows of a fold, and what it predicts for the held-out ones."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from accelerate import PartialState

from pare.alignment import align_embedder
from pare.baselines import BaselineFit, TrainedBaseline
from pare.config.run import BaselineRun, Run
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import predict_rows
from pare.saved.trained_model import TrainedModel
from pare.storage.fingerprint import fingerprint
from pare.storage.predictions import read_predictions, write_predictions
from pare.storage.store import ArrayStore
from pare.training import FineTuning, SourceFolders

Candidate = Run | BaselineRun


@dataclass(frozen=True)
class HeldOut:
    """What a candidate predicts for the rows that a fold holds out.

    Attributes:
        outputs: logits, numbers or fields, ``(rows, …)``.
        truth: answers, ``(rows, …)``.
        seconds: of the fit, without the predictions.
        groups: of the rows, ``(rows,)``; None where they have none.
    """

    outputs: np.ndarray
    truth: np.ndarray
    seconds: float
    groups: np.ndarray | None = None


def held_out(run: Candidate, store: ArrayStore, source: SourceFolders, folder: Path) -> HeldOut:
    """Fit a candidate to a fold and predict its held-out rows, unless the folder has just these predictions."""
    made_of = fingerprint(run.decisive(), store.fingerprint, source.fingerprints)
    path = folder / f"{made_of}.h5"
    if not path.is_file():
        outcome, seconds = _predicted(run, store, source)
        write_predictions(path, outcome | {"seconds": np.array(round(seconds, 2))})
    arrays = read_predictions(path)
    return HeldOut(arrays["prediction"], arrays["truth"], float(arrays["seconds"]), arrays.get("group"))


def _predicted(run: Candidate, store: ArrayStore, source: SourceFolders) -> tuple[dict[str, np.ndarray], float]:
    with TemporaryDirectory() as name:
        path, started = Path(name) / "model", time.perf_counter()
        described(run, store, source).write(path)
        seconds = time.perf_counter() - started
        trained = (TrainedBaseline if isinstance(run, BaselineRun) else TrainedModel).load(path)
        outputs = partial(trained.outputs, device=PartialState().device)
        return predict_rows(outputs, store.rows("test")), seconds


def described(run: Candidate, store: ArrayStore, source: SourceFolders) -> FineTuning | BaselineFit:
    """A candidate's fit as something that is lazily saved."""
    if isinstance(run, BaselineRun):
        return BaselineFit(run, store)
    align = partial(align_embedder, run=run) if run.alignment else None
    return FineTuning(run, store, source, build_metric(run.metric, run.task.output), align)
