"""The processes that train one run together, one for each device, and what they agree on.

Launchers such as ``torchrun`` start them. What they agree on goes through the memory of the CPU: no accelerator waits
for it, and processes may wait for hours, as while the main process solves a start.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TypeVar, cast

import torch
from accelerate import PartialState

from pare.config.ranks import rank, ranks

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
    try:
        yield
    finally:
        if not rank():
            from_main(None)


class Agreement:
    """The largest of numbers that each process has, which all know one call later.

    So no process waits for another that is less than a step behind it, nor for an accelerator.
    """

    def __init__(self) -> None:
        self._asked: tuple[torch.distributed.Work, torch.Tensor] | None = None

    def largest(self, *own: int) -> list[int]:
        """The largest of what each process gave in the last call; alone, what is given now.

        Zeros where none gave anything: in the first call, and in the one after another answer, which is given once.

        Args:
            own: as many numbers, 0 or more, in each call of each process.
        """
        if ranks() == 1:
            return list(own)
        known = [0] * len(own)
        if self._asked:
            work, given = self._asked
            work.wait()
            known = given.tolist()
        self._asked = None
        if not any(known):
            given = torch.tensor(own)
            work = torch.distributed.all_reduce(given, torch.distributed.ReduceOp.MAX, _channel(), async_op=True)
            self._asked = work, given
        return known


def leave() -> None:
    """End what the processes have in common, after the last thing that they do together."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
        _channel.cache_clear()


@cache
def _channel() -> "torch.distributed.ProcessGroup":
    PartialState(cpu=on_cpus())  # it knows how to begin on each kind of accelerator
    group = torch.distributed.new_group(backend="gloo", timeout=PATIENCE)
    return cast("torch.distributed.ProcessGroup", group)  # every process is a member
