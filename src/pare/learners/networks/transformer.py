"""PaRe, its variants, ORCA, the probe and fine-tuning: learners around a pretrained encoder."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pare.config.run import Run
from pare.learners.learner import Data, Fitted, Work
from pare.learners.networks.alignment import align_embedder
from pare.learners.networks.trained_network import TrainedNetwork, load_network
from pare.learners.networks.training import fit
from pare.learners.networks.training.augmentation import check_augmentation
from pare.learners.networks.training.objective import check_mixing


class TransformerLearner:
    """The learner of a network around a pretrained encoder; see `pare.learners.learner.Learner`."""

    def suits(self, run: Run) -> str:
        """Why it is not tried in a choice: the task has more training rows than suit it."""
        rows = run.task.n_training(run.protocol, run.training.fraction)
        if run.learner.rows is None or rows <= run.learner.rows:
            return ""
        return f"suits at most {run.learner.rows} training rows, the task has {rows}"

    def check(self, run: Run) -> None:
        """Refuse names of mixers, gates and augmentations that do not exist."""
        check_augmentation(run.training.augmentation, run.task.kind)
        if run.mixing:
            check_mixing(run.mixing)

    def fit(self, run: Run, data: Data, work: Work) -> Fitted:
        """Solve and train, or go on after the last epoch that was saved."""
        align = partial(align_embedder, run=run) if run.alignment else None
        return fit(run, data, work, align)

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> TrainedNetwork:
        """Read a network."""
        return load_network(folder, run, record)

    def weighs_rows(self, run: Run) -> bool:
        """Whether rows may count differently: where heads are solved and nothing is trained."""
        return not run.training.epochs and run.task.kind != "field"
