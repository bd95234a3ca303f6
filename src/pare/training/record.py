"""The record in a model's folder: the run that made it, what decided it, and how its making went."""

import json
import logging
from pathlib import Path
from typing import Any

from pare.config.errors import PareError
from pare.config.run import BaselineRun, Run, changed_text
from pare.preparation.preparation import NAMES
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
RECORD = "record.json"


class Recorded:
    """A model that knows what made it.

    Attributes:
        run: the run that made it.
        record: fingerprints of the training and of the model input, what decided the model (`decisive` of its run),
            best epoch, seconds, memory, versions.
    """

    run: Run | BaselineRun
    record: dict[str, Any]

    def check(self, run: Run | BaselineRun, store: ArrayStore, as_it_is: str) -> None:
        """Refuse a model that is not the run's, see `check_values`, or that was trained on another model input.

        Args:
            run: the run that the model is used for.
            store: its model input.
            as_it_is: the command that uses the model with the values that it was trained with.

        Raises:
            PareError: with what is different and the command that helps.
        """
        self.check_values(run, as_it_is)
        if self.record["model_input"] != store.fingerprint:
            raise PareError(
                f"the model of {run.folder} was trained on another model input than {store.path}, which was prepared "
                f"again since; train it again: {run.command(run.PIPELINE)}"
            )

    def check_values(self, run: Run | BaselineRun, as_it_is: str) -> None:
        """Refuse a model that was trained with other values than the run's; arguments and errors as for `check`."""
        if changed := changed_text(self.record.get("decisive"), run.decisive()):
            use = f", or use it as it is: {as_it_is}" if self.run.params != run.params else ""
            raise PareError(
                f"the model of {run.folder} was trained with another {changed}; "
                f"train it again: {run.command(run.PIPELINE)}{use}"
            )


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the trained model in a folder, or None where there is none that can be read."""
    record = read_record(folder)
    return None if record is None else str(record["fingerprint"])


def tell_of_replaced(folder: Path, run: Run | BaselineRun) -> None:
    """Warn where a finished model of the same folder was trained with other values, before it is replaced."""
    record = read_record(folder)
    if record and (changed := changed_text(record.get("decisive"), run.decisive())):
        logger.warning(
            "%s holds a model with another %s, which is replaced once this training is done; to keep both, name this "
            "run: variant=NAME",
            *(folder, changed),
        )


def read_record(folder: Path) -> dict[str, Any] | None:
    """What the folder of a model records; None where it holds none, or one of an older version of this project."""
    try:
        record = dict(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError):
        return None
    return record if "fingerprint" in record and (folder / NAMES).is_file() else None
