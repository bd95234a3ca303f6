"""What a training is made of: what its learner brings along, rows, objective, optimiser, schedule."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from accelerate import Accelerator
from accelerate.utils import set_seed

from pare.config.run import Run
from pare.data.preparation import draw_rows
from pare.evaluation.metrics import build_metric
from pare.learners.learner import Data
from pare.learners.machine import accelerator_of
from pare.learners.networks.models import Network
from pare.learners.networks.start import FieldStart, SolvedStart
from pare.learners.networks.start.cross_validation import Part
from pare.learners.networks.training.losses import FLAT, build_loss, typical_size, weights_of_classes, with_differences
from pare.learners.networks.training.objective import Objective
from pare.learners.networks.training.optimisers import WeightAverage, build_optimiser
from pare.learners.networks.training.proxy_mixing import ProxyMixing
from pare.learners.networks.training.rows import Batches, TrainingRows, batch_loader
from pare.learners.networks.training.share import Share, share_batch_norms


@dataclass(frozen=True)
class Parts:
    """What is trained.

    Attributes:
        network: the network, on the CPU.
        mixing: what of a proxy is mixed into the rows; None: nothing.
        start: what is solved first; None: nothing.
        align: fits the embedder before the first epoch, and returns its record; None: nothing does.
        encoder_config: ``config.json`` of the pretrained encoder; empty without one.
        record: what is needed to read the network again.
    """

    network: Network
    mixing: ProxyMixing | None = None
    start: FieldStart | SolvedStart | None = None
    align: Callable[[], dict[str, Any]] | None = None
    encoder_config: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


# Makes them of a run, its data, and the numbers of the training rows that are used, for an accelerator.
Build = Callable[[Run, Data, np.ndarray, Accelerator], Parts]


class Setup:
    """A run's network, rows and optimiser, before its first step.

    Args:
        run: what to train.
        data: the model input, and the files of an encoder and its proxy where the learner has them.
        build: makes what the learner brings along.
    """

    def __init__(self, run: Run, data: Data, build: Build) -> None:
        self.run, self.training = run, run.training
        self.metric = build_metric(run.metric, run.task.output)
        self.accelerator = accelerator_of(run)
        self.share = Share(self.accelerator.process_index, self.accelerator.num_processes)
        if run.training.epochs:
            self.share.check(run.training.batch_size)
        set_seed(int(self.rng(0, 3).integers(2**31)) if run.member else run.seed)
        self.rows = {split: data.store.rows(split) for split in ("train", "validation")}
        self.chosen = draw_rows(len(self.rows["train"]), run.training.fraction, run.seed)
        self.parts = build(run, data, self.chosen, self.accelerator)
        self.network = self.parts.network
        if not self.share.is_whole:
            share_batch_norms(self.network)
        self._prepare()

    def _prepare(self) -> None:
        task, training, prepare = self.run.task, self.training, self.accelerator.prepare
        optimiser = build_optimiser(self.network, self.network.parameter_groups(training.new_learning_rate), training)
        self.training_rows = TrainingRows(self.rows["train"], self.chosen)
        weights = None
        if training.class_weights:
            labels = self.rows["train"].array("y")[self.chosen]
            weights = weights_of_classes(labels, task.output).to(self.accelerator.device)
        build = partial(
            build_loss,
            *(task.loss, task.output.kind),
            class_weights=weights,
            positive_weight=training.positive_weight,
            units=self.network.units,
        )
        typical = typical_size(task, self.rows["train"], self.chosen)
        self.loss = build(typical=typical)
        differences = training.differences if task.compares_values else 0.0
        loss = with_differences(self.loss, differences, build(typical=FLAT * typical))
        objective = Objective(self.network, loss, training, self.run.mixing, self.share)
        if training.compile:
            objective.compile()
        self.objective, self.optimiser = prepare(objective, optimiser)
        self.batches = Batches(self.training_rows, training.batch_size, self.run.seed)
        self.validation = prepare(batch_loader(self.rows["validation"], training.batch_size * 2))
        self.average = WeightAverage(self.network, training.average) if training.average else None
        self.learning = {"optimiser": self.optimiser, **({"average": self.average} if self.average else {})}

    def plan(self, epochs: int) -> None:
        """Fix the number of epochs, which decides learning rates and what is mixed.

        Raises:
            PareError: where batch norms would never see plain rows.
        """
        from transformers import get_scheduler  # noqa: PLC0415 - slow to import

        self.training = self.training.model_copy(update={"epochs": epochs})
        if self.parts.mixing:
            self.parts.mixing.plan(epochs, self.training.fixed_norms)
        self._schedule = get_scheduler(
            self.training.schedule,
            self.optimiser.optimizer,
            num_warmup_steps=round(self._updates * self.training.warming),
            num_training_steps=self._updates * epochs,
        )

    @property
    def _updates(self) -> int:
        """Updates of the weights in an epoch."""
        return -(-len(self.batches) // self.training.accumulation)

    def updates_after(self, step: int) -> bool:
        """Whether the weights change by the step of that number in an epoch, from 0; else its gradients wait."""
        return (step + 1) % self.training.accumulation == 0 or step + 1 == len(self.batches)

    def share_of_update(self, step: int) -> float:
        """Rows of the step of that number in an epoch, from 0, among all whose gradients make one change of weights.

        The last batch of an epoch may be smaller, and the last change of fewer batches.
        """
        size, rows = self.training.batch_size, len(self.training_rows)
        first = step - step % self.training.accumulation
        return min(size, rows - step * size) / min(self.training.accumulation * size, rows - first * size)

    def go_to(self, epoch: int, step: int = 0) -> float:
        """Take the learning rate of a step, also where others before it were left out; the rate of the first weights.

        Args:
            epoch: number of the epoch, from 0.
            step: number of the step in it, from 0.
        """
        update = epoch * self._updates + step // self.training.accumulation
        for group, rate, factor in zip(
            self.optimiser.param_groups, self._schedule.base_lrs, self._schedule.lr_lambdas, strict=True
        ):
            group["lr"] = rate * factor(update)
        return float(self.optimiser.param_groups[0]["lr"])

    def averaged(self) -> AbstractContextManager[None]:
        """The network has the weights that are validated and kept: their average, where there is one."""
        return self.average.applied() if self.average else nullcontext()

    def part(self, split: str) -> Part:
        """The rows of a split that are used, and their numbers."""
        return self.rows[split], self.chosen if split == "train" else np.arange(len(self.rows[split]))

    def rng(self, epoch: int, purpose: int) -> np.random.Generator:
        """Random numbers of an epoch for a purpose, each member with its own; no state is to be saved.

        All processes draw the same, but for purpose 0, which is dropout.
        """
        drawn_for = (epoch, purpose, 0 if purpose else self.share.process)
        member = (self.run.member,) * min(self.run.member, 1)  # the first draws what a training alone does
        return np.random.default_rng([self.run.seed, *drawn_for, *member])
