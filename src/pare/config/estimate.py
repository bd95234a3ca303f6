"""What a run will cost, from its configuration and a table of measured steps: parameters, memory, steps, time."""

import csv
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import ceil, exp, log, prod
from pathlib import Path
from typing import Self

from pare.config.run import Run

STEPS = Path(__file__).with_name("steps.csv")  # steps of training, measured; benchmarks/steps.py writes it
LONG = 300.0  # seconds of a training from which on a shorter one is proposed
DAY = 86400.0  # seconds of a training from which on another device is named
ACTIVATION_BYTES = 34  # per token, unit of width and layer, half precision (Korthikanti et al. 2022, section 4.1)
LAYERS = 0.5  # speed of large layers by that of a matrix product; 0.54 in training on A100 (there, abstract)
RUNTIME_MB = 780  # Python, torch, transformers and accelerate, with the files of an encoder and its proxy
# RUNTIME_MB, SOLVING, REGRESSION and REGRESSION_BYTES were fitted by hand to the 53 networks of
# data/08_reporting/results.csv, for series to ucr_osu_leaf and ucr_acsf1, in operations of a matrix product, of which a
# layer makes 0.4 in the same time; POINT to torch's counts in steps.csv.
REGRESSION_BYTES = 80  # bytes for a number of a field's or a wide table's training rows: ten copies in double precision
WIDE_PASSES = 12  # passes of a wide table's rows: five folds and all rows, without the validation rows and with them
POINT = 4e4  # operations of the convolutions at a point of a plane, forward and backward; a third on a line
# Operations of a layer that take as long as what comes before the first step of a solved start, but for
# passing rows: set-up and small regressions, once a run; and for each point of the training rows.
SOLVING = 4e11
REGRESSION = {"field": 1.4e5, "series": 1.4e7}


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

    def speed(self, precision: str) -> float:
        """Operations a second of layers in a precision; ``no`` and ``float32`` are single precision."""
        return LAYERS * (self.single if precision in ("no", "float32") else self.half)


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

    @property
    def shorter(self) -> str:
        """What would make hours of days, with a blank before it; empty for a training of less than a day."""
        if self.seconds < DAY:
            return ""
        share = 4 * 3600 / self.seconds
        return (
            f" Four hours are training.epochs or training.fraction times {share:.2g}, or minutes=240; other devices: "
            f"kedro tasks show NAME --device {next(iter(DEVICES))}"
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


@dataclass(frozen=True)
class Work:
    """What a step of a run computes, by its configuration.

    Attributes:
        run: the run.
        parameters: parameters of encoder, embedder and both predictors together.
        deep_tokens: tokens of a sample where most weights are: in stage 3 of an encoder of stages.
        row: operations of a row, forward and backward, without mixing.
        views: views of a row, each of which passes the encoder.
    """

    run: Run
    parameters: int
    deep_tokens: float
    row: float
    views: int

    @classmethod
    def of(cls, run: Run) -> Self:
        """The work of a run around a pretrained encoder."""
        assert run.source  # every run around a pretrained encoder has one
        task, size, tokens = run.task, run.source.size, run.tokens
        out_width, axes = size.width * 2 ** (size.stages - 1), len(task.input.shape) - 1
        inputs = task.input.shape[0] * task.tokens.patch**axes if task.tokens.kind == "patch" else 2
        outputs = task.output.shape[0] if task.output.kind != "dense" else prod(task.output.shape) / tokens
        layers = run.encoder_layers or size.layers
        parameters = round(size.parameters * layers / size.layers + size.width * inputs + out_width * outputs)
        deep_tokens = tokens / 4 ** (size.stages - 2) if size.stages > 1 else tokens
        attention = 12 * layers * deep_tokens**2 * out_width if size.stages == 1 else 0
        convolutions = POINT * 3 ** (axes - 2) * prod(task.input.shape[1:]) if run.start and task.kind == "field" else 0
        views = len(run.start.scalings) if run.start else 1
        return cls(run, parameters, deep_tokens, 6 * parameters * deep_tokens + attention + convolutions, views)

    @property
    def passes(self) -> float:
        """Passes of a mixed step, in those of a plain one."""
        return self.run.mixing.passes if self.run.mixing and self.run.mixing.start > 0 else 1.0

    def step(self, mixed: bool) -> float:
        """Operations of a step."""
        return self.row * self.run.training.batch_size * self.views * (self.passes if mixed else 1.0)

    def step_cost(self, mixed: bool) -> float:
        """Operations of a layer that take as long as a step, by the measured steps of its kind.

        Between two measured ones it is interpolated. Below the smallest, time is what a step takes besides its
        layers; above the largest, it grows with the operations.
        """
        known, work = _measured(STEPS, self.start), self.step(mixed)
        if work >= known[-1][0]:
            return known[-1][1] * work / known[-1][0]
        if work <= known[0][0]:
            return known[0][1]
        (low, cheap), (high, dear) = next(pair for pair in pairwise(known) if work <= pair[1][0])
        return exp(log(cheap) + log(dear / cheap) * log(work / low) / log(high / low))

    @property
    def start(self) -> str:
        """Kind of the start, by which measured steps are told apart: ``field``, other ``solved`` ones, ``random``."""
        if not self.run.start:
            return "random"
        return "field" if self.run.task.kind == "field" else "solved"

    def points(self, rows: int) -> int:
        """Points of so many rows of a field or a series."""
        return rows * prod(self.run.task.input.shape[1:])

    def passing(self, rows: int) -> float:
        """The same as `step_cost` for so many rows that pass forward alone, a third of a step."""
        return ceil(rows / self.run.training.batch_size) * self.step_cost(mixed=False) / 3

    def start_cost(self, rows: int) -> float:
        """The same for what is solved on so many rows before the first step of each training."""
        if not self.run.start:
            return 0.0
        passes = WIDE_PASSES if self.run.task.is_wide else 1
        return REGRESSION.get(self.run.task.kind, 0.0) * self.points(rows) + passes * self.passing(rows)

    def memory_mb(self, rows: int) -> float:
        """Peak memory of the training of so many rows."""
        assert self.run.source
        run, size = self.run, self.run.source.size
        width, layers = size.width * 2 ** (size.stages - 1), run.encoder_layers or size.layers
        passed = run.training.batch_size * self.views * self.passes * self.deep_tokens
        stored = 2 * ACTIVATION_BYTES * passed * width * layers if run.training.epochs else 0
        numbers = self.points(rows) if self.start == "field" else 0
        if run.task.is_wide:
            numbers = rows * run.task.input.shape[0]
        return RUNTIME_MB + (16 * self.parameters + stored + REGRESSION_BYTES * numbers) / 2**20


@cache
def _measured(path: Path, start: str) -> list[tuple[float, float]]:
    """Operations of measured steps of a kind, and what they cost as `Work.step_cost` has it, by operations."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["start"] == start]
    return sorted((float(row["operations"]), float(row["seconds"]) * float(row["speed"])) for row in rows)


def estimate(run: Run, speed: float) -> Estimate:
    """Price a run.

    Args:
        run: the run.
        speed: operations a second of a layer on the device that will train, in the precision of the run.
    """
    task, training, work = run.task, run.training, Work.of(run)
    rows = task.n_training(run.protocol, training.fraction)
    batches = ceil(rows / training.batch_size)
    steps = ceil(batches / training.accumulation) * training.epochs * training.members
    memory = round(work.memory_mb(rows))
    if run.minutes:
        return Estimate(work.parameters, run.tokens, None, memory, 60 * run.minutes)
    mixed = run.mixing.batches if run.mixing and run.mixing.start > 0 else 0.0  # share of the steps, at most
    a_step = (1 - mixed) * work.step_cost(False) + mixed * work.step_cost(True)
    an_epoch = batches * a_step + work.passing(task.n_validation(run.protocol))
    operations = training.members * (training.epochs * an_epoch + work.start_cost(rows)) + bool(run.start) * SOLVING
    return Estimate(work.parameters, run.tokens, steps, memory, operations / speed)
