"""Nodes of the preprocess pipeline."""

from pare.config import Run, unknown_name
from pare.datasets import RawFolder
from pare.preparation import ModelInput
from pare.raw import READERS, bind_options


def prepare_model_input(run: Run, raw: RawFolder) -> ModelInput:
    """Open the raw files and describe their split and normalisation; the dataset computes it as a stream."""
    reader = run.task.reader
    if reader.name not in READERS:
        raise unknown_name("reader", reader.name, READERS, "the task's YAML")
    samples = bind_options("reader", reader.name, READERS[reader.name], reader.options)(raw.path)
    validated = run.protocol == "validated"
    return ModelInput(run.task_name, run.task, samples, raw.manifest.fingerprint, validated=validated)
