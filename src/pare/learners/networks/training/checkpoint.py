"""The state of an unfinished training, saved at the end of an epoch or within it; a killed run goes on from there.

How often is decided by what a save costs, the first one too: by the size of what is learnt. So a short training saves
nothing, unless a signal ends it. Where epochs are long, it saves also within them. The save before the last one is kept
for the case that the last is damaged.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import recursively_apply
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import OutOfMemoryError, Tensor, nn

from pare.config.errors import PareError
from pare.learners.networks.training.background import in_background
from pare.storage.access import usual_rights
from pare.storage.atomic import atomic_path, recover
from pare.storage.checksums import Damaged, check_checksums, write_checksums

if TYPE_CHECKING:
    from torch.distributed.checkpoint.stateful import Stateful

SOLVED = -1  # number of the solved start among the epochs
PROGRESS, LEARNING = "progress.json", "learning.pt"
MODEL, BEST = "model.safetensors", "best.safetensors"  # best only where it is not the same
PAUSE = 10.0  # seconds between two saves at ends of epochs, at least
SHARE = 0.01  # share of the time of a training that its saves take, at most, unless more work may not be lost
COPIES = 4  # copies of what is learnt in the first save: weights, the best ones, two means of gradients
RATE = 0.5e9  # bytes a second of a save
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

    A save copies the state to the memory of the CPU; a thread writes the copy while the training goes on. As a context
    it ends when that is done.

    Weights that are frozen are not saved: they come with the encoder's files, whose digest is in the fingerprint.

    Args:
        folder: folder of the saves.
        network: the network that is trained.
        learning: what learns it, by name, such as the optimiser.

    Attributes:
        best: weights of the best epoch so far.
    """

    def __init__(self, folder: Path, network: nn.Module, learning: Mapping[str, "Stateful"]) -> None:
        self.folder, self.network, self.learning = folder, network, learning
        self.best: dict[str, Tensor] = {}
        self._last: int | None = None  # number of the last save that is whole
        self._writing: Future[float] | None = None
        learnt = sum(one.nbytes for one in network.parameters() if one.requires_grad)
        self._saved, self._copying = _clocks(), 0.0  # the last save's; see `cost`
        self._written = COPIES * learnt / RATE  # the first one's, before it is known

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self._wait()
        except PareError as failed:
            if error is None:
                raise
            logger.error("%s", failed)  # what ended the training is said as well

    @property
    def cost(self) -> float:
        """Seconds that a save takes from the training, by the last one: its copy, and what its writer computed."""
        return self._copying + self._written

    def note_best(self, applied: AbstractContextManager[None]) -> None:
        """Take a copy of the weights of the best epoch so far, for the next save.

        Args:
            applied: context in which the network has the weights that are validated.
        """
        with applied:
            frozen = _frozen(self.network)
            state = _state(self.network)
            self.best = {name: value if name in frozen else _copied(value) for name, value in state.items()}

    def is_due(self, most: float, *, within: bool = False) -> bool:
        """Whether it is time to save, by the time since the last save, or since the process began.

        It is where as much work as may be lost was done in it. At the end of an epoch it is also where a save costs no
        more than its share of that time, and of what this process computed in it: other programs may take the cores.

        Args:
            most: seconds of work that may be lost.
            within: whether it is within an epoch.

        Raises:
            PareError: where the last save could not be written.
        """
        if self._writing and self._writing.done():
            self._wait()
        since, computed = (now - then for now, then in zip(_clocks(), self._saved, strict=True))
        return since >= most or (not within and min(since, computed) >= max(PAUSE, self.cost / SHARE))

    def save(self, progress: Progress) -> None:
        """Save the state of a training; the loop waits for its copy, and for the writer of the save before it.

        Args:
            progress: how far the training has come.

        Raises:
            PareError: where the folder cannot be written, or the last save could not be.
        """
        started = time.monotonic()
        self._wait()
        frozen = _frozen(self.network)
        state = {name: value for name, value in _state(self.network).items() if name not in frozen}
        best = {name: value for name, value in self.best.items() if name not in frozen}
        if best and all(torch.equal(best[name], value.cpu()) for name, value in state.items()):
            weights = {MODEL: best}  # no copy is needed: nothing changes the best weights
        else:
            weights = {MODEL: {name: _copied(value) for name, value in state.items()}, **({BEST: best} if best else {})}
        learning = {name: recursively_apply(_copied, part.state_dict()) for name, part in self.learning.items()}
        text = json.dumps(asdict(progress))
        self._writing = in_background(partial(self._write, weights, learning, text))
        self._saved = _clocks()
        self._copying = self._saved[0] - started

    def _wait(self) -> None:
        """Wait for the writer; PareError where it failed."""
        if self._writing:
            writing, self._writing = self._writing, None
            self._written = writing.result()

    def _write(self, weights: Mapping[str, dict[str, Tensor]], learning: Mapping[str, Any], progress: str) -> float:
        """Write a save, and return the seconds of the CPU that this took."""
        started, numbers = time.thread_time(), self._numbers()
        new = max(numbers, default=0) + 1
        try:
            with atomic_path(self.folder / str(new)) as unfinished:
                unfinished.mkdir()
                for name, tensors in weights.items():
                    with usual_rights(unfinished / name):
                        save_file({key: value.contiguous() for key, value in tensors.items()}, unfinished / name)
                torch.save(learning, unfinished / LEARNING)
                (unfinished / PROGRESS).write_text(progress)
                write_checksums(unfinished)
        except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own for a full disk
            raise PareError(
                f"cannot save the checkpoint {self.folder} ({error}); free space there, then the same command goes on"
            ) from error
        for number in numbers:
            if number != self._last:
                shutil.rmtree(self.folder / str(number))
        self._last = new
        return time.thread_time() - started

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

    def restore(self) -> None:
        """Bring weights and what learns them back to where they were saved, and the best weights.

        Raises:
            PareError: where another version of this project, or of a library, saved them.
        """
        folder = self.folder / str(self._last)
        best = folder / (BEST if (folder / BEST).exists() else MODEL)  # else they are those of the network
        with self._readable():
            frozen = {name: value for name, value in _state(self.network).items() if name in _frozen(self.network)}
            self.network.load_state_dict(frozen | load_file(folder / MODEL))
            learning = torch.load(folder / LEARNING, map_location="cpu", weights_only=True)
            for name, part in self.learning.items():
                part.load_state_dict(learning[name])
            self.best = frozen | {name: value.clone() for name, value in load_file(best).items()}  # not of a map

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


def _clocks() -> tuple[float, float]:
    """Seconds by the clock, and those of all cores in this process."""
    return time.monotonic(), time.process_time()


def _frozen(network: nn.Module) -> set[str]:
    return {name for name, parameter in network.named_parameters() if not parameter.requires_grad}


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in network.state_dict().items()}


def _copied(value: Tensor) -> Tensor:
    """A copy on the CPU, which the training will not change."""
    return value.detach().to("cpu", copy=True)
