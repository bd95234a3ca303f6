"""A training as something that is lazily saved: the trained model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pare.config.errors import PareError
from pare.config.run import Run
from pare.storage.atomic import atomic_path
from pare.storage.lock import held_alone
from pare.storage.store import ArrayStore
from pare.tracking import Tracking
from pare.training.checkpoint import Checkpoint
from pare.training.fit import fit
from pare.training.record import recorded_fingerprint, tell_of_replaced
from pare.training.source_batches import SourceFolders
from pare.training.trained_model import TrainedModel
from pare.training.trainer import Align, run_fingerprint

if TYPE_CHECKING:
    from torchmetrics import Metric


CHECKPOINT, LOCK = "checkpoint", ".training"  # a folder and a file next to the model's folder


@dataclass(frozen=True)
class FineTuning:
    """A training that is described and not done yet; lazily saved, see `pare.storage.lazy.Lazy`.

    The checkpoint lies next to the model, so that it outlives a model's folder that is made anew. It is removed once
    the model is written.

    Attributes:
        run: what to train.
        store: the model input.
        source: the files of the encoder and its proxy.
        metric: the task's metric, for the choice of the best epoch.
        align: first stage of the method, see `fit`.
        tracking: the tracker that is told of each epoch.
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
