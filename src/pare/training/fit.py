"""A run's training as one function."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from torchmetrics import Metric

from pare.config.run import Run
from pare.storage.store import ArrayStore
from pare.tracking import Tracking
from pare.training.checkpoint import Checkpoint
from pare.training.source_batches import SourceFolders
from pare.training.trained_model import TrainedModel
from pare.training.trainer import Align, Trainer, run_fingerprint

logger = logging.getLogger(__name__)


def fit(
    run: Run,
    store: ArrayStore,
    source: SourceFolders,
    checkpoint: Path,
    metric: Metric,
    align: Align | None = None,
    *,
    tracking: Tracking | None = None,
) -> TrainedModel:
    """Train the run's model, or go on with an interrupted training.

    Args:
        run: what to train.
        store: the model input.
        source: the files of the encoder and its proxy.
        checkpoint: folder in which the last finished epoch is kept, also after the training.
        metric: the task's metric, for the choice of the best epoch.
        align: first stage of the method, which fits the embedder before the first epoch and says how it went.
        tracking: the tracker that is told of each epoch; None: no tracker is.

    Returns:
        The model of the best validation epoch (protocol validated) or of the last epoch (protocol paper). After a
        solved start this is the start itself, fitted to the validation rows as well, where no epoch is clearly better.

    Raises:
        PareError: where the loss is not finite, or the encoder does not fit the task.
    """
    if run.training.minutes:
        run = _within_minutes(run, run.training.minutes, store, source, checkpoint, metric)
    return Trainer(run, store, source, checkpoint, metric, align, tracking=tracking).train()


def _within_minutes(
    run: Run, minutes: float, store: ArrayStore, source: SourceFolders, checkpoint: Path, metric: Metric
) -> Run:
    """The run with as many epochs as fit; an interrupted training keeps the number that it began with."""
    epochs = Checkpoint(checkpoint).progress(run_fingerprint(run, store, source)).epochs
    if not epochs:
        with TemporaryDirectory() as name:
            epochs = Trainer(_with_epochs(run, 1), store, source, Path(name) / "trial", metric).epochs_within(minutes)
        logger.info("%d epochs fit into %g min.", epochs, minutes)
    return _with_epochs(run, epochs)


def _with_epochs(run: Run, epochs: int) -> Run:
    return run.model_copy(update={"training": run.training.model_copy(update={"epochs": epochs})})
