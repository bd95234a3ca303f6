"""The training of a run, or the several trainings whose predictions are averaged.

Several trainings of a run are an ensemble. They see the rows in one order, and differ in what else is random: initial
weights, symmetries and noise that change rows, what is mixed (Lakshminarayanan et al., *Simple and Scalable Predictive
Uncertainty Estimation using Deep Ensembles*, 2017).
"""

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accelerate import PartialState

from pare.config.run import Run
from pare.evaluation.calibration import Calibration
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import predict_rows, score
from pare.learners.ensemble import Ensemble
from pare.learners.learner import Data, Fitted, Work
from pare.learners.model import Model
from pare.learners.networks.training.budget import EPOCHS, members_within
from pare.learners.networks.training.checkpoint import Checkpoint
from pare.learners.networks.training.setup import Align
from pare.learners.networks.training.trainer import Trainer

logger = logging.getLogger(__name__)
BRIEF = ("best_epoch", "validation", "train_seconds")  # recorded of each member
ONE_PASS_EPOCHS = 3  # fewest epochs of a training without plain batches until batch norms are fixed


def fit(run: Run, data: Data, work: Work, align: Align | None = None) -> Fitted:
    """Train the run's model, or go on with an interrupted training.

    Args:
        run: what to train.
        data: the model input, and the files of the encoder and its proxy.
        work: the folder in which the last epoch that was saved is kept, also after the training.
        align: first stage of the method, which fits the embedder before the first epoch and returns its record.

    Returns:
        The model of the best validation epoch (protocol validated) or of the last epoch (protocol paper). After a
        solved start this is the start itself, fitted to the validation rows as well, where no epoch is clearly better.
        Several members are averaged; if the first keeps its start, there are no others.

    Raises:
        PareError: where the loss is not finite, or the encoder does not fit the task.
    """
    count = run.training.members
    if run.minutes:
        run, count = _within_minutes(run, run.minutes, data, work)
    first = Trainer(run, data, work, align, members=count).train()
    if count == 1 or _is_start(first):
        return first
    models = [Model.of(run, data, first, work.fingerprint)]
    for number in range(1, count):
        logger.info("Training %d of %d, whose predictions are averaged:", number + 1, count)
        member = run.model_copy(update={"member": number})
        its_work = Work(Checkpoint(work.folder).of_member(number), work.fingerprint)
        fitted = Trainer(member, data, its_work, align).train()
        if not _is_start(fitted):
            models.append(Model.of(member, data, fitted, work.fingerprint))
    return _mean(models, data) if len(models) > 1 else first


def _is_start(fitted: Fitted) -> bool:
    """Whether a training kept its solved start."""
    return bool(fitted.record["best_epoch"] == 0)


def _within_minutes(run: Run, minutes: float, data: Data, work: Work) -> tuple[Run, int]:
    """The run with as many epochs as fit, and its members; an interrupted training keeps its numbers."""
    begun = Checkpoint(work.folder).progress(work.fingerprint)
    if begun.epochs:
        return _with_epochs(run, begun.epochs, begun.members), begun.members
    with TemporaryDirectory() as name:
        trial = Trainer(_with_epochs(run, EPOCHS, 1), data, replace(work, folder=Path(name) / "trial"))
        found = trial.epochs_within(minutes)
    members, epochs = members_within(found, run.training.members, run.training.member_epochs)
    if run.training.fixed_norms and run.mixing and run.mixing.passes == run.mixing.batches == 1:
        epochs = max(epochs, ONE_PASS_EPOCHS)
    several = f", in {members} trainings of {epochs}, whose predictions are averaged" if members > 1 else ""
    logger.info("%d epochs fit into %g min%s.", found, minutes, several)
    return _with_epochs(run, epochs, members), members


def _with_epochs(run: Run, epochs: int, members: int) -> Run:
    """A training of so many epochs, with its part of the minutes."""
    training = run.training.model_copy(update={"epochs": epochs})
    return run.model_copy(update={"training": training, "minutes": run.minutes and run.minutes / members})


def _mean(models: list[Model], data: Data) -> Fitted:
    """The ensemble of models that left their solved start; its record has the history of the first."""
    ensemble, first, rows = Ensemble.of_equals(models), models[0], data.store.rows("validation")
    records = [model.record for model in models]
    record: dict[str, Any] = first.record | {
        "validation": None,
        "train_seconds": round(sum(one["train_seconds"] for one in records), 1),
        "peak_memory_mb": max(one["peak_memory_mb"] for one in records),
        "members": [{name: one[name] for name in BRIEF} for one in records],
    }
    if not len(rows):
        return Fitted(ensemble, record)
    outcome = predict_rows(partial(ensemble.outputs, device=PartialState().device), rows)
    metric = build_metric(first.run.metric, first.run.task.output)
    record["validation"] = score(metric, outcome["prediction"], outcome["truth"])
    calibration = Calibration.of_rows(first.run.task, outcome["prediction"], outcome["truth"], rows.groups)
    return Fitted(ensemble, record, calibration)
