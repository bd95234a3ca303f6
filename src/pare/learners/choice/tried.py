"""A candidate of a choice: its fit to the rows of a fold, its predictions for the held-out ones, its outcome."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from accelerate import PartialState

from pare.config import Run
from pare.config.run import Run
from pare.evaluation.batch_checks import UndefinedMetric
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import predict_rows, score
from pare.learners.libraries import BaselineFit, TrainedBaseline
from pare.learners.libraries.by_name import missing_packages
from pare.learners.networks.alignment import align_embedder
from pare.learners.networks.trained_model import TrainedModel
from pare.learners.networks.training import FineTuning, SourceFolders
from pare.storage.fingerprint import fingerprint
from pare.storage.hdf5 import read_predictions, write_predictions
from pare.storage.store import ArrayStore

Candidate = Run
EXACT = 1e-6  # error, in spreads of the answers, that is rounding


@dataclass(frozen=True)
class HeldOut:
    """Out-of-fold predictions of a candidate for one fold.

    Attributes:
        outputs: logits, numbers or fields, ``(rows, …)``.
        truth: answers, ``(rows, …)``.
        seconds: fit time, without the predictions.
        groups: group of each row, ``(rows,)``; None without groups.
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
        trained = (TrainedBaseline if isinstance(run, Run) else TrainedModel).load(path)
        outputs = partial(trained.outputs, device=PartialState().device)
        return predict_rows(outputs, store.rows("test")), seconds


def described(run: Candidate, store: ArrayStore, source: SourceFolders) -> FineTuning | BaselineFit:
    """A candidate's fit as something that is lazily saved."""
    if isinstance(run, Run):
        return BaselineFit(run, store)
    align = partial(align_embedder, run=run) if run.alignment else None
    return FineTuning(run, store, source, build_metric(run.metric, run.task.output), align)


@dataclass
class Tried:
    """A candidate and its outcome.

    Attributes:
        run: the candidate.
        folds: one after the other.
        left_out: why it was tried no further; empty for one that saw all folds.
        failed: whether a fit of it did.
        lost: seconds of fits that predict no fold: failed ones, and those to few rows that measure time.
        expected: seconds of a fit to a fold, as they were known before the first; None: not yet.
    """

    run: Candidate
    folds: list[HeldOut] = field(default_factory=list)
    left_out: str = ""
    failed: bool = False
    lost: float = 0.0
    expected: float | None = None

    @property
    def name(self) -> str:
        """Name of the method or the baseline."""
        return self.run.method_name

    @property
    def metric(self) -> float | None:
        """The task's metric on all held-out rows; None where it is undefined."""
        return defined_score(self.run, self.outputs, self.truth)

    @property
    def metrics(self) -> list[float | None]:
        """The task's metric of each fold; None where it is undefined, such as AUROC without a row of some class."""
        return [defined_score(self.run, fold.outputs, fold.truth) for fold in self.folds]

    @property
    def seconds(self) -> float:
        """Mean fit time."""
        return float(np.mean([fold.seconds for fold in self.folds]))

    @property
    def is_exact(self) -> bool:
        """Whether it predicts numbers or fields but for rounding, so that no other candidate could be better."""
        if not self.folds or self.run.task.output.kind not in ("regression", "dense"):
            return False
        axis = 0 if self.run.task.output.kind == "regression" else None  # several numbers have units of their own
        error = np.sqrt(np.nanmean(np.square(self.outputs - self.truth, dtype=float), axis))
        return bool(np.all(error <= EXACT * np.nanstd(self.truth, axis, dtype=float)))

    def row(self, share: float, final: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A row of the leaderboard.

        Args:
            share: weight in the selected ensemble.
            final: ``final``, the metric of the validation rows after the final fit of a network, and its ``seconds``,
                which count where there was no other fit; None: another candidate.
        """
        came: dict[str, Any] = {"left_out": self.left_out, **(final or {})}
        if self.folds:
            came |= {"metric": self.metric, "folds": self.metrics, "seconds": round(self.seconds, 1)}
        return {"method": self.name, "share": share, **came}

    @property
    def outputs(self) -> np.ndarray:
        """Outputs for all held-out rows, fold after fold, ``(rows, …)``."""
        return np.concatenate([fold.outputs for fold in self.folds])

    @property
    def truth(self) -> np.ndarray:
        """Answers of the same rows, ``(rows, …)``."""
        return np.concatenate([fold.truth for fold in self.folds])

    @property
    def groups(self) -> np.ndarray | None:
        """Groups of the same rows, ``(rows,)``; None without groups."""
        groups = [fold.groups for fold in self.folds if fold.groups is not None]
        return np.concatenate(groups) if groups else None


def defined_score(run: Candidate | Run, outputs: np.ndarray, truth: np.ndarray) -> float | None:
    """The task's metric of rows ``(rows, …)``; None where it is undefined, as R² is where all answers are the same."""
    try:
        return score(build_metric(run.metric, run.task.output), outputs, truth)
    except UndefinedMetric:
        return None


def not_installed(run: Run) -> list[str]:
    """Names of the candidates that suit the task and whose packages are missing."""
    baselines = [one for one in run.candidates if isinstance(one, Run)]
    return [one.method_name for one in baselines if missing_packages(one)]


def within(run: Candidate, minutes: float) -> Candidate:
    """A candidate bounded by minutes, where its fit has no end of its own: a network for fields."""
    if not is_bounded(run):
        return run
    if isinstance(run, Run):
        return run.model_copy(update={"options": run.options | {"minutes": minutes}})
    return run.model_copy(update={"training": run.training.model_copy(update={"minutes": minutes})})


def is_bounded(run: Candidate) -> bool:
    """Whether minutes bound its fit."""
    if isinstance(run, Run):
        return "minutes" in run.options and run.options.get("epochs") is None
    return run.task.kind == "field" and bool(run.training.epochs)
