"""An epoch of a training: its steps, what is random in them, and their losses; also from its middle on."""

import time
from collections.abc import Iterator
from math import isfinite
from typing import Any

import torch
from accelerate.utils import set_seed
from torch import Tensor

from pare.learners.distributed import from_main
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.training.losses import not_finite
from pare.learners.networks.training.objective import Terms
from pare.learners.networks.training.on_device import Glimpse, OnDevice
from pare.learners.networks.training.setup import Setup


class Epoch:
    """An epoch, from its first step or from the one that follows a checkpoint.

    Everything random in it is drawn from the seed and its number. Within it, generators have a state.

    Args:
        setup: the training.
        number: number of the epoch, from 0.
        state: what `state` returned within this epoch; None: it begins.

    Attributes:
        mixed: what is mixed in; None: nothing.
        steps: steps that were made or left out.
        losses: losses of the steps by their names.
        loss: the loss of one of the last steps.
    """

    def __init__(self, setup: Setup, number: int, state: dict[str, Any] | None) -> None:
        mixing, self._started = setup.parts.mixing, time.perf_counter()
        self.setup, self.number, self.steps, self._earlier = setup, number, 0, 0.0
        self.mixed = mixing.epoch(number, len(setup.batches), setup.rng(number, 2)) if mixing else None
        self._noise = Generators(setup.accelerator.device, int(setup.rng(number, 1).integers(2**31)))
        self.losses: dict[str, OnDevice] = {}
        self.loss, self._made = Glimpse(), list[int]()
        self._generators: list[str] = []
        if state:
            self.steps, self._earlier, self._generators = state["steps"], state["seconds"], state["generators"]
            self.losses = {name: OnDevice(len(setup.batches), known) for name, known in state["losses"].items()}
            self._noise.set_states([_tensor(text) for text in state["noise"]])
            if self.mixed:
                self.mixed.go_on(state["mixed"])

    def batches(self) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """Number and rows of each step that is left; the order of all rows is drawn anew."""
        first = self.steps
        for number, batch in enumerate(self._rows(first), first):
            # Drawing the order has changed the generators. Other processes' dropout begins again as in the epoch.
            if first and number == first and not self.setup.share.process:
                _set_generators(self._generators)
            self.steps = number + 1
            yield number, batch

    def _rows(self, first: int) -> Iterator[dict[str, Tensor]]:
        """The batches from that number on."""
        set_seed(int(self.setup.rng(self.number, 0).integers(2**31)))
        return self.setup.batches.of_epoch(self.number, first)

    def draws(self, number: int) -> Draws:
        """Random numbers of the step of that number: all that is random in it, but for dropout."""
        size = self.setup.training.batch_size
        return Draws(self._noise, min(size, len(self.setup.training_rows) - number * size))

    def note(self, terms: Terms) -> None:
        """Note losses and mixture of a step.

        Raises:
            PareError: where one of the last losses was not finite.
        """
        self._made.append(self.steps - 1)
        for name, loss in terms.losses.items():
            self.losses.setdefault(name, OnDevice(len(self.setup.batches))).append(loss)
        if self.mixed:
            self.mixed.note(terms.mixture)
        self.loss.offer(terms.total)
        if not isfinite(self.loss.value or 0.0):
            self._read()

    def _read(self) -> dict[str, list[float]]:
        """The losses of the steps so far; what reads them never goes on from one that is not finite."""
        losses = {name: noted.read() for name, noted in self.losses.items()}
        of_steps = losses["loss"][-len(self._made) :] if self._made else []
        for number, loss in zip(self._made, of_steps, strict=True):
            if not isfinite(loss):
                batch, rate = next(self._rows(number)), self.setup.go_to(self.number, number)
                raise not_finite(loss, f"epoch {self.number + 1}, step {number + 1}", rate, batch["x"], batch["y"])
        return losses

    def row(self, learning_rate: float) -> dict[str, Any]:
        """The epoch in the history: its number from 1, the mean of each loss over the steps, its mixing.

        Raises:
            PareError: where a loss was not finite.
        """
        means = {name: sum(values) / len(values) for name, values in self._read().items()}
        mixing = self.mixed.row if self.mixed else {}
        return {"epoch": self.number + 1, **means, "learning_rate": learning_rate, **mixing}

    @property
    def seconds(self) -> float:
        """Seconds that it took so far, the same for all processes."""
        return self._earlier + from_main(time.perf_counter() - self._started)

    def state(self) -> dict[str, Any]:
        """All that the steps which are left need, besides the training's own state; as JSON has it.

        Raises:
            PareError: where a loss was not finite.
        """
        return {
            "number": self.number,
            "batch_size": self.setup.training.batch_size,
            "steps": self.steps,
            "seconds": self.seconds,
            "losses": self._read(),
            "noise": [_text(state) for state in self._noise.states()],
            "generators": [_text(state) for state in (torch.get_rng_state(), *torch.cuda.get_rng_state_all())],
            "mixed": self.mixed.state() if self.mixed else None,
        }


def _set_generators(states: list[str]) -> None:
    """Set the generators that decide dropout: the CPU's, and those of CUDA where there are as many as before."""
    cpu, *cuda = map(_tensor, states)
    torch.set_rng_state(cpu)
    if len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)


def _text(state: Tensor) -> str:
    return state.numpy().tobytes().hex()


def _tensor(text: str) -> Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
