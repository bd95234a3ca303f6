"""Nodes of the preprocess pipeline."""

import logging
from collections.abc import Mapping

from pare.config import PareError, Run
from pare.config.raw import OWN_FILES
from pare.data.origins.manifest import RawFolder
from pare.data.preparation import ModelInput
from pare.data.registries import open_raw_files
from pare.storage.samples import Samples

logger = logging.getLogger(__name__)


def describe_model_input(run: Run, raw: RawFolder) -> ModelInput:
    """Open the raw files and say how they are split and normalised, which is done as the model input is saved."""
    samples = open_raw_files(run.task.reader, raw.path)
    _tell_of_unused_rows(run, samples)
    _check_classes(run, samples)
    validated = run.protocol == "validated"
    return ModelInput(run.task_name, run.task, samples, raw.fingerprint, validated=validated, check=raw.check)


def _tell_of_unused_rows(run: Run, samples: Mapping[str, Samples]) -> None:
    """Warn of rows that the task does not use, such as those added to a user's file since its task was written."""
    for part, wanted in run.task.samples.items():
        held = samples[part].count if part in samples else 0
        if run.task.raw.origin == OWN_FILES and held > wanted:
            logger.warning(
                "The files of task %s hold %d rows of part %r, the first %d are used; raise samples.%s to use all.",
                *(run.task_name, held, part, wanted, part),
            )


def _check_classes(run: Run, samples: Mapping[str, Samples]) -> None:
    """Refuse numbers as classes: only the user can know that they are class names."""
    if not run.task.classes:
        return
    _, y = next(iter(samples.values())).read(0, 1)
    if y.ndim == 2:
        raise PareError(
            f"task {run.task_name!r} predicts classes, its reader {run.task.reader.name!r} gives numbers, "
            f"{y.shape[1]} a row. Where they name classes, say so in reader.options: for a table "
            f"categorical: [<target column>], for arrays target: classes. Else set output.kind to regression"
        )
