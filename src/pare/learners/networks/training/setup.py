"""What a training is made of: model, rows, objective, optimiser, schedule, checkpoint."""

import json
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import numpy as np
from accelerate.utils import set_seed
from torch import Tensor

from pare.config.run import Run
from pare.data.preparation import draw_rows
from pare.evaluation.metrics import build_metric
from pare.learners.learner import Data, Work
from pare.learners.machine import accelerator_of, choose_attention
from pare.learners.networks.mixing import Curriculum
from pare.learners.networks.models import CrossModalModel, load_backbone
from pare.learners.networks.start import FieldStart, SolvedStart
from pare.learners.networks.trained_network import ENCODER, assemble
from pare.learners.networks.training.checkpoint import Checkpoint
from pare.learners.networks.training.losses import build_loss, weights_of_classes, with_differences
from pare.learners.networks.training.objective import Objective
from pare.learners.networks.training.optimisers import WeightAverage, build_optimiser, require_plain_steps
from pare.learners.networks.training.rows import TrainingCalibration, TrainingRows, batch_loader
from pare.learners.networks.training.source_batches import load_source_batches
from pare.storage.store import Rows

CALIBRATION_ROWS = 64  # training rows that set the scale of the embedder
# What fits the embedder before the first epoch: model, training rows, the numbers of those used, proxy batches.
Align = Callable[
    [CrossModalModel, Rows, np.ndarray, Callable[[int, np.random.Generator], Iterator[tuple[Tensor, Tensor]]]],
    dict[str, Any],
]


class TrainingSetup:
    """A run's model, rows and optimiser, before its first epoch or after its last saved one."""

    def __init__(self, run: Run, data: Data, work: Work, align: Align | None = None, *, members: int = 1) -> None:
        source, store = data.source, data.store
        assert source and run.proxy  # of every run around a pretrained encoder
        self.run, self.store, self.align, self.work = run, store, align, work
        self.metric = build_metric(run.metric, run.task.output)
        self.accelerator = accelerator_of(run)
        set_seed(int(self._rng(0, 3).integers(2**31)) if run.member else run.seed)
        backbone = load_backbone(
            source.encoder,
            run.grid,
            run.learner.initialisation,
            dropout=run.training.dropout,
            layers=run.encoder_layers,
        )
        choose_attention(backbone.encoder, self.accelerator)
        self.encoder_config = json.loads((source.encoder / ENCODER).read_text())
        if run.start:
            self.encoder_config["num_hidden_layers"] = backbone.encoder.config.num_hidden_layers
        self.source = load_source_batches(run.proxy, source, backbone, run.proxy_samples, run.seed)
        self.rows = {split: store.rows(split) for split in ("train", "validation")}
        self.chosen = draw_rows(len(self.rows["train"]), run.training.fraction, run.seed)
        categories = store.description.get("categories", ())
        self.model = assemble(run, backbone, self.source.classes, categories, len(self.chosen))
        self._calibrate()
        self.model.choose_trainable(run.learner.trainable)
        self.curriculum = _curriculum(run)
        if run.mixing and self.curriculum:
            followed = range(ceil((1 - run.training.fixed_norms) * run.training.epochs))
            k = [self.curriculum.tokens(epoch, run.tokens) for epoch in followed]
            require_plain_steps(self.model, run.mixing, k)
        self._prepare()
        self.checkpoint = Checkpoint(work.folder)
        self.progress = self.checkpoint.progress(work.fingerprint)
        self.progress.epochs, self.progress.members = run.training.epochs, members

    def _calibrate(self) -> None:
        run = self.run
        calibration = TrainingCalibration(
            *(self.rows["train"], self.chosen, CALIBRATION_ROWS),
            *(self.source, self.model.backbone, run.seed),
        )
        self.model.calibrate(calibration, self.store.statistics)

    def _prepare(self) -> None:
        training, task = self.run.training, self.run.task
        groups = self.model.parameter_groups(training.new_learning_rate)
        optimiser = build_optimiser(self.model, groups, training)
        self.training_rows = TrainingRows(self.rows["train"], self.chosen)
        loader = batch_loader(self.training_rows, training.batch_size, shuffle=True)
        weights = None
        if training.class_weights:
            labels = self.rows["train"].array("y")[self.chosen]
            weights = weights_of_classes(labels, task.output).to(self.accelerator.device)
        self.loss = build_loss(
            *(task.loss, task.output.kind),
            class_weights=weights,
            positive_weight=training.positive_weight,
            units=self.model.units,
        )
        loss = with_differences(self.loss, training.differences if task.compares_values else 0.0)
        objective = Objective(self.model, loss, training, self.run.mixing)
        self.objective, self.optimiser, self.loader = self.accelerator.prepare(objective, optimiser, loader)
        self.updates = -(-len(self.loader) // training.accumulation)  # updates of the weights in an epoch
        from transformers import get_scheduler  # noqa: PLC0415 - slow to import

        schedule = get_scheduler(
            training.schedule,
            optimiser,
            num_warmup_steps=round(self.updates * training.warming) * self.accelerator.num_processes,
            num_training_steps=self.updates * training.epochs * self.accelerator.num_processes,
        )
        self.schedule = self.accelerator.prepare(schedule)
        self.validation = self.accelerator.prepare(batch_loader(self.rows["validation"], training.batch_size * 2))
        self.start: FieldStart | SolvedStart | None = None
        if self.run.start:
            solver = FieldStart if self.run.task.kind == "field" else SolvedStart
            self.start = solver(self.model, self.run, self.accelerator.device)
        self.average = WeightAverage(self.model, training.average) if training.average else None
        if self.average:
            self.accelerator.register_for_checkpointing(self.average)

    def _rng(self, epoch: int, purpose: int) -> np.random.Generator:
        drawn_for = (epoch, purpose, self.accelerator.process_index)
        member = (self.run.member,) * min(self.run.member, 1)  # the first draws what a training alone does
        return np.random.default_rng([self.run.seed, *drawn_for, *member])


def _curriculum(run: Run) -> Curriculum | None:
    if (mixing := run.mixing) is None:
        return None
    return Curriculum(mixing.start, mixing.end, run.training.epochs, mixing.curriculum, run.seed)
