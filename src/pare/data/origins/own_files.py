"""The user's own files: linked where they lie, never changed, and noticed when they change."""

import errno
import os
import shutil
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from pare.config.errors import PareError
from pare.data.files import MADE_HERE, MANIFEST, content_sha256, files_below
from pare.data.made_here import note_made
from pare.storage.atomic import atomic_path

PROJECT_FILE = "pyproject.toml"  # in the folder of every Kedro project
# What file systems without symbolic links answer: FAT, some network drives, Windows without developer mode.
NO_LINKS = {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
Paths = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


def own_files(folder: Path, files: Annotated[Paths, Field(min_length=1)]) -> dict[str, str | None]:
    """Link the user's files into the folder; where the file system knows no links, copy them.

    A file that the user keeps in the folder itself stays as it is, and is found there again when the project moves.

    Args:
        folder: where the links are made, somewhere in the project.
        files: paths of files, or of folders such as one of images; absolute, from ``~``, or relative to the project.

    Returns:
        ``{file name: URL of the original}``: ``file://…``, or ``file:<name>`` of one in the folder itself.

    Raises:
        PareError: if a path does not exist or is an empty folder, two of them have the same name, or another file of
            that name is in the folder.
    """
    absolute = all(os.path.isabs(os.path.expanduser(path)) for path in files)
    base = folder if absolute else _project_of(folder)
    originals = [find_path(path, base) for path in files]
    link_files(folder, originals)
    return {path.name: f"file:{quote(path.name)}" if _lies_in(path, folder) else path.as_uri() for path in originals}


def link_files(folder: Path, originals: Sequence[Path]) -> None:
    """Link files, or whole folders, into a folder under their own names; copy them where links are unknown.

    Args:
        folder: made if it does not exist.
        originals: absolute paths.

    Raises:
        PareError: if two of them have the same name, or another file of that name is in the folder.
    """
    _check_names([path.name for path in originals])
    folder.mkdir(parents=True, exist_ok=True)
    for original in originals:
        _place(original, folder / original.name)


def _project_of(folder: Path) -> Path:
    """The folder of the project that a folder is in."""
    for parent in folder.absolute().parents:
        if (parent / PROJECT_FILE).is_file():
            return parent
    raise PareError(f"{folder} is in no project: no folder above it has a {PROJECT_FILE}; put it back there")


def find_path(path: str, base: Path) -> Path:
    """The absolute path of an existing file or folder.

    Args:
        path: absolute, from ``~``, or relative to ``base``.
        base: the folder that relative paths begin in.

    Raises:
        PareError: if it does not exist, naming what has a similar name there, or is an empty folder.
    """
    found = Path(os.path.abspath(base / os.path.expanduser(path)))
    if not found.exists():
        folder = next(parent for parent in found.parents if parent.is_dir())
        missing = found.relative_to(folder).parts[0]
        near = get_close_matches(missing, [p.name for p in folder.iterdir()], n=3, cutoff=0.5)
        hint = f"there are {', '.join(near)}" if near else "nothing there has a similar name"
        raise PareError(
            f"your file {path!r} does not exist: no {missing!r} in {folder} ({hint}). Correct the path; it is "
            f"absolute, or relative to {base}"
        )
    if next(files_below(found), None) is None:
        raise PareError(f"the folder {found} holds no files; name a file, or a folder with files in it")
    return found


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PareError(f"several of your files are named {', '.join(twice)}; give each a name of its own")
    for name in names:
        if name in (MANIFEST, MADE_HERE) or "\\" in name:
            raise PareError(f"your file {name!r} cannot be used under that name; rename it")


def _place(original: Path, path: Path) -> None:
    if _lies_in(original, path.parent):
        return
    if path.exists() and not path.is_symlink():
        if content_sha256(path) == content_sha256(original):
            return
        raise PareError(
            f"{path} exists already and is not {original}; it may be the only copy of its content: move it out of the "
            "folder, or rename one of them"
        )
    with atomic_path(path) as unfinished:
        try:
            unfinished.symlink_to(original)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            (shutil.copytree if original.is_dir() else shutil.copyfile)(original, unfinished)
            note_made(path, unfinished)


def _lies_in(path: Path, folder: Path) -> bool:
    return path.parent.resolve() == folder.resolve()
