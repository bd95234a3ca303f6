"""The record in a model's folder: the run that made it, what decided it, and how its making went."""

import json
import logging
from pathlib import Path
from typing import Any

from pare.config.run import PREPARATION, TaskRun, changed_text

logger = logging.getLogger(__name__)
RECORD = "record.json"


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the trained model in a folder, or None where there is none that can be read."""
    record = read_record(folder)
    return None if record is None else str(record["fingerprint"])


def tell_of_replaced(folder: Path, run: TaskRun) -> None:
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
    return record if "fingerprint" in record and (folder / PREPARATION).is_file() else None
