"""A run's training as one function."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pare.config.run import Run
from pare.storage.store import ArrayStore
from pare.tracking import Tracking
from pare.training.budget import EPOCHS, Member, members_within
from pare.training.checkpoint import Checkpoint
from pare.training.members import mean_of
from pare.training.source_batches import SourceFolders
from pare.training.trained_model import TrainedModel
from pare.training.trainer import Align, Trainer, run_fingerprint

if TYPE_CHECKING:
    from torchmetrics import Metric


logger = logging.getLogger(__name__)
ONE_PASS_EPOCHS = 3  # least of a training without plain batches until batch norms are fixed


def fit(
    run: Run,
    store: ArrayStore,
    source: SourceFolders,
    checkpoint: Path,
    metric: "Metric",
    align: Align | None = None,
    *,
    tracking: Tracking | None = None,
) -> TrainedModel:
    """Train the run's model, or go on with an interrupted training.

    Args:
        run: what to train.
        store: the model input.
        source: the files of the encoder and its proxy.
        checkpoint: folder in which the last epoch that was saved is kept, also after the training.
        metric: the task's metric, for the choice of the best epoch.
        align: first stage of the method, which fits the embedder before the first epoch and says how it went.
        tracking: the tracker that is told of each epoch; None: no tracker is.

    Returns:
        The model of the best validation epoch (protocol validated) or of the last epoch (protocol paper). After a
        solved start this is the start itself, fitted to the validation rows as well, where no epoch is clearly better.
        Of several members it is the mean; where the first keeps its start, there are no others.

    Raises:
        PareError: where the loss is not finite, or the encoder does not fit the task.
    """
    count = run.training.members
    if run.training.minutes:
        run, count = _within_minutes(run, run.training.minutes, store, source, checkpoint, metric)
    first = Trainer(run, store, source, checkpoint, metric, align, tracking=tracking, member=Member(0, count)).train()
    if count == 1 or _is_start(first):
        return first
    members = [first]
    for number in range(1, count):
        logger.info("Training %d of %d, whose predictions are averaged:", number + 1, count)
        folder, member = Checkpoint(checkpoint).of_member(number), Member(number, count)
        members.append(Trainer(run, store, source, folder, metric, align, member=member).train())
    trained = [member for member in members if not _is_start(member)]
    return mean_of(trained, store, metric) if len(trained) > 1 else first


def _is_start(trained: TrainedModel) -> bool:
    """Whether a training kept its solved start."""
    return trained.record["best_epoch"] == 0


def _within_minutes(
    run: Run, minutes: float, store: ArrayStore, source: SourceFolders, checkpoint: Path, metric: "Metric"
) -> tuple[Run, int]:
    """The run with as many epochs as fit, and its members; an interrupted training keeps what it began with."""
    begun = Checkpoint(checkpoint).progress(run_fingerprint(run, store, source))
    if begun.epochs:
        return _with_epochs(run, begun.epochs), begun.members
    with TemporaryDirectory() as name:
        trial = Trainer(_with_epochs(run, EPOCHS), store, source, Path(name) / "trial", metric)
        found = trial.epochs_within(minutes)
    members, epochs = members_within(found, run.training.members, run.training.member_epochs)
    if run.training.fixed_norms and run.mixing and run.mixing.passes == run.mixing.batches == 1:
        epochs = max(epochs, ONE_PASS_EPOCHS)
    several = f", in {members} trainings of {epochs}, whose predictions are averaged" if members > 1 else ""
    logger.info("%d epochs fit into %g min%s.", found, minutes, several)
    return _with_epochs(run, epochs), members


def _with_epochs(run: Run, epochs: int) -> Run:
    return run.model_copy(update={"training": run.training.model_copy(update={"epochs": epochs})})
