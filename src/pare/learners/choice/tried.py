"""A candidate of a choice: its fits, its predictions for rows that were held out, its outcome."""

import shutil
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from pare.config.errors import PareError
from pare.config.run import Run
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import defined_score, predict_rows
from pare.learners.choice.folds import Parts, write_fold
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.storage.checksums import is_whole
from pare.storage.fingerprint import fingerprint
from pare.storage.hdf5 import read_predictions, write_predictions

ROUNDING = 1e-6  # error, in spreads of the answers
Held = dict[str, np.ndarray]  # prediction, truth, perhaps group, each (rows, …), and the seconds of the fit


def held_out(run: Run, data: Data, parts: Parts, folder: Path, number: int) -> Held:
    """Fit a candidate to a fold and predict its held-out rows, unless the folder has just these predictions.

    Args:
        run: the candidate.
        data: the model input that the fold is cut from, and the source.
        parts: rows of the fold.
        folder: folder of the choice.
        number: number of the fold.

    Raises:
        PareError: where the fit fails.
    """
    store = write_fold(folder / f"fold_{number}.h5", data.store, parts, compress=run.task.input.compress)
    fold = Data(store, data.source)
    path = folder / run.method_name / f"{fingerprint(run.decisive(), *fold.fingerprints)}.h5"
    if not is_whole(path):
        work, started = path.with_suffix(""), time.perf_counter()
        shutil.rmtree(work, ignore_errors=True)  # a killed choice left it, and its seconds are not known
        model = Fit(run, fold).model(work)
        seconds = np.array(time.perf_counter() - started)
        write_predictions(path, predicted(model, fold, "test") | {"seconds": seconds})
        shutil.rmtree(work, ignore_errors=True)
    return read_predictions(path)


def fitted(run: Run, data: Data, path: Path) -> Held | None:
    """Fit a candidate to all rows, or go on where an interrupted fit ended, and write the model.

    Args:
        run: the candidate.
        data: what it learns from.
        path: folder of the model.

    Returns:
        What a network predicts for the validation rows, which chose its epoch and taught it nothing; None of a model
        without epochs, and of a network that kept its solved start, as these learnt from them.

    Raises:
        PareError: where the fit fails.
    """
    Fit(run, data).write(path)
    model = Model.load(path)
    if not model.record["best_epoch"]:
        return None
    return predicted(model, data, "validation") | {"seconds": np.array(model.record["train_seconds"])}


def predicted(model: Model, data: Data, split: str) -> Held:
    """Outputs of a model for the rows of a split, as `predict_rows`; PareError where they are not finite."""
    arrays = predict_rows(partial(model.outputs, device=PartialState().device), data.store.rows(split))
    if not np.isfinite(arrays["prediction"]).all():
        raise PareError("it predicts numbers that are not finite")
    return arrays


@dataclass
class Tried:
    """A candidate and its outcome.

    Attributes:
        run: the candidate.
        left_out: why it did not predict all folds; empty for one that did.
        folds: its predictions of each fold, if it predicted all.
    """

    run: Run
    left_out: str = ""
    folds: list[Held] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the learner."""
        return self.run.method_name

    @property
    def seconds(self) -> float:
        """Mean fit time."""
        return float(np.mean([fold["seconds"] for fold in self.folds]))

    def all(self, what: str) -> np.ndarray:
        """An array of all folds, one after the other, such as ``prediction``."""
        return np.concatenate([fold[what] for fold in self.folds])

    @property
    def is_exact(self) -> bool:
        """Whether it predicts numbers or fields but for rounding, so that no other candidate could be better."""
        if not self.folds or not self.run.task.compares_values:
            return False
        truth, axis = self.all("truth"), 0 if self.run.task.output.kind == "regression" else None
        error = np.sqrt(np.nanmean(np.square(self.all("prediction") - truth, dtype=float), axis))
        return bool(np.all(error <= ROUNDING * np.nanstd(truth, axis, dtype=float)))

    def row(self, share: float) -> dict[str, Any]:
        """A row of the leaderboard.

        Args:
            share: weight in the selected ensemble.
        """
        row: dict[str, Any] = {"method": self.name, "share": share, "left_out": self.left_out}
        if not self.folds:
            return row
        metric = build_metric(self.run.metric, self.run.task.output)
        of_folds = [defined_score(metric, fold["prediction"], fold["truth"]) for fold in self.folds]
        whole = defined_score(metric, self.all("prediction"), self.all("truth"))
        return {**row, "metric": whole, "folds": of_folds, "seconds": round(self.seconds, 1)}
