"""The memory that a file asks for by what it declares, compared with what is free before any of it is taken."""

import resource
from pathlib import Path

import psutil

from pare.config.errors import PareError

CONTAINER = Path("/sys/fs/cgroup/memory.max")  # the limit of a container, which the machine's free memory is not

LEAST = 1 << 26  # bytes; for less, nobody looks how much is free
OBJECTS = 50  # bytes that a byte of JSON, or a value of its own in Python, takes, about


class TooLargeError(PareError):
    """What a file declares does not fit into the memory that is free."""


def check_memory(needed: int, name: str) -> None:
    """Refuse what does not fit into memory, before it is read.

    Args:
        needed: bytes that it takes at least.
        name: what messages call it.

    Raises:
        TooLargeError: naming both sizes.
    """
    if needed > LEAST and needed > (free := free_memory()):
        raise TooLargeError(
            f"{name} needs {bytes_text(needed)} of memory by what it declares, and {bytes_text(free)} are free; use a "
            "machine with more, or a file with less. If it cannot be so large, it is damaged or not to be trusted"
        )


def free_memory() -> int:
    """Bytes that this process may still take: what the machine, its container and its own limit leave."""
    free = [psutil.virtual_memory().available]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        free.append(limit - psutil.Process().memory_info().vms)
    if CONTAINER.is_file() and (text := CONTAINER.read_text().strip()).isdigit():
        free.append(int(text) - psutil.Process().memory_info().rss)
    return max(0, min(free))


def bytes_text(count: int) -> str:
    """A number of bytes in MiB, or in GiB where it is that large."""
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
