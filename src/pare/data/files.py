"""Raw files: the names that they may have, what their names say, and what they hold."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from pare.config.errors import INGEST
from pare.storage.fingerprint import file_digest, fingerprint

MANIFEST = "manifest.json"
MADE_HERE = ".made_here.sha256"
PREPROCESSOR = "preprocessor_config.json"  # how Hugging Face names it
HIDDEN = ("thumbs.db", "desktop.ini")  # made by Windows, in small letters
FETCH = f"fetch it: {INGEST}"
FETCH_AGAIN = f"Remove it and fetch it again: {INGEST}"
PART_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def _plain_name(name: str) -> str:
    """Refuse names that would leave the folder: configuration and manifests are text that anyone may edit."""
    if name in ("", ".", "..", MANIFEST, MADE_HERE) or Path(name).name != name or "\\" in name:
        raise ValueError(f"{name!r} is no plain file name; give a name without folders, other than {MANIFEST}")
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


def plain_stem(path: Path) -> str:
    """The name of a file without its ending, or without both endings of a compressed one."""
    return Path(path.name.removesuffix(".gz")).stem


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
    """The file, or all files below the folder in the order of their names, but those that a desktop hides there.

    Folders that are links are entered, as readers do, but for those that lead back to a folder above.
    """
    if path.is_file():
        yield path
    else:
        yield from _files_in(path, frozenset())


def _files_in(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    above |= {folder.resolve()}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and path.resolve() not in above:
            yield from _files_in(path, above)
        elif path.is_file() and not is_hidden(path):
            yield path


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


def words_and_part(name: str) -> tuple[tuple[str, ...], str | None]:
    """Words of a name without those that name a part, and the part; None where no word or several name one.

    ``x_train`` is ``x`` of ``train``, and so is ``XTrain`` with a capital.
    """
    words = [word for joined in re.split(r"[/_.\-\s]+", name) for word in _without_capitals(joined)]
    named = [word for word in words if word.lower() in PART_WORDS]
    rest = tuple(word for word in words if word not in named)
    return rest, PART_WORDS[named[0].lower()] if len(named) == 1 else None


def _without_capitals(word: str) -> list[str]:
    """Words that begin with capitals inside one, where a part is among them."""
    words = re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", word)
    return words if any(word.lower() in PART_WORDS for word in words) else [word]


def train_and_test(paths: Sequence[Path]) -> dict[str, Path]:
    """Two files by the parts that their names say, ``train`` first; none where they are not these two."""
    found = {words_and_part(plain_stem(path))[1]: path for path in paths}
    two = len(paths) == 2 and found.keys() == {"train", "test"}  # not x_train, y_train, x_test and y_test
    return {part: found[part] for part in ("train", "test")} if two else {}
