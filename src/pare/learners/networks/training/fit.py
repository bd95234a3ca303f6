"""A run's training as one function, and as something that is lazily saved.

Several trainings of a run are one model, the mean of their predictions. They see the rows in one order, and differ in
what else is random: initial weights, symmetries and noise that change rows, what is mixed (Lakshminarayanan et al.,
*Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles*, 2017).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from accelerate import PartialState

from pare.config.errors import PareError
from pare.config.run import Run
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.models.threads import fastest_threads
from pare.learners.networks.trained_model import TrainedModel
from pare.learners.networks.training.budget import EPOCHS, Member, members_within
from pare.learners.networks.training.checkpoint import Checkpoint
from pare.learners.networks.training.rows import batch_loader, held_out
from pare.learners.networks.training.setup import Align, run_fingerprint
from pare.learners.networks.training.source_batches import SourceFolders
from pare.learners.networks.training.trainer import Trainer
from pare.learners.saved_model import recorded_fingerprint, tell_of_replaced
from pare.storage.access import held_alone
from pare.storage.atomic import atomic_path
from pare.storage.store import ArrayStore
from pare.tracking import Tracking

if TYPE_CHECKING:
    from torchmetrics import Metric


logger = logging.getLogger(__name__)
BRIEF = ("best_epoch", "validation", "train_seconds")  # recorded of each member
ONE_PASS_EPOCHS = 3  # fewest epochs of a training without plain batches until batch norms are fixed
CHECKPOINT, LOCK = "checkpoint", ".training"  # a folder and a file next to the model's folder


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
        align: first stage of the method, which fits the embedder before the first epoch and returns its record.
        tracking: the tracker that logs each epoch; None: no tracker.

    Returns:
        The model of the best validation epoch (protocol validated) or of the last epoch (protocol paper). After a
        solved start this is the start itself, fitted to the validation rows as well, where no epoch is clearly better.
        Several members are averaged; if the first keeps its start, there are no others.

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
    """The run with as many epochs as fit, and its members; an interrupted training keeps its numbers."""
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


def mean_of(members: Sequence[TrainedModel], store: ArrayStore, metric: "Metric") -> TrainedModel:
    """An ensemble of trained models: the first, with the others in it; its record has the history of the first.

    Args:
        members: models that were trained alike and left their solved start.
        store: the model input.
        metric: the task's metric.
    """
    first, rows = members[0], store.rows("validation")
    device, size = PartialState().device, first.run.training.batch_size
    first.model.others.extend(member.model for member in members[1:])
    model = first.model.to(device)
    records = [member.record for member in members]
    record = first.record | {
        "validation": _validated(model, store, metric, 2 * size),
        "train_seconds": round(sum(one["train_seconds"] for one in records), 1),
        "peak_memory_mb": max(one["peak_memory_mb"] for one in records),
        "members": [{name: one[name] for name in BRIEF} for one in records],
    }
    calibration = held_out(model, rows, device, first.run.task, size)
    return TrainedModel(first.run, model.cpu(), record, first.encoder_config, first.preparation, calibration)


def _validated(model: CrossModalModel, store: ArrayStore, metric: "Metric", batch_size: int) -> float | None:
    """The metric of the validation rows, by single predictions as in a training; None without such rows."""
    if not len(rows := store.rows("validation")):
        return None
    metric.reset()
    with torch.inference_mode():
        for batch in batch_loader(rows, batch_size):
            x = batch["x"].to(PartialState().device)
            with fastest_threads(model, "validation"):
                prediction = torch.stack([member.predict(x) for member in model.members]).mean(0)
            metric.update(prediction.float().cpu(), batch["y"])
    return float(metric.compute())


@dataclass(frozen=True)
class FineTuning:
    """A training that is described and not done yet; lazily saved, see `pare.storage.fingerprint.Lazy`.

    The checkpoint lies next to the model, so that it outlives a model's folder that is made anew. It is removed once
    the model is written.

    Attributes:
        run: what to train.
        store: the model input.
        source: the files of the encoder and its proxy.
        metric: the task's metric, for the choice of the best epoch.
        align: first stage of the method, see `fit`.
        tracking: the tracker that logs each epoch.
    """

    run: Run
    store: ArrayStore
    source: SourceFolders
    metric: "Metric"
    align: Align | None = None
    tracking: Tracking | None = None

    def is_current(self, path: Path) -> bool:
        """Whether the model at ``path`` is that of this training, and its checkpoint is removed."""
        return self._is_trained(path) and not (path.parent / CHECKPOINT).exists()

    def write(self, path: Path) -> None:
        """Train, or go on after the last epoch that was saved, and write the folder of the model whole or not at all.

        Raises:
            PareError: where another process trains the same run, since both would write the same checkpoint.
        """
        with held_alone(
            path.parent / LOCK,
            f"{self.run.folder} is being trained",
            "wait until it is done, or name this run to train it as well: variant=NAME",
        ):
            if not self._is_trained(path):
                tell_of_replaced(path, self.run)
                checkpoint, tracking = path.parent / CHECKPOINT, self.tracking
                trained = fit(self.run, self.store, self.source, checkpoint, self.metric, self.align, tracking=tracking)
                with atomic_path(path) as unfinished:
                    trained.save(unfinished)
            Checkpoint(path.parent / CHECKPOINT).remove()

    def _is_trained(self, path: Path) -> bool:
        return recorded_fingerprint(path) == run_fingerprint(self.run, self.store, self.source)


def check_data(trained: TrainedModel, store: ArrayStore, source: SourceFolders) -> None:
    """Refuse a model that was trained on other data.

    Args:
        trained: the model.
        store: the model input that it is used with.
        source: the files of its encoder and proxy.

    Raises:
        PareError: if the task, its data, the encoder or the proxy changed since the training.
    """
    if run_fingerprint(trained.run, store, source) != trained.record["fingerprint"]:
        raise PareError(
            "the data or the task changed since the model was trained; train it again: "
            f"{trained.run.command('pare_train')}"
        )
