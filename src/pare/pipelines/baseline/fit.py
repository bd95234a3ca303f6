"""A baseline's fit as something that is lazily saved: its predictions of the test rows."""

import logging
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pare.baselines import fit_baseline
from pare.baselines.problem import problem_of
from pare.config import BaselineRun
from pare.config.run import changed_text
from pare.evaluation.prediction import average_groups, predict_rows
from pare.storage.fingerprint import fingerprint
from pare.storage.predictions import read_record, write_predictions
from pare.storage.store import ArrayStore
from pare.training.trainer import peak_memory_mb

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BaselineFit:
    """A baseline that is described and not fitted yet; lazily saved, see `pare.storage.lazy.Lazy`.

    Attributes:
        run: what to fit.
        store: the model input.
    """

    run: BaselineRun
    store: ArrayStore

    def is_current(self, path: Path) -> bool:
        """Whether the predictions at ``path`` are those of this baseline."""
        return (read_record(path) or {}).get("fingerprint") == self._fingerprint

    def write(self, path: Path) -> None:
        """Fit on the training rows, and write the predictions of the test rows, which are touched this once."""
        self._tell_of_replaced(path)
        arrays, record = self._fitted()
        made_of = {"fingerprint": self._fingerprint, "decisive": self.run.decisive()}
        write_predictions(path, arrays, record | made_of)

    @property
    def _fingerprint(self) -> str:
        return fingerprint(self.run.decisive(), self.store.fingerprint)

    def _tell_of_replaced(self, path: Path) -> None:
        """Warn where finished predictions of the same folder are those of other values, before they are replaced."""
        if path.is_file():
            before = (read_record(path) or {}).get("decisive")
            logger.warning(
                "%s was predicted with another %s, and is replaced once this fit is done; to keep both, name this "
                "run: variant=NAME",
                *(path, changed_text(before, self.run.decisive()) or "model input"),
            )

    def _fitted(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Predictions and truths of the test rows, and how the fitting went."""
        problem = problem_of(self.run, self.store)
        started = time.perf_counter()
        fitted = fit_baseline(self.run, problem)
        seconds = time.perf_counter() - started
        record = {
            "validation": fitted.validate(problem),
            "best_epoch": fitted.best_epoch,
            "passes": fitted.passes,
            "n_train": len(problem.chosen),
            "train_seconds": round(seconds, 2),
            "samples_per_second": round(len(problem.chosen) * fitted.passes / seconds, 2),
            "peak_memory_mb": round(peak_memory_mb()),
            "device": fitted.device,
            "precision": fitted.precision,
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("pare", "kedro")},
                **fitted.versions,
            },
        }
        outcome = predict_rows(fitted.predict, self.store.rows("test"))
        return average_groups(outcome) if self.run.task.average_groups else outcome, record
