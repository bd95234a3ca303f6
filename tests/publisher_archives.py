"""Archives as publishers pack them."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """A compressed archive of files, such as Windows makes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def read_zip(path: Path) -> dict[str, bytes]:
    """The files of such an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite_zip(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Write such an archive anew; ``change(name, content)`` gives other content, or None to leave a file out."""
    changed = {name: change(name, content) for name, content in read_zip(path).items()}
    write_zip(path, {name: content for name, content in changed.items() if content is not None})


def write_tar_gz(path: Path, members: dict[str, bytes]) -> None:
    """A compressed archive of files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def add_npy(archive: tarfile.TarFile, name: str, array: np.ndarray) -> None:
    """Add an array to an archive as numpy saves it."""
    content = io.BytesIO()
    np.save(content, array)
    member = tarfile.TarInfo(name)
    member.size = len(content.getvalue())
    archive.addfile(member, io.BytesIO(content.getvalue()))
