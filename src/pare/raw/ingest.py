"""Bringing raw files into their folder, once: download, copy out of a package, or simulate."""

from datetime import datetime, timezone
from pathlib import Path

from pare.arrays.fingerprint import file_sha256
from pare.config.errors import PareError, unknown_name
from pare.config.schema import RawConfig
from pare.raw.manifest import (
    MANIFEST,
    FileRecord,
    Manifest,
    current_manifest,
    read_manifest,
    request_fingerprint,
    write_manifest,
)
from pare.raw.options import bind_options
from pare.raw.origins import ORIGINS


def ingest(raw: RawConfig, folder: Path) -> Manifest:
    """Make the folder hold what the configuration asks for, and say so in its manifest.

    Returns at once if it does already. Origins write each file whole or not at all, and the manifest comes
    last: after a run that was killed the next one starts over, keeping downloads that were finished and files
    that were put there by hand.

    Args:
        raw: where the files come from.
        folder: where they shall stand; made if it does not exist.

    Returns:
        The manifest, also written as ``manifest.json``.

    Raises:
        PareError: if the origin or an option is unknown, a package or the network is missing, a checksum is
            wrong, or the folder cannot be written.
    """
    current = current_manifest(raw, folder)
    if current is not None:
        return current
    if raw.origin not in ORIGINS:
        raise unknown_name("origin", raw.origin, ORIGINS, "pare.raw.ORIGINS")
    bring = bind_options("origin", raw.origin, ORIGINS[raw.origin], raw.options)
    _drop_previous(raw, folder)
    try:
        files = bring(folder)
    except OSError as error:
        raise PareError(
            f"cannot bring the files of {raw.origin!r} to {folder} ({error}); check free space and permissions there"
        ) from error
    manifest = Manifest(
        **raw.model_dump(include={"origin", "options", "licence", "url", "simulated"}),
        retrieved=datetime.now(timezone.utc),
        fingerprint=request_fingerprint(raw),
        files=[_record(folder / name, url) for name, url in files.items()],
    )
    write_manifest(manifest, folder)
    return manifest


def _drop_previous(raw: RawConfig, folder: Path) -> None:
    """Remove what other options made here; downloads stay, since they are checked again."""
    previous = read_manifest(folder)
    names = []
    if previous is not None and previous.origin != "download" and not _same_request(previous, raw):
        names = [record.name for record in previous.files]
    try:
        for name in [MANIFEST, *names]:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise PareError(
            f"cannot replace {error.filename} ({error.strerror}); give this user write permission to {folder}"
        ) from error


def _same_request(previous: Manifest, raw: RawConfig) -> bool:
    return (previous.origin, previous.options) == (raw.origin, raw.options)


def _record(path: Path, url: str | None) -> FileRecord:
    return FileRecord(name=path.name, bytes=path.stat().st_size, sha256=file_sha256(path), url=url)
