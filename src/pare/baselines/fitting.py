"""A baseline's fit as something that is lazily saved: the fitted baseline."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pare.baselines.problem import problem_of
from pare.baselines.registry import fit_baseline
from pare.baselines.trained import TrainedBaseline
from pare.config import BaselineRun
from pare.preparation import Preparation
from pare.saved.saved_model import recorded_fingerprint, tell_of_replaced
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint
from pare.storage.store import ArrayStore
from pare.training.machine import peak_memory_mb, versions


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
        """Whether the model at ``path`` is that of this fit."""
        return recorded_fingerprint(path) == self._fingerprint

    def write(self, path: Path) -> None:
        """Fit on the training rows, and write the folder of the model whole or not at all."""
        tell_of_replaced(path, self.run)
        trained = self._trained()
        with atomic_path(path) as unfinished:
            trained.save(unfinished)

    @property
    def _fingerprint(self) -> str:
        return fingerprint(self.run.decisive(), self.store.fingerprint)

    def _trained(self) -> TrainedBaseline:
        problem = problem_of(self.run, self.store)
        started = time.perf_counter()
        fitted = fit_baseline(self.run, problem)
        seconds = time.perf_counter() - started
        record: dict[str, Any] = {
            "fingerprint": self._fingerprint,
            "model_input": self.store.fingerprint,
            "decisive": self.run.decisive(),
            "categories": list(problem.categories),
            "validation": fitted.validate(problem),
            "best_epoch": fitted.best_epoch,
            "passes": fitted.passes,
            **({"members": [{"best_epoch": epoch} for epoch in fitted.members]} if fitted.members else {}),
            "n_train": len(problem.chosen),
            "train_seconds": round(seconds, 2),
            "samples_per_second": round(len(problem.chosen) * fitted.passes / seconds, 2),
            "peak_memory_mb": round(peak_memory_mb()),
            "device": fitted.device,
            "precision": fitted.precision,
            "threads": fitted.threads,
            "versions": versions() | fitted.versions,
        }
        preparation = Preparation.of(self.store, coordinates=self.run.task.normalisation.coordinates)
        return TrainedBaseline(self.run, fitted.model, record, preparation, fitted.calibrate(problem))
