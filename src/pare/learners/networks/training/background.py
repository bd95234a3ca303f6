"""Work next to the steps, by threads that end with their piece: none is left behind where a training stops."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from accelerate.utils import recursively_apply
from torch import Tensor

Value = TypeVar("Value")


def in_background(work: Callable[[], Value]) -> "Future[Value]":
    """Do a piece of work by a thread of its own, for which nothing waits here."""
    executor = ThreadPoolExecutor(1)
    future = executor.submit(work)
    executor.shutdown(wait=False)
    return future


def drawn_ahead(batches: Iterator[Value]) -> Iterator[Value]:
    """The same batches; where there is a GPU each is drawn while it works at the one before, into pinned memory.

    On a CPU the thread would take the time of the step.

    Args:
        batches: tensors in tuples or mappings; one thread after the other draws them, never two at once.
    """
    if not torch.cuda.is_available():
        yield from batches
        return

    device = torch.cuda.current_device()  # which a new thread does not know

    def pinned() -> Value | None:
        torch.cuda.set_device(device)
        return recursively_apply(Tensor.pin_memory, next(batches, None))

    following = in_background(pinned)
    while (batch := following.result()) is not None:
        following = in_background(pinned)
        yield batch
