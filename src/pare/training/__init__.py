"""Fitting a model to a task: objective, source batches, loop, checkpoint, trained model."""

from pare.training.fine_tuning import FineTuning, check_data
from pare.training.fit import fit
from pare.training.source_batches import SourceFolders
from pare.training.trained_model import TrainedModel
from pare.training.trainer import run_fingerprint

__all__ = ["FineTuning", "SourceFolders", "TrainedModel", "check_data", "fit", "run_fingerprint"]
