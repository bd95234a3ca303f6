"""What a run will cost, from its configuration alone: parameters, memory, steps, time."""

import time
from dataclasses import dataclass
from math import ceil, prod

from pare.config.run import Run

# Share of a plain matrix product's speed that a training step reaches; measured on 2 CPU cores with
# all-MiniLM-L6-v2 and 100 tokens.
EFFICIENCY = 0.55
CONVOLUTIONS = 0.2  # the same for a field's network in bfloat16, of a product's speed in float32; with Darcy flow
LONG = 300.0  # seconds of a training from which on a shorter one is proposed
ACTIVATION_BYTES = 34  # per token, unit of width and layer, half precision (Korthikanti et al. 2022, section 4.1)
RUNTIME_MB = 600  # Python, torch and transformers before any model


@dataclass(frozen=True)
class Device:
    """An accelerator by its maker's data sheet.

    Attributes:
        title: its name.
        single: operations per second of a matrix product in float32, without TF32.
        half: the same in bfloat16 with sums in float32, dense; in float32 where the card has no bfloat16.
    """

    title: str
    single: float
    half: float


# https://www.nvidia.com, data sheets of the SXM cards, L40S and V100.
DEVICES = {
    "h100": Device("H100", 67e12, 989e12),
    "a100": Device("A100", 19.5e12, 312e12),
    "l40s": Device("L40S", 91.6e12, 362e12),
    "v100": Device("V100", 15.7e12, 15.7e12),
}


@dataclass(frozen=True)
class Estimate:
    """Cost of a training.

    Attributes:
        parameters: parameters of encoder, embedder and both predictors together.
        tokens: per sample.
        steps: optimiser steps; None: as many as fit into the minutes of the run.
        memory_mb: peak memory.
        seconds: training time, without simulation and evaluation.
    """

    parameters: int
    tokens: int
    steps: int | None
    memory_mb: int
    seconds: float

    def __str__(self) -> str:
        steps = "as many steps as fit" if self.steps is None else f"{self.steps} steps"
        return (
            f"{self.parameters / 1e6:.1f} M parameters, {self.tokens} tokens per sample, {steps}, "
            f"about {self.memory_mb / 1024:.1f} GiB of memory and {duration(self.seconds)} of training"
        )


def duration(seconds: float) -> str:
    """A time in days, in hours and minutes, in minutes and seconds, or in seconds, as its length asks for."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 100:
        return f"{hours / 24:,.0f} days"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def cpu_speed() -> float:
    """Floating-point operations per second of a matrix product in float32 on this machine's CPU."""
    import numpy as np  # noqa: PLC0415 - a tenth of a second, which commands that list do without

    a = np.ones((1536, 1536), dtype=np.float32)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2 * len(a) ** 3 / min(seconds)


def estimate(run: Run, flops_per_second: float) -> Estimate:
    """Price a run.

    Args:
        run: the run.
        flops_per_second: speed of a matrix product on the device that will train.
    """
    assert run.source  # every run around a pretrained encoder has one
    task, size, training = run.task, run.source.size, run.training
    tokens = run.tokens
    out_width = size.width * 2 ** (size.stages - 1)
    inputs = (
        task.input.shape[0] * task.tokens.patch ** (len(task.input.shape) - 1) if task.tokens.kind == "patch" else 2
    )
    outputs = task.output.shape[0] if task.output.kind != "dense" else prod(task.output.shape) / tokens
    layers = run.encoder_layers or size.layers
    parameters = round(size.parameters * layers / size.layers + size.width * inputs + out_width * outputs)

    n_train = task.n_training(run.protocol, training.fraction)
    steps = ceil(ceil(n_train / training.batch_size) / training.accumulation) * training.epochs * training.members

    deep_tokens = tokens / 4 ** (size.stages - 2) if size.stages > 1 else tokens  # most weights: stage 3
    dense = 6 * parameters * deep_tokens
    attention = 12 * layers * deep_tokens**2 * out_width if size.stages == 1 else 0
    # Passes more than those of plain steps, as a share of these, at most.
    more = run.mixing.batches * (run.mixing.passes - 1) if run.mixing and run.mixing.start > 0 else 0.0
    views = len(run.start.scalings) if run.start else 1
    # Solved heads pass each row forward once, a third of a step.
    steps_a_row = training.epochs * (1 + more) + (1 / 3 if run.start and task.kind != "field" else 0)
    flops = (dense + attention) * n_train * steps_a_row * views
    activations = (
        ACTIVATION_BYTES * 2 * training.batch_size * (2 if more else 1) * views * deep_tokens * out_width * layers
    )
    memory = RUNTIME_MB + (16 * parameters + activations) / 2**20
    if run.minutes:
        return Estimate(parameters, tokens, None, round(memory), 60 * run.minutes)
    efficiency = CONVOLUTIONS if run.start and task.kind == "field" else EFFICIENCY
    seconds = training.members * flops / (flops_per_second * efficiency)
    return Estimate(parameters, tokens, steps, round(memory), seconds)
