"""Fingerprints: two results with the same fingerprint were made from the same inputs in the same way."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel


def fingerprint(*parts: Any) -> str:
    """Digest of anything JSON can hold, pydantic models included; key order does not matter."""
    plain = [p.model_dump(mode="json") if isinstance(p, BaseModel) else p for p in parts]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, read as a stream."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(stream)


def _digest(stream: Any) -> str:
    """The same for Python 3.10, which has no ``hashlib.file_digest``."""
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
