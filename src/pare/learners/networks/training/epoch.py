"""An epoch of a training: its steps, what is random in them, and their losses; also from its middle on."""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from accelerate import skip_first_batches
from accelerate.utils import set_seed
from torch import Tensor

from pare.learners.distributed import from_main
from pare.learners.networks.training.objective import Terms
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
        noise: decides everything random in a step, but for dropout.
        steps: steps that were made or left out.
        losses: losses of the steps by their names.
    """

    def __init__(self, setup: Setup, number: int, state: dict[str, Any] | None) -> None:
        mixing, self._started = setup.parts.mixing, time.perf_counter()
        self.setup, self.number, self.steps, self._earlier = setup, number, 0, 0.0
        self.mixed = mixing.epoch(number, len(setup.loader), setup.rng(number, 2)) if mixing else None
        self.noise = torch.Generator().manual_seed(int(setup.rng(number, 1).integers(2**31)))
        self.losses: defaultdict[str, list[float]] = defaultdict(list)
        self._generators: list[str] = []
        if state:
            self.steps, self._earlier, self._generators = state["steps"], state["seconds"], state["generators"]
            self.losses.update(state["losses"])
            self.noise.set_state(_tensor(state["noise"]))
            if self.mixed:
                self.mixed.go_on(state["mixed"])

    def batches(self) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """Number and rows of each step that is left; the order of all rows is drawn anew."""
        setup, first = self.setup, self.steps
        set_seed(int(setup.rng(self.number, 0).integers(2**31)))
        setup.loader.set_epoch(self.number)
        loader = skip_first_batches(setup.loader, first) if first else setup.loader
        for number, batch in enumerate(loader, first):
            if first and number == first:  # drawing the order has changed the generators
                _set_generators(self._generators)
            self.steps = number + 1
            yield number, batch

    def note(self, terms: Terms) -> None:
        """Note losses and mixture of a step."""
        for name, loss in terms.losses.items():
            self.losses[name].append(loss.item())
        if self.mixed:
            self.mixed.note(terms.mixture)

    def row(self, learning_rate: float) -> dict[str, Any]:
        """The epoch in the history: its number from 1, the mean of each loss over the steps, its mixing."""
        means = {name: sum(values) / len(values) for name, values in self.losses.items()}
        mixing = self.mixed.row if self.mixed else {}
        return {"epoch": self.number + 1, **means, "learning_rate": learning_rate, **mixing}

    @property
    def seconds(self) -> float:
        """Seconds that it took so far, the same for all processes."""
        return self._earlier + from_main(time.perf_counter() - self._started)

    def state(self) -> dict[str, Any]:
        """All that the steps which are left need, besides the training's own state; as JSON has it."""
        return {
            "number": self.number,
            "steps": self.steps,
            "seconds": self.seconds,
            "losses": dict(self.losses),
            "noise": _text(self.noise.get_state()),
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
