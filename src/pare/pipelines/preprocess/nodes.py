"""Nodes of the preprocess pipeline."""

import logging
from collections.abc import Mapping

from pare.config import PareError, TaskRun, unknown_name
from pare.config.schema import OWN_FILES
from pare.datasets import RawFolder
from pare.preparation import ModelInput
from pare.raw.options import bind_options
from pare.raw.readers.registry import READERS
from pare.storage.samples import Samples

logger = logging.getLogger(__name__)


def prepare_model_input(run: TaskRun, raw: RawFolder) -> ModelInput:
    """Open the raw files and describe their split and normalisation; the dataset computes it as a stream."""
    samples = open_raw_files(run, raw)
    _tell_of_unused_rows(run, samples)
    _check_classes(run, samples)
    validated = run.protocol == "validated"
    return ModelInput(run.task_name, run.task, samples, raw.manifest.fingerprint, validated=validated)


def open_raw_files(run: TaskRun, raw: RawFolder) -> dict[str, Samples]:
    """The raw files as the task's reader gives them, by part."""
    reader = run.task.reader
    if reader.name not in READERS:
        raise unknown_name("reader", reader.name, READERS, "the task's YAML")
    return bind_options("reader", reader.name, READERS[reader.name], reader.options)(raw.path)


def _tell_of_unused_rows(run: TaskRun, samples: Mapping[str, Samples]) -> None:
    """A user's file grows, and the task that was written for it says how many rows there were."""
    for part, wanted in run.task.samples.items():
        held = samples[part].count if part in samples else 0
        if run.task.raw.origin == OWN_FILES and held > wanted:
            logger.warning(
                "The files of task %s hold %d rows of part %r, the first %d are used; raise samples.%s to use all.",
                *(run.task_name, held, part, wanted, part),
            )


def _check_classes(run: TaskRun, samples: Mapping[str, Samples]) -> None:
    """A reader takes numbers as numbers; that they name classes is for the user to say."""
    if not run.task.classes:
        return
    _, y = next(iter(samples.values())).read(0, 1)
    if y.ndim == 2:
        raise PareError(
            f"task {run.task_name!r} predicts classes, its reader {run.task.reader.name!r} gives numbers, "
            f"{y.shape[1]} a row. Where they name classes, say so in reader.options: for a table "
            f"categorical: [<target column>], for arrays target: classes. Else set output.kind to regression"
        )
