"""The training of a run, or the several trainings whose predictions are averaged.

Several trainings of a run are an ensemble. They see the rows in one order, and differ in what else is random: initial
weights, symmetries and noise that change rows, what is mixed (Lakshminarayanan et al., *Simple and Scalable Predictive
Uncertainty Estimation using Deep Ensembles*, 2017).
"""

import gc
import logging
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from accelerate import PartialState

from pare.config.errors import PareError
from pare.config.run import Run
from pare.evaluation.calibration import Calibration
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import predict_rows
from pare.learners.ensemble import Ensemble
from pare.learners.learner import Data, Fitted, Work
from pare.learners.model import Model
from pare.learners.networks.training.budget import Plan
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.setup import Build
from pare.learners.networks.training.trainer import Trainer
from pare.tracking import Tracking

logger = logging.getLogger(__name__)
BRIEF = ("best_epoch", "validation", "train_seconds")  # recorded of each member


def fit(run: Run, data: Data, work: Work, build: Build) -> Fitted:
    """Train the run's network, or go on with an interrupted training.

    Args:
        run: what to train.
        data: the model input, and the files of an encoder and its proxy where the learner has them.
        work: a folder with a checkpoint of each training, kept also after the training.
        build: makes what the learner brings along.

    Returns:
        The network of the best validation epoch (protocol validated) or of the last epoch (protocol paper). After a
        solved start this is the start itself, fitted to the validation rows as well, where no epoch is clearly better.
        Several members are averaged; if the first keeps its start, there are no others. Where the device's memory is
        short, a batch is halved, and gradients of more batches are added up.

    Raises:
        PareError: where the loss is not finite, the encoder does not fit the task, or no row fits into the memory.
    """
    while True:
        try:
            return _fitted(run, data, work, build)
        except torch.OutOfMemoryError as error:
            run = _halved(run, error)
        # The error held the failed training; accelerate's network holds itself, and its gradients on the device.
        gc.collect()


def _halved(run: Run, error: torch.OutOfMemoryError) -> Run:
    """The run with half of the batch and twice the accumulation; PareError where a batch cannot be halved."""
    training = run.training
    rows, added = training.batch_size // 2, 2 * training.accumulation
    if not rows or PartialState().num_processes > 1:
        what = "one row" if not rows else f"batches of {training.batch_size} on several devices"
        raise PareError(
            f"the device's memory is too small for {what}; take training.activation_checkpointing=true, a smaller "
            "training.batch_size with training.accumulation, or a smaller source"
        ) from error
    said = "The device's memory is too small for batches of %d: batches of %d, with gradients of %d added up."
    logger.warning(said, training.batch_size, rows, added)
    halved = training.model_copy(update={"batch_size": rows, "accumulation": added})
    return run.model_copy(update={"training": halved})


def _fitted(run: Run, data: Data, work: Work, build: Build) -> Fitted:
    first, plan = _trained(run, data, replace(work, folder=work.folder / "0"), build)
    if plan.members == 1 or _is_start(first):
        return first
    models = [Model.of(run, data, first, work.fingerprint)]
    for number in range(1, plan.members):
        logger.info("Training %d of %d, whose predictions are averaged:", number + 1, plan.members)
        member = run.model_copy(update={"member": number})
        its_work = Work(work.folder / str(number), work.fingerprint, Tracking())
        fitted, _ = _trained(member, data, its_work, build, plan)
        if not _is_start(fitted):
            models.append(Model.of(member, data, fitted, work.fingerprint))
    return _mean(models, data) if len(models) > 1 else first


def _trained(run: Run, data: Data, work: Work, build: Build, plan: Plan | None = None) -> tuple[Fitted, Plan]:
    """One training and its plan; nothing here keeps its optimiser, of which the device would have one a member."""
    session = Session(run, data, work, build)
    fitted = Trainer(session).train(plan)
    return fitted, Plan(session.progress.epochs, session.progress.members)


def _is_start(fitted: Fitted) -> bool:
    """Whether a training kept its solved start."""
    return bool(fitted.record["best_epoch"] == 0)


def _mean(models: list[Model], data: Data) -> Fitted:
    """The ensemble of models that left their solved start; its record has the history of the first."""
    ensemble, first, rows = Ensemble.of_equals(models), models[0], data.store.rows("validation")
    records = [model.record for model in models]
    record: dict[str, Any] = first.record | {
        "validation": None,
        "train_seconds": round(sum(one["train_seconds"] for one in records), 1),
        "peak_memory_mb": max(one["peak_memory_mb"] for one in records),
        "left_out": sum(one["left_out"] for one in records),
        "members": [{name: one[name] for name in BRIEF} for one in records],
    }
    if not len(rows):
        return Fitted(ensemble, record)
    outcome = predict_rows(partial(ensemble.outputs, device=PartialState().device), rows)
    metric = build_metric(first.run.metric, first.run.task.output)
    record["validation"] = metric(outcome["prediction"], outcome["truth"])
    calibration = Calibration.of_rows(first.run.task, outcome["prediction"], outcome["truth"], rows.groups)
    return Fitted(ensemble, record, calibration)
