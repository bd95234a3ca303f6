"""Random numbers for the rows of a step, the same however many processes share its batch."""

from collections.abc import Callable

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
        """Go on where `states` was taken; the generator of another kind of device stays at its seed."""
        for generator, state in zip((self.host, self.device), states, strict=True):
            if len(state) == len(generator.get_state()):
                generator.set_state(state)


class Draws:
    """Random numbers for the rows of a batch, the same in all processes that share it.

    Args:
        generators: draw them.
        rows: rows of the batch.
    """

    def __init__(self, generators: Generators, rows: int) -> None:
        self.generators, self.rows = generators, rows

    def __call__(self, draw: Draw, *shape: int, axis: int = 0) -> Tensor:
        """Numbers on the device, ``(…, rows, …)``.

        Args:
            draw: makes numbers of a shape.
            shape: the other axes.
            axis: the axis of the rows.
        """
        return self._drawn(draw, self.generators.device, (*shape[:axis], self.rows, *shape[axis:]))

    def on_host(self, draw: Draw) -> Tensor:
        """A number for each row on the CPU, which is read without waiting for the device, ``(rows,)``."""
        return self._drawn(draw, self.generators.host, (self.rows,))

    @staticmethod
    def _drawn(draw: Draw, generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
        return draw(shape, generator=generator, device=generator.device)
