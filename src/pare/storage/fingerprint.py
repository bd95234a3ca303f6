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


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file's content, read as a stream; Python 3.10 has no ``hashlib.file_digest``."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
