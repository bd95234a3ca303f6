"""What a file, or a folder of files, holds, and a cheap sign of whether that may have changed."""

from collections.abc import Iterator
from pathlib import Path

from pare.storage.fingerprint import file_digest, fingerprint

HIDDEN = ("thumbs.db", "desktop.ini")  # of Windows, in small letters


def file_state(path: Path) -> str:
    """Digest of names, sizes and times of change of a file, or of all files below a folder.

    It is equal only if nothing changed; whether something did, `content_sha256` tells.
    """
    return fingerprint([(_relative(p, path), p.stat().st_size, p.stat().st_mtime_ns) for p in files_below(path)])


def content_sha256(path: Path) -> str:
    """SHA-256 of a file, or digest of the names and contents of all files below a folder."""
    if path.is_file():
        return file_digest(path)
    return fingerprint([(_relative(p, path), file_digest(p)) for p in files_below(path)])


def content_bytes(path: Path) -> int:
    """Size of a file, or of all files below a folder together."""
    return sum(p.stat().st_size for p in files_below(path))


def files_below(path: Path) -> Iterator[Path]:
    """The file, or all files below the folder in the order of their names, but those that a desktop hides there."""
    if path.is_file():
        yield path
    else:
        yield from (p for p in sorted(path.rglob("*")) if p.is_file() and not is_hidden(p))


def is_hidden(path: Path) -> bool:
    """Whether a desktop hides a file or a folder of this name, which its user does not know of."""
    return path.name.startswith(".") or path.name.lower() in HIDDEN


def missing_from(other: Path, path: Path) -> set[Path]:
    """The file, or those below the folder, hidden ones too, that another does not hold as well, with equal content."""
    files = {path} if path.is_file() else {p for p in path.rglob("*") if not p.is_dir()}
    return {p for p in files if not _equal(p, other / p.relative_to(path))}


def _equal(file: Path, other: Path) -> bool:
    """Whether two files, not one that is found at two paths, have the same content."""
    return file.is_file() and other.is_file() and not file.samefile(other) and file_digest(file) == file_digest(other)


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
