"""Which files of a raw folder an origin made there; any other file is the user's and is never written over.

What an origin makes is noted by its content, before it appears under its name. So a run that was killed at any moment
leaves files that the next one knows, and a file that the user put there since is not taken for one of them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pare.config.errors import PareError
from pare.data.files import MADE_HERE, content_bytes, content_sha256
from pare.storage.atomic import atomic_path


@contextmanager
def made_file(path: Path) -> Iterator[Path]:
    """Offer a temporary name for a file that an origin makes; it is renamed to ``path`` in the end, see `atomic_path`.

    Args:
        path: where the file shall be, in a folder of raw files.

    Yields:
        The temporary path; it does not exist yet.

    Raises:
        PareError: if something at ``path`` was not made there, or the folder cannot be written.
    """
    refuse_users_file(path)
    with atomic_path(path) as unfinished:
        yield unfinished
        refuse_users_file(path)  # hours may have passed
        note_made(path, unfinished)


def refuse_users_file(path: Path) -> None:
    """Refuse to write a file where the user's is.

    Raises:
        PareError: if something is at ``path`` that was not made there.
    """
    if not is_users(path):
        return
    size = f"{content_bytes(path)} bytes" if path.exists() else "a link to a path that does not exist"
    raise PareError(
        f"{path} ({size}) was not made by PaRe, and the active origin would write a file of that name; it was left as "
        f"it is. To use it for a task, say so in conf/local/tasks: `{path.parent.name}: {{raw: {{files: [{path}]}}}}`, "
        "or `raw: {origin: download}` where the task has that origin and this is the publisher's file. Else move it "
        "away, or delete it if it is damaged; then run the same command again"
    )


def is_users(path: Path) -> bool:
    """Whether there is something that was not made here: another file, one that was changed, or a link."""
    return os.path.lexists(path) and not is_made(path)


def is_made(path: Path) -> bool:
    """Whether an origin made the file or folder here, and nobody changed it since."""
    notes = path.parent / MADE_HERE
    if path.is_symlink() or not path.exists() or not notes.is_file():
        return False
    made = {line.partition(b" ")[0].decode(errors="replace") for line in notes.read_bytes().splitlines()}
    return content_sha256(path) in made


def note_made(path: Path, unfinished: Path) -> None:
    """Note that the file or folder at ``unfinished``, which is about to be renamed to ``path``, was made here."""
    notes, note = path.parent / MADE_HERE, f"{content_sha256(unfinished)}  {path.name}\n"  # as sha256sum writes it
    before = notes.read_bytes() if notes.is_file() else b""
    cut = before and not before.endswith(b"\n")  # by a full disk
    with atomic_path(notes) as complete:
        complete.write_bytes(before + (b"\n" if cut else b"") + note.encode())
