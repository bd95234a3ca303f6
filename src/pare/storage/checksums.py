"""Checksums of what is stored: a byte that changed on the disk is an error, never another result.

Files of a folder have their SHA-256 in a JSON file, which has one of its own. A large file ends with the CRC-32 of all
bytes before it: that is found at the speed of memory, and HDF5 reads no further than its own end.
"""

import json
import logging
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pare.config.errors import PareError
from pare.storage.fingerprint import file_digest, fingerprint

logger = logging.getLogger(__name__)
CHECKSUMS = "checksums.json"  # a file of digests, beside the files of a folder
CHECKSUM = "checksum"  # key in a JSON file: digest of its other values
END = b"\nPaRe CRC-32 "  # before the eight digits at the end of a large file
BLOCK = 1 << 22  # bytes


class Damaged(PareError):
    """What is stored is not what was written."""


def files_of(folder: Path) -> list[str]:
    """Paths of all files in a folder and below it."""
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all files below a folder, by their path in it."""
    return {name: file_digest(folder / name) for name in files_of(folder)}


def check_digests(folder: Path, known: Mapping[str, str]) -> None:
    """Compare files with their digests.

    Args:
        folder: the folder.
        known: SHA-256 by path in the folder.

    Raises:
        Damaged: where a file is missing or was changed.
    """
    held = files_of(folder)
    for name, digest in known.items():
        if name not in held:  # a name may also lead out of the folder
            raise Damaged(f"{name} is missing in {folder}")
        if file_digest(folder / name) != digest:
            raise Damaged(f"{folder / name} was changed since it was written")


def write_checksums(folder: Path) -> None:
    """Write ``checksums.json`` for all other files below a folder."""
    (folder / CHECKSUMS).write_text(sealed_json(digests(folder)), encoding="utf-8")


def check_checksums(folder: Path) -> None:
    """Compare the files below a folder with its ``checksums.json``.

    Raises:
        Damaged: where a file is missing or was changed.
    """
    check_digests(folder, read_sealed(folder / CHECKSUMS))


def sealed_json(content: Mapping[str, Any]) -> str:
    """JSON of the values and of their own digest, ``checksum``."""
    plain = json.loads(json.dumps(content))  # numbers as keys become text
    return json.dumps({**plain, CHECKSUM: fingerprint(plain)}, indent=2)


def read_sealed(path: Path, *, older: bool = False) -> dict[str, Any]:
    """The values of a JSON file that `sealed_json` made.

    Args:
        path: the file.
        older: whether one without a checksum is taken as it is: a version of this project before wrote none.

    Raises:
        Damaged: where it is missing, no JSON object, or was changed.
    """
    try:
        content = dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise Damaged(f"{path} is missing") from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise Damaged(f"{path} is no JSON file any more ({error})") from error
    found = content.pop(CHECKSUM, None)
    if found is None and not older:
        raise Damaged(f"{path} has no checksum: it was changed, or a version before 0.1.0 wrote it")
    if found not in (None, fingerprint(content)):
        raise Damaged(f"{path} was changed since it was written")
    return content


def seal(path: Path) -> None:
    """End a file with the checksum of what it holds."""
    end = END + b"%08x" % _crc(path, path.stat().st_size)
    with path.open("ab") as stream:
        stream.write(end)


def check_seal(path: Path) -> None:
    """Compare a file with the checksum at its end; once a process, as long as its size and time stay the same.

    Raises:
        Damaged: where it was changed or cut.
        OSError: where it cannot be read.
    """
    state = path.stat()
    _check_seal(path, state.st_ino, state.st_size, state.st_mtime_ns)


def is_whole(path: Path) -> bool:
    """Whether a sealed file, which can be made again, is there as it was written; a warning names a damaged one."""
    try:
        check_seal(path)
    except FileNotFoundError:
        return False
    except Damaged as error:
        logger.warning("%s; it is made again.", error)
        return False
    return True


@lru_cache(maxsize=64)
def _check_seal(path: Path, _inode: int, size: int, _time: int) -> None:
    length = len(END) + 8
    with path.open("rb") as stream:
        stream.seek(max(0, size - length))
        end = stream.read()
    if not end.startswith(END) or end != END + b"%08x" % _crc(path, size - length):
        raise Damaged(f"{path} was changed or cut since it was written")


def _crc(path: Path, size: int) -> int:
    """CRC-32 of the first bytes of a file."""
    value = 0
    with path.open("rb") as stream:
        while size > 0 and (block := stream.read(min(size, BLOCK))):
            value = zlib.crc32(block, value)
            size -= len(block)
    return value
