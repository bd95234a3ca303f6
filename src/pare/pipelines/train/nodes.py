"""Nodes of the train pipeline."""

from pare.config import Run
from pare.data.origins.manifest import RawFolder, raw_fingerprint
from pare.data.preparation import check_model_input
from pare.evaluation.metrics import check_classes, check_fields
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore
from pare.tracking import Tracking


def describe_fit(
    run: Run,
    tracking: Tracking,
    raw: RawFolder,
    model_input: ArrayStore,
    encoder: RawFolder | None,
    proxy: RawFolder | None,
) -> Fit:
    """Say what learns from which rows, and from which source if it has one; it is done as the model is saved.

    Raises:
        PareError: where the model input is not that of the run's raw files, task and protocol, or lacks a class; where
            an error is a share of its field, and some are zero everywhere.
    """
    check_model_input(run, raw_fingerprint(run.task.raw.active, raw.manifest.files), model_input)
    check_classes(run, model_input)
    check_fields(run, model_input)
    source = SourceFolders.of(encoder, proxy) if encoder and proxy else None
    return Fit(run, Data(model_input, source), tracking)
