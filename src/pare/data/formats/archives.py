"""Members of archives, read where they lie: nothing is unpacked, so no name in an archive becomes a path."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pare.config.errors import PareError
from pare.data.files import FETCH

MEMBER_BYTES = 1 << 30  # far more than any member that is read into memory at once has in a known dataset


@contextmanager
def readable_archive(path: Path) -> Iterator[None]:
    """Turn the error types of zip and tar for a damaged archive into one that says what to do.

    Raises:
        PareError: where the block fails to read the archive.
    """
    try:
        yield
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, tarfile.TarError) as error:
        raise PareError(
            f"{path} cannot be read as an archive ({type(error).__name__}: {error}): it is damaged or cut short. "
            f"Remove it and {FETCH}"
        ) from error


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip archive; only its index is read.

    Raises:
        PareError: if it is damaged or cut short.
    """
    with readable_archive(path):
        return zipfile.ZipFile(path)


def zip_member(archive: zipfile.ZipFile, name: str, limit: int = MEMBER_BYTES) -> BytesIO:
    """A member of a zip archive, uncompressed and with its checksum verified.

    Args:
        archive: the archive.
        name: name of the member.
        limit: bytes that no such member of the dataset exceeds.

    Raises:
        PareError: if the archive does not hold it, or it is damaged, or claims more bytes than the limit.
    """
    path = Path(str(archive.filename))
    if name not in archive.NameToInfo:
        raise PareError(f"{path} does not hold {name}; put the publisher's file there, or remove it and {FETCH}")
    check_size(archive.NameToInfo[name].file_size, limit, f"{path}: {name}")
    with readable_archive(path):
        return BytesIO(archive.read(name))


def check_size(size: int, limit: int, name: str) -> None:
    """Refuse a member that would fill the memory, before anything of it is unpacked.

    Raises:
        PareError: if it claims more bytes than the limit.
    """
    if size > limit:
        raise PareError(f"{name} claims {size} bytes, expected at most {limit}. Put the publisher's file there")


def folder_of(names: Iterable[str], file: str, path: Path) -> str:
    """The folder inside an archive that has a file: publishers pack with or without an outer folder.

    Args:
        names: names of the members.
        file: name of the file, perhaps with folders.
        path: the archive, for messages.

    Returns:
        The path before ``file``: empty, or ending in ``/``.

    Raises:
        PareError: if no folder or several folders have the file.
    """
    found = sorted(name for name in names if f"/{name}".endswith(f"/{file}"))
    if len(found) != 1:
        raise PareError(
            f"{path} holds {', '.join(found) or f'no {file}'}; expected one {file}. Put the publisher's file there"
        )
    return found[0].removesuffix(file)
