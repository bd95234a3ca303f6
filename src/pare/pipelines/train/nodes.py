"""Nodes of the train pipeline."""

from functools import partial

from pare.alignment import align_embedder
from pare.config import Run
from pare.evaluation.metrics import build_metric
from pare.raw.origins.manifest import RawFolder
from pare.storage.store import ArrayStore
from pare.training import FineTuning, SourceFolders


def describe_training(run: Run, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder) -> FineTuning:
    """Say how the encoder is fine-tuned on the task, which is done as the model is saved."""
    metric = build_metric(run.metric, run.task.output)
    align = partial(align_embedder, run=run) if run.alignment else None
    return FineTuning(run, model_input, SourceFolders.of(encoder, proxy), metric, align)
