"""Nodes of the train pipeline."""

from functools import partial

from pare.config import Run
from pare.data.origins.manifest import RawFolder, raw_fingerprint
from pare.data.preparation import check_model_input
from pare.evaluation.metrics import build_metric, check_classes
from pare.learners.networks.training import FineTuning, SourceFolders
from pare.storage.store import ArrayStore
from pare.tracking import Tracking


def describe_training(
    run: Run, tracking: Tracking, raw: RawFolder, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder
) -> FineTuning:
    """Say how the model comes from the encoder, by solving and training, which is done as the model is saved.

    Raises:
        PareError: where the model input is not that of the run's raw files, task and protocol, or lacks a class.
    """
    check_model_input(run, raw_fingerprint(run.task.raw.active, raw.manifest.files), model_input)
    check_classes(run, model_input)
    metric, source = build_metric(run.metric, run.task.output), SourceFolders.of(encoder, proxy)
    align = None
    if run.alignment:
        from pare.learners.networks.alignment import align_embedder  # noqa: PLC0415 - optimal transport, which few methods need

        align = partial(align_embedder, run=run)
    return FineTuning(run, model_input, source, metric, align, tracking)
