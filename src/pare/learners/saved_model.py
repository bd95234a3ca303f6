"""What saved models have in common: a folder that needs no other, with a record of how the model was made."""

import json
import logging
from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from pare.config.errors import PareError
from pare.config.run import PREPARATION, TaskRun, changed_text
from pare.data.preparation import Preparation
from pare.evaluation.calibration import Calibration
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
RECORD = "record.json"


class SavedModel(ABC):
    """A model that predicts raw rows, with the record of its making, in a folder that needs no other.

    Attributes:
        run: the run that made it.
        record: fingerprints of the training and of the model input, what decided the model (`decisive` of its run),
            best epoch, seconds, memory, versions.
        preparation: how raw rows become inputs of the model.
        calibration: uncertainty of its predictions; None if that is unknown.
    """

    run: TaskRun
    record: dict[str, Any]
    preparation: Preparation
    calibration: Calibration | None = None

    @abstractmethod
    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """Logits, numbers or fields in physical units, ``(rows, …)`` float32.

        Args:
            inputs: prepared, ``(rows, …)`` float32.
            device: where networks compute.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the model into a new folder.

        Raises:
            PareError: where it cannot be written.
        """

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> "SavedModel":
        """Read what `save` wrote; needs neither the source, its package nor the model input.

        Raises:
            PareError: where the folder holds no whole model, or one of an older version of this project.
        """

    def check(self, run: TaskRun, store: ArrayStore, as_it_is: str) -> None:
        """Refuse a model that is not the run's, see `check_values`, or that was trained on another model input.

        Args:
            run: the run that the model is used for.
            store: its model input.
            as_it_is: the command that uses the model with the values that it was trained with.

        Raises:
            PareError: with the difference and the command that helps.
        """
        self.check_values(run, as_it_is)
        if self.record["model_input"] != store.fingerprint:
            raise PareError(
                f"the model of {run.folder} was trained on another model input than {store.path}, which was prepared "
                f"again since; train it again: {run.command(run.PIPELINE)}"
            )

    def check_values(self, run: TaskRun, as_it_is: str) -> None:
        """Refuse a model that was trained with other values than the run's; arguments and errors as for `check`."""
        if changed := changed_text(self.record.get("decisive"), run.decisive()):
            use = f", or use it as it is: {as_it_is}" if self.run.params != run.params else ""
            raise PareError(
                f"the model of {run.folder} was trained with another {changed}; "
                f"train it again: {run.command(run.PIPELINE)}{use}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the files of its folder: a model's modules and libraries hold functions that cannot be."""
        with TemporaryDirectory() as name:
            folder = Path(name) / "model"
            self.save(folder)
            paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
            return _unpickled, (type(self), files)


def _unpickled(kind: type[SavedModel], files: dict[str, bytes]) -> SavedModel:
    with TemporaryDirectory() as name:
        for path, content in files.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_bytes(content)
        return kind.load(Path(name))


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the trained model in a folder; None without a readable one."""
    record = read_record(folder)
    return None if record is None else str(record["fingerprint"])


def tell_of_replaced(folder: Path, run: TaskRun) -> None:
    """Warn where a finished model of the same folder was trained with other values, before it is replaced."""
    record = read_record(folder)
    if record and (changed := changed_text(record.get("decisive"), run.decisive())):
        logger.warning(
            "%s holds a model with another %s, which is replaced once this training is done; to keep both, name this "
            "run: variant=NAME",
            *(folder, changed),
        )


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record in a model's folder; None without one, or with one of an older version of this project."""
    try:
        record = dict(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError):
        return None
    return record if "fingerprint" in record and (folder / PREPARATION).is_file() else None
