"""Nodes of the train pipeline."""

from functools import partial

from pare.alignment import align_embedder
from pare.config import Run
from pare.evaluation.metrics import build_metric
from pare.raw.origins.manifest import RawFolder
from pare.start import SolvedStart
from pare.storage.store import ArrayStore
from pare.training import FineTuning, SourceFolders


def describe_training(
    run: Run, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder
) -> FineTuning | SolvedStart:
    """Say how the model comes from the encoder, by training or by solving, which is done as the model is saved."""
    metric, source = build_metric(run.metric, run.task.output), SourceFolders.of(encoder, proxy)
    if run.start:
        return SolvedStart(run, model_input, source, metric)
    align = partial(align_embedder, run=run) if run.alignment else None
    return FineTuning(run, model_input, source, metric, align)
