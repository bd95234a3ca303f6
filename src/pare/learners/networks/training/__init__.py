"""Fitting a model to a task: objective, source batches, loop, checkpoint."""

from pare.learners.networks.training.fit import FineTuning, check_data, fit
from pare.learners.networks.training.setup import run_fingerprint
from pare.learners.networks.training.source_batches import SourceFolders

__all__ = ["FineTuning", "SourceFolders", "check_data", "fit", "run_fingerprint"]
