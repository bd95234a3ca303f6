"""A fitted baseline as a folder that needs no other, and its fit as something that is lazily saved."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn

from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.data.preparation import Preparation
from pare.evaluation.calibration import Calibration
from pare.learners.libraries.by_name import fit_baseline, load_baseline
from pare.learners.libraries.problem import FittedModel, problem_of
from pare.learners.model_card import CARD, model_card
from pare.learners.networks.training.machine import peak_memory_mb, versions
from pare.learners.saved_model import RECORD, SavedModel, recorded_fingerprint, tell_of_replaced
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import file_digest, fingerprint
from pare.storage.store import ArrayStore

FILES = "files"  # in the record: digests of the files by name


@dataclass
class TrainedBaseline(SavedModel):
    """A fitted baseline, the run that made it, and the record of its fitting.

    Attributes:
        run: the run that made it.
        model: what predicts.
        record: how the fitting went, fingerprints, and what decided the model (`BaselineRun.decisive`).
        preparation: how raw rows become inputs of the model.
        calibration: how sure its predictions are; None without validation rows, and for masks.
    """

    run: BaselineRun
    model: FittedModel
    record: dict[str, Any]
    preparation: Preparation
    calibration: Calibration | None = None

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """What the model makes of prepared inputs, as `SavedModel.outputs`; the libraries of tables take the CPU."""
        if isinstance(self.model, nn.Module):
            self.model.to(device)
        return self.model.predict(inputs)

    def save(self, folder: Path) -> None:
        """Write the model into a new folder, as `SavedModel.save`."""
        folder.mkdir(parents=True)
        try:
            self.model.write(folder)
            self.preparation.save(folder)
            if self.calibration:
                self.calibration.save(folder)
        except OSError as error:
            raise PareError(f"cannot write to {folder} ({error}); free space there") from error
        digests = {path.name: file_digest(path) for path in sorted(folder.iterdir())}
        content = {"run": self.run.model_dump(mode="json"), **self.record, FILES: digests}
        (folder / RECORD).write_text(json.dumps(content, indent=2))
        (folder / CARD).write_text(model_card(self.run, self.record), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrainedBaseline":
        """Read what `save` wrote, as `SavedModel.load`."""
        try:
            record = json.loads((folder / RECORD).read_text())
            run = BaselineRun.model_validate(record.pop("run"))
            _check_files(folder, record.pop(FILES))
            preparation, calibration = Preparation.load(folder), Calibration.load(folder, run.task.output.kind)
            model = load_baseline(run, folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, PareError) as error:
            raise PareError(f"{folder} holds no whole trained model ({error}); delete it and train again") from error
        return cls(run, model, record, preparation, calibration)


def _check_files(folder: Path, digests: dict[str, str]) -> None:
    """Refuse files that changed since they were written: not every library survives to read them."""
    for name, digest in digests.items():
        if file_digest(folder / name) != digest:
            raise PareError(f"{name} is damaged or of another model")


@dataclass(frozen=True)
class BaselineFit:
    """A baseline that is described and not fitted yet; lazily saved, see `pare.storage.fingerprint.Lazy`.

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
