"""Nodes of the train pipeline."""

from functools import partial
from pathlib import Path

from pare.alignment import align_embedder
from pare.config import Run
from pare.datasets import RawFolder
from pare.evaluation.metrics import build_metric
from pare.storage.store import ArrayStore
from pare.training import SourceFolders, TrainedModel, fit


def train_model(
    run: Run, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder, model_folder: Path
) -> TrainedModel:
    """Fine-tune the encoder on the task; unfinished work is kept in the model folder and gone on with."""
    source = SourceFolders(encoder.path, proxy.path, (encoder.manifest.fingerprint, proxy.manifest.fingerprint))
    align = partial(align_embedder, run=run) if run.alignment else None
    return fit(run, model_input, source, model_folder, build_metric(run.metric, run.task.output), align)
