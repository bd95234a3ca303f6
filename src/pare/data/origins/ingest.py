"""Bringing raw files into their folder, once: download, copy out of a package, or simulate."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from pare.config.errors import PareError
from pare.config.raw import RawConfig
from pare.data.files import MANIFEST, content_bytes, content_sha256, file_state, files_below, missing_from
from pare.data.made_here import is_made
from pare.data.origins.manifest import (
    FileRecord,
    Manifest,
    current_manifest,
    raw_fingerprint,
    read_manifest,
    same_request,
    write_manifest,
)
from pare.data.registries import bind_options, find_origin

README = "README.md"


@dataclass(frozen=True)
class RawFiles:
    """Raw files that are described and not brought yet; lazily saved, see `pare.storage.fingerprint.Lazy`."""

    config: RawConfig

    def is_current(self, path: Path) -> bool:
        """Whether the folder at ``path`` holds them, and its manifest has the present states of the user's own."""
        manifest = current_manifest(self.config, path)
        return manifest is not None and _present_states(manifest, path) == [record.state for record in manifest.files]

    def write(self, path: Path) -> None:
        """Bring them into the folder at ``path``, see `ingest`."""
        ingest(self.config, path)


class NoFiles:
    """The files of an encoder or a proxy that a learner does not have: a folder that says so, for DVC to track."""

    def is_current(self, path: Path) -> bool:
        """Never: it is made at once, and the log has nothing to say of it."""
        return False

    def write(self, path: Path) -> None:
        """Make the folder."""
        path.mkdir(parents=True, exist_ok=True)
        (path / README).write_text("Methods without a pretrained encoder have no files here.\n", encoding="utf-8")


def ingest(raw: RawConfig, folder: Path) -> Manifest:
    """Make the folder hold what the configuration asks for, and say so in its manifest.

    Returns at once if it does already. Origins write each file whole or not at all, and the manifest comes
    last: after a run that was killed the next one starts over, keeping downloads that were finished. A file that
    was put there by hand is never replaced or removed.

    Args:
        raw: where the files come from.
        folder: where they shall be; made if it does not exist.

    Returns:
        The manifest, also written as ``manifest.json``.

    Raises:
        PareError: if the origin or an option is unknown, a package or the network is missing, a checksum is
            wrong, a file to be written is in the folder but was not made there, or the folder cannot be written.
    """
    current = current_manifest(raw, folder)
    if current is not None:
        return _with_present_states(current, folder)
    bring = bind_options("origin", raw.origin, find_origin(raw.origin).load(), raw.options)
    _drop_previous(raw, folder)
    try:
        files = bring(folder)
    except OSError as error:
        raise PareError(
            f"cannot bring the files of {raw.origin!r} to {folder} ({error}); check free space and permissions there"
        ) from error
    records = [_record(folder / name, url) for name, url in files.items()]
    manifest = Manifest(
        **raw.model_dump(include={"origin", "options", "licence", "url", "simulated"}),
        retrieved=datetime.now(timezone.utc),
        fingerprint=raw_fingerprint(raw, records),
        files=records,
    )
    write_manifest(manifest, folder)
    return manifest


def _with_present_states(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest of files of unchanged content, so that the next run need not read one again that was touched."""
    states = _present_states(manifest, folder)
    if states == [record.state for record in manifest.files]:
        return manifest
    records = [r.model_copy(update={"state": s}) for r, s in zip(manifest.files, states, strict=True)]
    manifest = manifest.model_copy(update={"files": records})
    write_manifest(manifest, folder)
    return manifest


def _present_states(manifest: Manifest, folder: Path) -> list[str | None]:
    return [file_state(folder / record.original) if record.original else None for record in manifest.files]


def _drop_previous(raw: RawConfig, folder: Path) -> None:
    """Remove what other options made here, and links to the user's files; downloads stay: they are checked again.

    Nothing else is removed: it may be the user's only copy.
    """
    previous = read_manifest(folder)
    paths = []
    if previous is not None and previous.origin != "download":
        own = [record.original is not None for record in previous.files]
        if any(own) or not same_request(previous, raw):
            paths = [folder / r.name for r in previous.files if _may_go(folder, r)]
    try:
        for path in [folder / MANIFEST, *paths]:
            if path.is_dir() and not path.is_symlink():  # a copy of the user's folder
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise PareError(
            f"cannot replace {error.filename} ({error.strerror}); give this user write permission to {folder}"
        ) from error


def _may_go(folder: Path, record: FileRecord) -> bool:
    """Whether a recorded file is made here, a link, or a copy of what the user keeps elsewhere as it is now.

    A project that was copied with its links followed has real files, which may be the only ones of their content.
    """
    path, original = folder / record.name, record.original
    if original is None:
        return is_made(path)
    # Where the project was copied, the original may seem to be the same file in the other project.
    if not original.is_absolute() or original.parts[-3:] == path.absolute().parts[-3:]:
        return False
    if path.is_symlink() or not original.exists():
        return path.is_symlink()
    lost = missing_from(original, path)
    return not (lost - set(files_below(path)) if is_made(path) else lost)


def _record(path: Path, url: str | None) -> FileRecord:
    record = FileRecord(name=path.name, bytes=content_bytes(path), sha256="", url=url)
    # Before the content, which may change meanwhile.
    state = file_state(path.parent / record.original) if record.original else None
    return record.model_copy(update={"state": state, "sha256": content_sha256(path)})
