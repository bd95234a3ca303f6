"""Downloads with checksums that go on where they broke off, and files that were put in place by hand."""

import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

import requests
import urllib3
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt
from rich import get_console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from pare.config.errors import PareError
from pare.data.files import FileName
from pare.data.made_here import is_users, note_made
from pare.data.origins.given import advice, given_folder
from pare.data.origins.own_files import link_files
from pare.storage.access import held_alone
from pare.storage.fingerprint import file_digest

logger = logging.getLogger(__name__)
CHUNK = 1 << 20
TIMEOUT = (15, 60)  # seconds until a server answers, and between two pieces of its answer
ATTEMPTS = 3  # in a row that bring nothing new
PAUSE = 1.0  # seconds before the second attempt; twice as long before the next
# requests wraps what fails before the body; the body comes from urllib3, which leaves its bytes as they are.
NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)
HOPELESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.TooManyRedirects)


class RemoteFile(BaseModel):
    """A publisher's file: its name here, its URL, and what the publisher says of its content.

    Where the publisher lets no program fetch it, ``by_hand`` says what a person has to do.
    """

    model_config = ConfigDict(extra="forbid")

    name: FileName
    url: str = Field(pattern="^https?://")
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    md5: str | None = Field(default=None, pattern="^[0-9a-fA-F]{32}$")
    bytes: NonNegativeInt | None = None
    by_hand: str | None = None

    @property
    def checksum(self) -> str | None:
        """``algorithm:digest``, the stronger one if the publisher gives two."""
        digests = {"sha256": self.sha256, "md5": self.md5}
        return next((f"{name}:{digest.lower()}" for name, digest in digests.items() if digest), None)


class Refused(Exception):
    """The answer is not the publisher's file; asking again would not change that."""


class Interrupted(Exception):
    """The answer broke off, or does not continue what came before; it is worth asking again."""


def download(folder: Path, files: list[RemoteFile]) -> dict[str, str | None]:
    """Bring files from their publisher; those in the folder with the right checksum stay.

    A file that was brought to this machine before, see `pare.data.origins.given`, is linked and not downloaded.

    Where the publisher gives no checksum and no size, a file of that name in the folder is trusted. One that is not
    the publisher's is replaced only if it was brought here by an origin.

    Args:
        folder: where the files are written.
        files: what to bring.

    Raises:
        PareError: if a file cannot be fetched or is not what the publisher says, or another one of its name, which
            no origin brought, is in the folder. What came of it before the
            network failed stays as ``<name>.part``, and the next call goes on from there.
    """
    if given := given_folder(folder):
        there = [given / file.name for file in files if (given / file.name).is_file()]
        link_files(folder, [path for path in there if not (folder / path.name).exists()])
    _expect_by_hand(folder, files)
    for file in files:
        fetch(file, folder)
    return {file.name: file.url for file in files}


def fetch(file: RemoteFile, folder: Path) -> None:
    """Bring one file, unless it is in the folder already.

    Raises:
        PareError: see `download`.
    """
    present, part = folder / file.name, Part(folder / f"{file.name}.part")
    problem = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        problem = _problem_of_present(present, file)
        if problem is None and not part.path.exists():
            return
        if problem is not None:
            _refuse_users_file(present, problem)
        with part.opened() as stream:
            # While this process waited for the part, another one may have brought the file.
            if _problem_of_present(present, file) is None:
                part.start(stream, None)
            else:
                _fill(file, stream, part)
                _refuse_users_file(present, "another one came")  # hours may have passed
                note_made(present, part.path)
                os.replace(part.path, present)
    except (Refused, Interrupted, *NETWORK_ERRORS) as error:
        raise PareError(_advice(file, folder, brief(error) + part.kept(), problem)) from error
    except OSError as error:
        raise PareError(
            f"cannot write {part.path} ({error.strerror}); free space there or give this user write permission, "
            f"then run the same command again{part.kept()}"
        ) from error


@dataclass(frozen=True)
class Version:
    """Which version of a file a part is the beginning of.

    Attributes:
        url: where it came from.
        total: bytes of the whole file, where the server says it.
        validator: ETag or date of change, by which the server tells versions apart; None where it gives neither.
    """

    url: str
    total: int | None
    validator: str | None

    def contradicts(self, other: "Version") -> bool:
        """Whether both say something that differs."""
        pairs = ((self.total, other.total), (self.validator, other.validator))
        return any(a != b for a, b in pairs if None not in (a, b))


class Part:
    """The first part of a file, next to its final place; its version is in a file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version_path = path.with_name(f"{path.name}.json")

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the part for appending; what the next run could not go on from is removed in the end.

        Another process that wants the same file waits: two that append to one part would mix their bytes.
        """
        lock = self.path.with_name(f".{self.path.name}.lock")
        with held_alone(lock, f"{self.path.stem} is being brought"):
            try:
                with self.path.open("ab") as stream:
                    yield stream
            finally:
                if self.path.exists() and not (self.path.stat().st_size and self.version()):
                    self.path.unlink()
                if not self.path.exists():
                    self.version_path.unlink(missing_ok=True)

    def version(self) -> Version | None:
        """Version of the file that the part belongs to, or None where it cannot be continued."""
        try:
            return Version(**json.loads(self.version_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def start(self, stream: BinaryIO, version: Version | None) -> None:
        """Drop what is there; note which version the coming bytes are, if the server can name it later."""
        stream.truncate(0)
        stream.seek(0)
        self.version_path.unlink(missing_ok=True)
        if version is not None and version.validator:
            self.version_path.write_text(json.dumps(asdict(version)), encoding="utf-8")

    def kept(self) -> str:
        """For a message: how much came already."""
        if not self.path.exists():
            return ""
        return f"; {self.path.stat().st_size} bytes are kept in {self.path.name}, the next run goes on from there"


def _fill(file: RemoteFile, stream: BinaryIO, part: Part) -> None:
    """Receive until the part is whole, and check it."""
    failures = 0
    while True:
        before = stream.seek(0, os.SEEK_END)
        try:
            _receive(file, stream, part)
            break
        except (Interrupted, *NETWORK_ERRORS) as error:
            failures = 1 if stream.tell() > before else failures + 1
            if failures == ATTEMPTS or not _worth_repeating(error):
                raise
            logger.warning("%s: %s; trying again.", file.name, brief(error))
            time.sleep(PAUSE * 2 ** (failures - 1))
    stream.flush()
    refused = _problem(part.path, file)
    if refused is not None:
        part.start(stream, None)
        raise Refused(f"the answer was refused: {refused}")


def _receive(file: RemoteFile, stream: BinaryIO, part: Part) -> None:
    """Ask once for what is missing, and append it."""
    known = part.version()
    headers = {"Accept-Encoding": "identity"}  # bytes as the publisher stores them
    offset = stream.tell() if known and known.url == file.url else 0
    if known and offset:
        if offset == known.total:
            return
        headers |= {"Range": f"bytes={offset}-", "If-Range": str(known.validator)}
    with requests.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        continued = answer.status_code in (requests.codes.partial_content, requests.codes.range_not_satisfiable)
        if known and offset and continued and not _continues(answer, known, offset):
            part.start(stream, None)
            raise Interrupted("the server's file is not the one whose beginning came before")
        answer.raise_for_status()
        pieces, version = answer.raw.stream(CHUNK, decode_content=False), _version(answer, file.url)
        if not continued:
            first = next(pieces, b"")
            problem = _early_problem(first, version.total, file)
            if problem is not None:  # a page that says "busy" must not replace the beginning of the real file
                raise Refused(f"the answer was refused: {problem}")
            part.start(stream, version)
            stream.write(first)
        _append(pieces, stream, version.total, file.name)


def _append(pieces: Iterator[bytes], stream: BinaryIO, total: int | None, name: str) -> None:
    logger.info("Downloading %s%s.", name, f", {total / 1e6:.1f} MB" if total else "")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), transient=True, disable=not get_console().is_terminal) as bar:
        task = bar.add_task(name, total=total, completed=stream.tell())
        for piece in pieces:
            stream.write(piece)
            bar.update(task, advance=len(piece))
    if total is not None and stream.tell() < total:
        raise Interrupted(f"Incomplete: {stream.tell()} of {total} bytes came")


def _version(answer: requests.Response, url: str) -> Version:
    # A weak ETag is of no use here: versions that share it may differ in bytes.
    tag = answer.headers.get("ETag", "W/")
    validator = answer.headers.get("Last-Modified") if tag.startswith("W/") else tag
    whole = answer.headers.get("Content-Range", "").rpartition("/")[2] or answer.headers.get("Content-Length", "")
    return Version(url, int(whole) if whole.isdecimal() else None, validator)


def _continues(answer: requests.Response, known: Version, offset: int) -> bool:
    """Whether the answer begins where the part ends, and is of the same version."""
    begins = re.match(rf"bytes {offset}-", answer.headers.get("Content-Range", ""))
    return begins is not None and not _version(answer, known.url).contradicts(known)


def _worth_repeating(error: Exception) -> bool:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code >= 500 or error.response.status_code in (408, 429)
    return not isinstance(error, HOPELESS)


def brief(error: Exception) -> str:
    """Kind and beginning of a network library's error, which may fill a page."""
    own = isinstance(error, (Refused, Interrupted))
    return shorten(str(error) if own else f"{type(error).__name__}: {error}", 120, placeholder=" …")


def _problem_of_present(path: Path, file: RemoteFile) -> str | None:
    return _problem(path, file) if path.is_file() else "it is not there yet"


def _problem(path: Path, file: RemoteFile) -> str | None:
    """Why a file is not the publisher's, or None."""
    with path.open("rb") as stream:
        beginning = stream.read(256)
    problem = _early_problem(beginning, path.stat().st_size, file)
    if problem is None and file.checksum is not None:
        algorithm, expected = file.checksum.split(":")
        found = file_digest(path, algorithm)
        if found != expected:
            return f"its {algorithm} is {found}, the publisher says {expected}"
    return problem


def _early_problem(beginning: bytes, size: int | None, file: RemoteFile) -> str | None:
    """What the first bytes and the size, where it is known, say against a file."""
    if beginning[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not data"
    if file.bytes is not None and size not in (None, file.bytes):
        return f"it has {size} bytes, the publisher says {file.bytes}"
    return None


def _refuse_users_file(path: Path, problem: str) -> None:
    if is_users(path):
        raise PareError(
            f"{path} is not the publisher's file ({problem}), and PaRe did not bring it; it was left as it is. Move it "
            "away, or delete it if it is damaged, and run the same command again"
        )


def _expect_by_hand(folder: Path, files: list[RemoteFile]) -> None:
    """Name all files at once that a person has to bring, before hours go into the others."""
    missing = [file for file in files if file.by_hand and not (folder / file.name).is_file()]
    if missing:
        wanted = "; ".join(f"{file.name}: {file.by_hand} ({file.url})" for file in missing)
        raise PareError(f"no program may fetch these files: {wanted}. Put them into {folder}, then run again")


def _advice(file: RemoteFile, folder: Path, failure: str, present: str | None) -> str:
    """One message with everything that a person needs to fetch the file elsewhere and bring it here."""
    size = "" if file.bytes is None else f", {file.bytes} bytes"
    return (
        f"cannot download {file.name} from {file.url} ({failure}). Fetch it on a machine with a network "
        f"and put it at {folder / file.name} "
        f"({file.checksum or 'the publisher gives no checksum'}{size}; {present}), or for all tasks at once "
        f"{advice(folder.name, 'it')}; then run the same command again"
    )
