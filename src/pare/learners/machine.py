"""The machine that trains: device, precision, speed, memory, and versions of what decides a result."""

import platform
import resource
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Literal

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs

from pare.config.run import Run
from pare.config.schema import Task
from pare.learners.distributed import on_cpus


def accelerator_of(run: Run) -> Accelerator:
    """What a training runs on, in the precision that the run or the hardware asks for; a device for each process."""
    # Another run of this process may have had another precision. accelerate has no public way to say so; the Trainer of
    # transformers does the same.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(
        cpu=on_cpus(),
        mixed_precision=precision_of(run.training.precision, run.task),
        dataloader_config=DataLoaderConfiguration(non_blocking=True),
        # Plain steps have no gate and no predictor of the source; buffers are alike, and an anchor replaces its own.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)],
    )


def precision_of(asked: Literal["auto", "no", "bf16", "float32"], task: Task) -> Literal["no", "bf16"]:
    """The precision that a training asks for; ``auto``: the hardware's.

    For fields along three axes on a CPU that is float32: in bfloat16 the gradient of a convolution is now and then NaN
    there (torch 2.13, grids of 2 points along each axis; pytorch/pytorch#169688 is another such fault).
    """
    if asked != "auto":
        return "bf16" if asked == "bf16" else "no"
    volumes_on_cpu = len(task.input.shape) > 3 and not torch.cuda.is_available()
    return "bf16" if has_bf16() and not volumes_on_cpu else "no"


def attention_of(accelerator: Accelerator) -> Literal["eager"] | None:
    """The faster of two equal ways to compute attention, by transformers' name; None: its own choice.

    That is torch's fused attention, but for bfloat16 on a CPU: there it takes 1.4 to 8.6 times as long as two products
    and a softmax one after the other.
    """
    return "eager" if accelerator.device.type == "cpu" and accelerator.mixed_precision == "bf16" else None


def layer_speed(precision: str, device: torch.device | str = "cpu") -> float:
    """Floating-point operations a second of a layer of a transformer, forward and backward: the unit of estimates.

    A product of matrices alone tells less: units for bfloat16 make it ten times as fast, and a layer 2.5
    times. On a CPU it is the faster of one thread and all, as a training takes those that are faster at the moment.

    Args:
        precision: as accelerate has it: ``no``, float32, or ``bf16``.
        device: where.
    """
    if torch.device(device).type != "cpu":
        return _layer_speed(precision, device, time.perf_counter)
    threads = torch.get_num_threads()
    together = _layer_speed(precision, device, time.perf_counter)
    torch.set_num_threads(1)
    try:
        # the time that this thread computes, so that other programs do not count
        return max(together, _layer_speed(precision, device, time.thread_time))
    finally:
        torch.set_num_threads(threads)


def _layer_speed(precision: str, device: torch.device | str, clock: Callable[[], float]) -> float:
    rows, tokens, width = 16, 32, 384
    with torch.random.fork_rng(devices=[]):
        layer = torch.nn.TransformerEncoderLayer(width, 12, 4 * width, dropout=0.0, batch_first=True).to(device)
    batch = torch.ones(rows, tokens, width, device=device)
    seconds: list[float] = []
    while len(seconds) < 3 or (len(seconds) < 10 and sum(seconds) < 0.3):
        start = clock()
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=precision != "no"):
            output = layer(batch)
        (first, *_) = torch.autograd.grad(output.sum(), [*layer.parameters()])
        float(first.flatten()[0])  # reading one number waits for the device
        seconds.append(clock() - start)
    return 6 * sum(weight.numel() for weight in layer.parameters()) * rows * tokens / min(seconds)


def speed_here(run: Run, device: torch.device | str = "cpu") -> float:
    """`layer_speed` of a device of this machine in the precision of a run; measured once."""
    return _speed(precision_of(run.training.precision, run.task), device)


_speed = cache(layer_speed)


def has_bf16() -> bool:
    """Whether this hardware multiplies bfloat16 faster than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.backends.mps.is_available() or not hasattr(torch.cpu, "get_capabilities"):
        return False
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, on the accelerator if it has one, else on the CPU."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def versions(*libraries: str) -> dict[str, str]:
    """Versions of what decides a result: Python, this project, Kedro, and libraries."""
    packages = ("pare-transfer", "kedro", *libraries)
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
