"""Fitting a model to a task: objective, source batches, loop, checkpoint."""

import sys

from pare.saved import saved_model, trained_model
from pare.training.fit import FineTuning, check_data, fit
from pare.training.setup import run_fingerprint
from pare.training.source_batches import SourceFolders

__all__ = ["FineTuning", "SourceFolders", "check_data", "fit", "run_fingerprint"]
# Pickled estimators of 0.1.0 name these modules so.
sys.modules |= {f"{__name__}.saved_model": saved_model, f"{__name__}.trained_model": trained_model}
