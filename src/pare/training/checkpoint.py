"""The state of an unfinished run, saved at the end of each epoch; a killed run goes on from there.

Randomness needs no state: everything random in an epoch is drawn from the seed and the epoch's number.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

from accelerate import Accelerator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import OutOfMemoryError, nn

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path, recover

PROGRESS, BEST = "progress.json", "best.safetensors"


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        fingerprint: of the run.
        epochs: of the whole training.
        members: trainings whose predictions are averaged, of which this is one.
        epochs_done: finished epochs.
        start: of a solved start, what was chosen, as the penalties of its heads, and the validation metric and losses
            where there are validation rows.
        best_epoch: epoch with the best validation metric so far, from 0; -1 is the solved start.
        best_value: that metric.
        history: one dict an epoch.
        replaced: share of batches in which each target slot was replaced, per epoch.
        gate_scores: how many target and source tokens the gate gave which score, per epoch; see `EpochMixing`.
        alignment: how the first stage of the method went, where it has one.
        seconds: time spent so far.
        peak_memory_mb: the most memory so far.
    """

    fingerprint: str
    epochs: int = 0
    members: int = 1
    epochs_done: int = 0
    start: dict[str, Any] | None = None
    best_epoch: int | None = None
    best_value: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    replaced: list[list[float]] = field(default_factory=list)
    gate_scores: list[list[list[int]]] = field(default_factory=list)
    alignment: dict[str, Any] | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0


class Checkpoint:
    """A folder that holds the last finished epoch, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        accelerator: Accelerator,
        model: nn.Module,
        progress: Progress,
        applied: AbstractContextManager[None] | None = None,
    ) -> None:
        """Save the state; the best weights so far are carried along.

        Args:
            accelerator: holds the state.
            model: its weights are the best ones where the last epoch is the best.
            progress: how far the run has come.
            applied: in it the model has the weights that are validated, where those of the training are others.

        Raises:
            PareError: where the folder cannot be written.
        """
        try:
            with atomic_path(self.folder) as unfinished:
                self._write(unfinished, accelerator, model, progress, applied or nullcontext())
        except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own for a full disk
            raise PareError(
                f"cannot save the checkpoint {self.folder} ({error}); free space there, then the same command goes on"
            ) from error

    def _write(
        self,
        folder: Path,
        accelerator: Accelerator,
        model: nn.Module,
        progress: Progress,
        applied: AbstractContextManager[None],
    ) -> None:
        accelerator.save_state(str(folder))
        if progress.best_epoch == progress.epochs_done - 1:
            with applied:
                save_file({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}, folder / BEST)
        else:
            shutil.copyfile(self.folder / BEST, folder / BEST)
        (folder / PROGRESS).write_text(json.dumps(asdict(progress)))

    def progress(self, fingerprint: str) -> Progress:
        """How far the run with that fingerprint has come; another run's checkpoint is removed.

        Raises:
            PareError: where the checkpoint is damaged.
        """
        recover(self.folder)
        path = self.folder / PROGRESS
        if path.is_file():
            with self._readable():
                saved = Progress(**json.loads(path.read_text()))
            if saved.fingerprint == fingerprint:
                return saved
            self.remove()
        return Progress(fingerprint)

    def restore(self, accelerator: Accelerator) -> None:
        """Bring weights, optimiser and schedule back to the end of the last finished epoch.

        Raises:
            PareError: where the checkpoint is damaged.
        """
        with self._readable():
            accelerator.load_state(str(self.folder))

    def best_weights(self) -> dict[str, Any]:
        """State of the model at its best epoch.

        Raises:
            PareError: where the checkpoint is damaged.
        """
        with self._readable():
            return load_file(self.folder / BEST)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn what JSON, safetensors and torch raise for a damaged file, each its own, into one message."""
        try:
            yield
        except (MemoryError, OutOfMemoryError):
            raise
        except Exception as error:
            raise PareError(
                f"the checkpoint {self.folder} is damaged ({type(error).__name__}: {shorten(str(error), 100)}); delete "
                "that folder, and the same command trains from the first epoch on"
            ) from error

    def of_member(self, number: int) -> Path:
        """The folder of a member's training; that of the first one, 0, is this."""
        return self.folder.with_name(f"{self.folder.name}_{number}") if number else self.folder

    def remove(self) -> None:
        """Delete the checkpoint, those of other members, and what killed runs left of it."""
        recover(self.folder)
        for folder in (self.folder, *self.folder.parent.glob(f"{self.folder.name}_*")):
            shutil.rmtree(folder, ignore_errors=True)
