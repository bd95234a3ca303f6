"""The processes that train one run together, one for each device, and what they agree on.

Launchers such as ``torchrun`` start them. What they agree on goes through the memory of the CPU: no accelerator waits
for it, and processes may wait for hours, as while the main process solves a start.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TypeVar

import torch
from accelerate import PartialState

from pare.storage.ranks import rank, ranks

PATIENCE = timedelta(days=7)
Value = TypeVar("Value")


def on_cpus() -> bool:
    """Whether the processes are several and have no accelerator; accelerate has to be told, or each is alone."""
    return ranks() > 1 and not torch.cuda.is_available()


def from_main(value: Value) -> Value:
    """The main process's value, for all of them, which wait for it; each has to call this.

    Args:
        value: anything that can be pickled; tensors lie on the CPU.
    """
    if ranks() == 1:
        return value
    values = [value]
    torch.distributed.broadcast_object_list(values, 0, _channel())
    return values[0]


@contextmanager
def main_first() -> Iterator[None]:
    """The main process does the block before the others."""
    if rank():
        from_main(None)
    yield
    if not rank():
        from_main(None)


def leave() -> None:
    """End what the processes have in common, after the last thing that they do together."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
        _channel.cache_clear()


@cache
def _channel() -> "torch.distributed.ProcessGroup | None":
    PartialState(cpu=on_cpus())  # it knows how to begin on each kind of accelerator
    return torch.distributed.new_group(backend="gloo", timeout=PATIENCE)
