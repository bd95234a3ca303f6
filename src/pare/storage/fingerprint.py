"""Fingerprints of results, and lazy saving, which makes a result only if its fingerprint is new."""

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel


def fingerprint(*parts: Any) -> str:
    """Digest of anything JSON can hold, pydantic models included; key order does not matter."""
    plain = [p.model_dump(mode="json") if isinstance(p, BaseModel) else p for p in parts]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file's content, read as a stream; Python 3.10 has no ``hashlib.file_digest``."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Lazy(Protocol):
    """Data that are described and not made yet, such as files to download or a model to train.

    Two descriptions with the same fingerprint make the same data, see `pare.storage.fingerprint`.
    """

    def is_current(self, path: Path) -> bool:
        """Whether the data at ``path`` are whole and have the same fingerprint, so that nothing is to be made."""

    def write(self, path: Path) -> None:
        """Make the data at ``path``, or go on where an interrupted attempt ended."""
