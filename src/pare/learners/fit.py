"""A fit that is described and not made yet, and the folder of its model, written whole or not at all."""

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from pare.config.errors import PareError
from pare.config.ranks import rank, ranks
from pare.config.run import Run
from pare.learners.distributed import from_main
from pare.learners.learner import Data, Work, fit_fingerprint, learner_of
from pare.learners.model import Model, recorded_fingerprint, tell_of_replaced
from pare.storage.access import held_alone
from pare.storage.atomic import atomic_path, recover
from pare.tracking import Tracking

CHECKPOINT, LOCK = "checkpoint", ".training"  # a folder and a file next to the model's folder


@dataclass(frozen=True)
class Fit:
    """The fit of a run; lazily saved, see `pare.storage.fingerprint.Lazy`.

    What an interrupted fit leaves lies next to the model, so that it outlives a model's folder that is made anew. It is
    removed once the model is written.

    Attributes:
        run: what to fit.
        data: what it learns from.
        tracking: the tracker that logs each epoch.
    """

    run: Run
    data: Data
    tracking: Tracking = field(default_factory=Tracking)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that decides the model, except for the machine."""
        return fit_fingerprint(self.run, self.data)

    def is_current(self, path: Path) -> bool:
        """Whether the model at ``path`` is that of this fit, and what led to it is removed; all processes agree."""
        return from_main(self._is_made(path) and not any((path.parent / name).exists() for name in (CHECKPOINT, LOCK)))

    def write(self, path: Path) -> None:
        """Fit, or go on with an interrupted fit, and write the folder of the model.

        Several processes that a launcher started fit together, and the main one writes.

        Raises:
            PareError: where another process fits the same run, since both would write the same files; or several fit
                what is no network.
        """
        self._check_ranks()
        held = held_alone(
            path.parent / LOCK,
            f"{self.run.folder} is being trained",
            "wait until it is done, or name this run to train it as well: variant=NAME",
        )
        with nullcontext() if rank() else held:
            if not from_main(self._is_made(path)):
                if not rank():
                    tell_of_replaced(path, self.run)
                model = self.model(path.parent / CHECKPOINT)
                if not rank():
                    with atomic_path(path) as unfinished:
                        model.save(unfinished)
            if not rank():
                recover(path.parent / CHECKPOINT)
                shutil.rmtree(path.parent / CHECKPOINT, ignore_errors=True)
            from_main(None)

    def model(self, folder: Path) -> Model:
        """Fit, or go on where an interrupted fit ended.

        Args:
            folder: for what an interrupted fit leaves.
        """
        fitted = learner_of(self.run).fit(self.run, self.data, Work(folder, self.fingerprint, self.tracking))
        return Model.of(self.run, self.data, fitted, self.fingerprint)

    def _check_ranks(self) -> None:
        if ranks() > 1 and not self.run.learner.is_network:
            raise PareError(
                f"several processes train one network together; {self.run.method_name!r} is none: start it as one, "
                f"`{self.run.command('train')}`"
            )

    def _is_made(self, path: Path) -> bool:
        return recorded_fingerprint(path) == self.fingerprint
