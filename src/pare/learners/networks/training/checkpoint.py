"""The state of an unfinished training, saved at the end of an epoch or within it; a killed run goes on from there.

Where epochs are short, not of each: with few rows saving took a quarter of the time. Where they are long, also within
them. The save before the last one is kept for the case that the last is damaged.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
from pare.storage.checksums import Damaged, check_checksums, write_checksums

SOLVED = -1  # number of the solved start among the epochs
PROGRESS, BEST = "progress.json", "best.safetensors"
PAUSE = 10.0  # seconds between two saves at ends of epochs, at least
SHARE = 0.01  # share of the time of a training that its saves take, at most
logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        fingerprint: fingerprint of the run.
        epochs: epochs of the whole training.
        members: trainings in the ensemble, of which this is one.
        begun: seconds before the first step.
        left_out: steps that were left out, as they were late.
        epochs_done: finished epochs.
        epoch: `Epoch.state` of an epoch that is not finished; None at the border of two.
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
    epoch: dict[str, Any] | None = None
    start: dict[str, Any] | None = None
    best_epoch: int | None = None
    best_value: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    replaced: list[list[float]] = field(default_factory=list)
    gate_scores: list[list[list[int]]] = field(default_factory=list)
    alignment: dict[str, Any] | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0

    @property
    def next_epoch(self) -> int:
        """The epoch with the first step that is left, from 0."""
        return int(self.epoch["number"]) if self.epoch else self.epochs_done


class Checkpoint:
    """The last two saves of a training, each a folder that is there whole or not at all, named by its number.

    Attributes:
        best: weights of the best epoch so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.best: dict[str, Tensor] = {}
        self._last: int | None = None  # number of the last save that is whole
        self._saved, self._seconds = time.monotonic(), 0.0  # when, by the clock of this process, and how long it took
        self._any = False  # whether this process has saved

    def note_best(self, model: nn.Module, applied: AbstractContextManager[None]) -> None:
        """Take a copy of the weights of the best epoch so far, for the next save.

        Args:
            model: has them.
            applied: context in which the model has the weights that are validated.
        """
        with applied:
            self.best = _as_they_are_now(model)

    def is_due(self, most: float, *, within: bool = False) -> bool:
        """Whether it is time to save.

        The first save of a process is always due, at the end of an epoch; others where the last one is not a moment
        ago, within an epoch where it is long ago.

        Args:
            most: seconds of work that may be lost.
            within: whether it is within an epoch.
        """
        since = time.monotonic() - self._saved
        if within:
            return since >= most
        return not self._any or since >= min(max(PAUSE, self._seconds / SHARE), most)

    def save(self, accelerator: Accelerator, progress: Progress) -> None:
        """Save the state of a training.

        Args:
            accelerator: holds the state.
            progress: how far the training has come.

        Raises:
            PareError: where the folder cannot be written.
        """
        started, numbers = time.monotonic(), self._numbers()
        new = max(numbers, default=0) + 1
        try:
            with atomic_path(self.folder / str(new)) as unfinished:
                self._write(unfinished, accelerator, progress)
        except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own for a full disk
            raise PareError(
                f"cannot save the checkpoint {self.folder} ({error}); free space there, then the same command goes on"
            ) from error
        for number in numbers:
            if number != self._last:
                shutil.rmtree(self.folder / str(number))
        self._last, self._any, self._saved = new, True, time.monotonic()
        self._seconds = self._saved - started

    def _write(self, folder: Path, accelerator: Accelerator, progress: Progress) -> None:
        accelerator.save_state(str(folder))
        if self.best:
            with usual_rights(folder / BEST):
                save_file({name: value.cpu().contiguous() for name, value in self.best.items()}, folder / BEST)
        (folder / PROGRESS).write_text(json.dumps(asdict(progress)))
        write_checksums(folder)

    def progress(self, fingerprint: str) -> Progress:
        """How far the training with that fingerprint has come; another training's checkpoint is removed.

        Raises:
            PareError: where no save is whole, or another version of this project made it.
        """
        saved = self._last_whole()
        if saved and saved.fingerprint == fingerprint:
            return saved
        shutil.rmtree(self.folder, ignore_errors=True)
        return Progress(fingerprint)

    def _last_whole(self) -> Progress | None:
        """The progress of the last save that is whole; None where nothing was saved."""
        damaged: list[PareError] = []
        for number in self._numbers():
            recover(self.folder / str(number))
            try:
                check_checksums(self.folder / str(number))
            except Damaged as error:
                damaged.append(error)
                continue
            if damaged:
                logger.warning("The last checkpoint is damaged: %s; going on from the one before it.", damaged[0])
            self._last = number
            with self._readable():
                return Progress(**json.loads((self.folder / str(number) / PROGRESS).read_text()))
        if damaged:
            raise PareError(f"the checkpoint is damaged: {damaged[0]}; {self._remedy}") from damaged[0]
        with self._readable():
            if (self.folder / PROGRESS).exists():
                raise ValueError("made before 0.1.0")
        return None

    def restore(self, accelerator: Accelerator) -> None:
        """Bring weights, optimiser and generators back to where they were saved, and the best weights.

        Raises:
            PareError: where another version of this project, or of a library, saved them.
        """
        folder = self.folder / str(self._last)
        with self._readable():
            accelerator.load_state(str(folder))
            if (folder / BEST).exists():
                self.best = {name: value.clone() for name, value in load_file(folder / BEST).items()}  # not of a map

    def _numbers(self) -> list[int]:
        """Numbers of the saves, the last one first."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted((int(path.name) for path in folders if path.name.isdecimal()), reverse=True)

    @property
    def _remedy(self) -> str:
        return f"delete {self.folder}, and the same command trains from the first epoch on"

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn what JSON, safetensors and torch raise, each its own, for what they did not write into one message."""
        try:
            yield
        except (MemoryError, OutOfMemoryError):
            raise
        except Exception as error:
            raise PareError(
                f"the checkpoint is of another version of this project or its libraries ({type(error).__name__}: "
                f"{shorten(str(error), 100)}); go on with that version, or {self._remedy}"
            ) from error


def _as_they_are_now(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model, which its training will not change: copied, but for weights that are frozen."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    state = {name: value.detach() for name, value in model.state_dict().items()}
    return {name: value if name in frozen else value.to("cpu", copy=True) for name, value in state.items()}
