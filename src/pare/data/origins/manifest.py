"""The manifest of a folder of raw files: what they are, where they came from, under which licence."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import AwareDatetime, BaseModel, ValidationError

from pare.config.errors import INGEST, PareError
from pare.config.raw import RawConfig
from pare.data.files import MANIFEST, FileName, content_sha256, file_state
from pare.storage.atomic import atomic_path
from pare.storage.checksums import Damaged, read_sealed, sealed_json
from pare.storage.fingerprint import fingerprint

SMALL = 64 << 20  # bytes, whose digest takes a twentieth of a second


class FileRecord(BaseModel, extra="forbid"):
    """One raw file, or a folder of the user's that counts as one.

    Attributes:
        bytes: its size.
        sha256: SHA-256 of its content.
        url: where it came from, if it was downloaded; ``file:…`` if it is the user's own.
        state: digest of names, sizes and times of change when the content was read, for the user's own.
    """

    name: FileName
    bytes: int
    sha256: str
    url: str | None = None
    state: str | None = None

    @property
    def original(self) -> Path | None:
        """Where the user keeps the file, absolute or relative to the folder; None where it is not the user's own."""
        parts = urlsplit(self.url or "")
        return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


class Manifest(BaseModel, extra="forbid"):
    """What a folder of raw files holds; written last, so its presence says that the files are whole."""

    origin: str
    options: dict[str, Any]
    licence: str
    url: str | None
    simulated: bool
    retrieved: AwareDatetime
    fingerprint: str
    files: list[FileRecord]


def read_manifest(folder: Path) -> Manifest | None:
    """Manifest of a folder, or None if there is no readable one."""
    try:
        return Manifest.model_validate(read_sealed(folder / MANIFEST, older=True))
    except (Damaged, ValidationError):
        return None


@dataclass(frozen=True)
class RawFolder:
    """A folder of raw files and its manifest."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> "RawFolder":
        """The folder at ``path``; PareError where it holds no raw files with a manifest."""
        manifest = read_manifest(path)
        if manifest is None:
            raise PareError(f"{path} holds no raw files with a manifest; run {INGEST}")
        return cls(path, manifest)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of what decides the files."""
        return self.manifest.fingerprint

    def check(self) -> None:
        """Compare the files with what was brought; PareError where one is missing or was changed."""
        for record in self.manifest.files:
            path = self.path / record.name
            if not path.exists() or content_sha256(path) != record.sha256:
                advice = f"run {INGEST}" if record.original else f"remove it and run {INGEST}"
                raise PareError(f"{path} is missing, or is not what was brought; {advice}")


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json`` into the folder.

    Raises:
        PareError: if the folder cannot be written.
    """
    with atomic_path(folder / MANIFEST) as path:
        path.write_text(sealed_json(manifest.model_dump(mode="json")) + "\n", encoding="utf-8")


def raw_fingerprint(raw: RawConfig, files: Iterable[FileRecord]) -> str:
    """Fingerprint of what decides the files, not of the words about them.

    That is the origin and its options; the content where the files are the user's own and may change at any time.
    """
    own = [(record.name, record.sha256) for record in files if record.original]
    return fingerprint(raw.origin, own) if own else fingerprint(raw.origin, raw.options)


def same_request(manifest: Manifest, raw: RawConfig) -> bool:
    """Whether the files were brought as the configuration says now."""
    return fingerprint(manifest.origin, manifest.options) == fingerprint(raw.origin, raw.options)


def current_manifest(raw: RawConfig, folder: Path) -> Manifest | None:
    """Manifest of a folder that holds what the configuration asks for, or None if it must be brought (again).

    Files are compared by size only: hashing gigabytes at every run would cost more than it protects, and what reads
    them checks them. The user's own are compared by size and time of change, and by content where one of these is
    another or they are small.
    """
    manifest = read_manifest(folder)
    if manifest is None or not same_request(manifest, raw):
        return None
    if manifest.fingerprint != raw_fingerprint(raw, manifest.files):
        return None
    return manifest if all(_unchanged(record, folder) for record in manifest.files) else None


def _unchanged(record: FileRecord, folder: Path) -> bool:
    path = folder / record.name
    if record.original is None:
        return path.is_file() and path.stat().st_size == record.bytes
    original = folder / record.original
    if not (path.exists() and original.exists()):
        return False
    same = file_state(original) == record.state and record.bytes > SMALL
    return same or content_sha256(original) == record.sha256
