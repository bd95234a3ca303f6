"""Numbers of steps that stay on the device: reading one waits for everything that the device has still to do."""

import time
from collections.abc import Iterable

import torch
from torch import Tensor

PAUSE = 0.5  # seconds between two glimpses


class OnDevice:
    """Numbers, one after the other, that are read together.

    Args:
        most: how many come, at most.
        known: numbers before them.
    """

    def __init__(self, most: int, known: Iterable[float] = ()) -> None:
        self.known, self._most, self._count = list(known), most, 0

    def append(self, number: Tensor) -> None:
        """Keep a number, a tensor without an axis."""
        if not self._count:
            self._numbers = torch.empty(self._most, dtype=number.dtype, device=number.device)
        self._numbers[self._count] = number.detach()
        self._count += 1

    def read(self) -> list[float]:
        """All numbers so far."""
        return self.known + (self._numbers[: self._count].tolist() if self._count else [])


class Glimpse:
    """A number of the last steps, which nothing waits for: twice a second one is copied, and known when it is there.

    Attributes:
        value: the number; None: none is known yet.
    """

    value: float | None = None

    def __init__(self) -> None:
        self._copy: Tensor | None = None
        self._next = time.monotonic() + PAUSE

    def offer(self, number: Tensor) -> None:
        """Give the number of a step."""
        if self._copy is None and time.monotonic() >= self._next:
            self._next = time.monotonic() + PAUSE
            self._copy = number.detach().to("cpu", non_blocking=True)
            self._event = None if number.device.type == "cpu" else torch.Event(number.device)
            if self._event:
                self._event.record()
        if self._copy is not None and (self._event is None or self._event.query()):
            self.value, self._copy = float(self._copy), None
