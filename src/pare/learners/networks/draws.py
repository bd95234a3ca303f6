"""Random numbers for the rows of a step, the same however many processes share its batch."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

Draw = Callable[..., Tensor]  # makes numbers of a shape by a generator on a device, as torch.rand does


class Generators:
    """Generators of random numbers: one on the device that trains, and one for numbers that the program itself reads.

    On a CPU they are one and the same.

    Args:
        device: the device.
        seed: seed of both.
    """

    def __init__(self, device: torch.device, seed: int) -> None:
        self.host = torch.Generator().manual_seed(seed)
        self.device = self.host if device.type == "cpu" else torch.Generator(device).manual_seed(seed)

    def states(self) -> list[Tensor]:
        """Their states, of which `set_states` goes on."""
        return [self.host.get_state(), self.device.get_state()]

    def set_states(self, states: list[Tensor]) -> None:
        """Go on where `states` was taken."""
        self.host.set_state(states[0])
        self.device.set_state(states[1])


class Draws:
    """Random numbers of a step, drawn for the batch of all processes, of which each takes those of its own rows.

    Args:
        generators: draw them.
        rows: rows of the whole batch.
        own: rows of this process, where several share the batch; where they have more than there are, the first ones
            are repeated. None: one process has them all.
        process: number of this process, from 0.
    """

    def __init__(self, generators: Generators, rows: int, own: int | None = None, process: int = 0) -> None:
        self.generators, self.rows, self.own, self.process = generators, rows, own, process

    def __call__(self, draw: Draw, *shape: int, axis: int = 0) -> Tensor:
        """Numbers on the device, ``(…, own rows, …)``.

        Args:
            draw: makes numbers of a shape.
            shape: the other axes.
            axis: the axis of the rows.
        """
        numbers = self._drawn(draw, self.generators.device, shape, axis)
        return numbers if self.own is None else numbers.index_select(axis, self._numbers)

    def on_host(self, draw: Draw, *shape: int) -> Tensor:
        """Numbers on the CPU, which are read without waiting for the device, ``(own rows, …)``."""
        numbers = self._drawn(draw, self.generators.host, shape, 0)
        return numbers if self.own is None else numbers[self._numbers.cpu()]

    def _drawn(self, draw: Draw, generator: torch.Generator, shape: tuple[int, ...], axis: int) -> Tensor:
        size: Any = (*shape[:axis], self.rows, *shape[axis:])
        return draw(size, generator=generator, device=generator.device)

    @cached_property
    def _numbers(self) -> Tensor:
        """Numbers of this process's rows in the whole batch, ``(own rows,)``."""
        assert self.own is not None
        own = torch.arange(self.own, device=self.generators.device.device)
        return (own + self.process * self.own) % self.rows
