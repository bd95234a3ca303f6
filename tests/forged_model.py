"""A stranger's model: a folder whose files were changed, and whose records have the digests of the changed ones."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pare.storage.fingerprint import file_digest, fingerprint


def forge(folder: Path, name: str = "record.json", change: Callable[[Any], Any] = dict) -> Path:
    """Change the content of a JSON file of a model, and let all records name the files as they are now.

    Args:
        folder: folder of the model.
        name: path of the file in it.
        change: takes the content and returns another one.

    Returns:
        The folder.
    """
    path = folder / name
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    return seal_again(folder)


def seal_again(folder: Path) -> Path:
    """Let all records of a model name the files as they are now, but one that is no record any more."""
    for path in sorted(folder.rglob("record.json"), key=lambda path: -len(path.parts)):  # those of members first
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            record = json.loads(path.read_text())
            record.pop("checksum", None)
            record["files"] = {name: file_digest(path.parent / name) for name in record["files"]}
            path.write_text(json.dumps(record | {"checksum": fingerprint(record)}))
    return folder
