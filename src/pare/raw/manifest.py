"""The manifest beside raw files: what they are, where they came from, under which licence."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ValidationError

from pare.arrays.atomic import atomic_path
from pare.arrays.fingerprint import fingerprint
from pare.config.schema import RawConfig

MANIFEST = "manifest.json"


def _plain_name(name: str) -> str:
    """Refuse names that would leave the folder: configuration and manifests are text that anyone may edit."""
    if name in ("", ".", "..", MANIFEST) or Path(name).name != name or "\\" in name:
        raise ValueError(f"{name!r} is no plain file name; give a name without folders, other than {MANIFEST}")
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


class FileRecord(BaseModel):
    """One raw file: its size in bytes, its SHA-256, and the URL it came from if it was downloaded."""

    name: FileName
    bytes: int
    sha256: str
    url: str | None = None


class Manifest(BaseModel):
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
    """Manifest of a folder, or None where there is none that can be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json`` into the folder.

    Raises:
        PareError: if the folder cannot be written.
    """
    with atomic_path(folder / MANIFEST) as path:
        path.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def request_fingerprint(raw: RawConfig) -> str:
    """Fingerprint of what decides the files: the origin and its options, not the words about them."""
    return fingerprint(raw.origin, raw.options)


def current_manifest(raw: RawConfig, folder: Path) -> Manifest | None:
    """Manifest of a folder that holds what the configuration asks for, or None if it must be brought (again).

    Files are compared by size only: hashing gigabytes at every run would cost more than it protects.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest.fingerprint != request_fingerprint(raw):
        return None
    whole = all(_has_size(folder / record.name, record.bytes) for record in manifest.files)
    return manifest if whole else None


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
