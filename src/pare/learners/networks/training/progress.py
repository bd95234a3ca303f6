"""The progress bar of a training: loss, k, metric, time left; ten lines where no terminal is."""

import logging
from types import TracebackType
from typing import Any

from rich import get_console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

logger = logging.getLogger(__name__)
LINES = 10  # at most, for a training that writes into a file


class EpochProgress:
    """Shows a training's steps as one bar.

    Args:
        epochs: epochs of the whole training.
        steps: steps per epoch.
        done: epochs that an earlier session finished.
        metric: name of what is computed on the validation rows.
    """

    def __init__(self, epochs: int, steps: int, done: int, metric: str) -> None:
        self.epochs, self.epoch, self.steps, self.metric = epochs, done, steps, metric
        self.validation = ""
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            transient=True,
            disable=not get_console().is_terminal,
        )
        self.task = self.bar.add_task("training", total=epochs * steps, completed=done * steps)

    def __enter__(self) -> "EpochProgress":
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def begin(self, epoch: int, steps: int = 0) -> None:
        """The epoch of that number, from 0, begins, or goes on after some steps; those before are done or left out."""
        self.epoch = epoch
        self.bar.update(self.task, completed=epoch * self.steps + steps)

    def step(self, loss: float | None, k: int) -> None:
        """One optimiser step is done; the loss is that of one of the last steps, None where none is known yet."""
        mixing = f" k {k}" if k else ""
        shown = "" if loss is None else f" loss {loss:.4g}"
        text = f"epoch {self.epoch + 1}/{self.epochs}{shown}{mixing}{self.validation}"
        self.bar.update(self.task, advance=1, description=text)

    def epoch_done(self, row: dict[str, Any]) -> None:
        """One epoch is done; about every tenth of the training leaves a line where no terminal shows the bar."""
        self.epoch += 1
        self.validation = "" if row["validation"] is None else f" {self.metric} {row['validation']:.4g}"
        if not self.bar.disable or self.epoch * LINES // self.epochs == (self.epoch - 1) * LINES // self.epochs:
            return
        mixing = f", λ {row['lambda']:.2f}" if "lambda" in row else ""
        validation = self.validation and f", validation{self.validation}"
        values = (self.epoch, self.epochs, row["loss"], mixing, validation, row["seconds"])
        logger.info("epoch %d/%d: loss %.4g%s%s, %.1f s", *values)
