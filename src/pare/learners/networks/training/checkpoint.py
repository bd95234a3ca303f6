"""The state of an unfinished run, saved at the end of an epoch; a killed run goes on from there.

Where epochs are short, not of each: with few rows saving took a quarter of the time. Randomness needs no state:
everything random in an epoch is drawn from the seed and the epoch's number.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

from accelerate import Accelerator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import OutOfMemoryError, Tensor, nn

from pare.config.errors import PareError
from pare.storage.access import usual_rights
from pare.storage.atomic import atomic_path, recover

SOLVED = -1  # number of the solved start among the epochs
PROGRESS, BEST = "progress.json", "best.safetensors"
PAUSE = 10.0  # seconds between two saves, at least


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        fingerprint: fingerprint of the run.
        epochs: epochs of the whole training.
        members: trainings in the ensemble, of which this is one.
        begun: seconds before the first step.
        left_out: steps that were left out, as they were late.
        epochs_done: finished epochs.
        start: choices of a solved start, such as the penalties of its heads, and its validation metric and losses, if
            there are validation rows.
        best_epoch: epoch with the best validation metric so far, from 0, or `SOLVED`.
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
    begun: float = 0.0
    left_out: int = 0
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
    """A folder that holds the last epoch that was saved, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._saved: float | None = None  # when, by the clock of this process
        self._best: dict[str, Tensor] = {}  # weights of the best epoch, where it is not saved yet

    def save(
        self,
        accelerator: Accelerator,
        model: nn.Module,
        progress: Progress,
        applied: AbstractContextManager[None] | None = None,
    ) -> None:
        """Save the state, unless the last save is a moment ago; the best weights so far are carried along.

        What comes before the first epoch, and the last epoch, are always saved.

        Args:
            accelerator: holds the state.
            model: its weights are the best ones where the last epoch is the best.
            progress: how far the run has come.
            applied: context in which the model has the weights that are validated; None: its own.

        Raises:
            PareError: where the folder cannot be written.
        """
        if progress.best_epoch == progress.epochs_done - 1:
            with applied or nullcontext():
                self._best = _as_they_are_now(model)
        now = time.monotonic()
        if self._saved is not None and now < self._saved + PAUSE and progress.epochs_done < progress.epochs:
            return
        try:
            with atomic_path(self.folder) as unfinished:
                self._write(unfinished, accelerator, progress)
        except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own for a full disk
            raise PareError(
                f"cannot save the checkpoint {self.folder} ({error}); free space there, then the same command goes on"
            ) from error
        self._saved, self._best = now, {}

    def _write(self, folder: Path, accelerator: Accelerator, progress: Progress) -> None:
        accelerator.save_state(str(folder))
        if self._best:
            with usual_rights(folder / BEST):
                save_file({name: value.cpu().contiguous() for name, value in self._best.items()}, folder / BEST)
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
            shutil.rmtree(self.folder, ignore_errors=True)
        return Progress(fingerprint)

    def restore(self, accelerator: Accelerator) -> None:
        """Bring weights, optimiser and schedule back to the end of the epoch that was saved.

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


def _as_they_are_now(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model, which its training will not change: copied, but for weights that are frozen."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    state = {name: value.detach() for name, value in model.state_dict().items()}
    return {name: value if name in frozen else value.to("cpu", copy=True) for name, value in state.items()}
