"""Downloads with checksums, and files that were put in place by hand where a machine has no network."""

from pathlib import Path
from textwrap import shorten

import pooch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from pare.arrays.atomic import atomic_path
from pare.config.errors import PareError
from pare.raw.manifest import FileName


class RemoteFile(BaseModel):
    """A publisher's file: its name here, its URL, and what the publisher says of its content."""

    model_config = ConfigDict(extra="forbid")

    name: FileName
    url: str = Field(pattern="^https?://")
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    md5: str | None = Field(default=None, pattern="^[0-9a-fA-F]{32}$")
    bytes: NonNegativeInt | None = None

    @property
    def checksum(self) -> str | None:
        """``algorithm:digest``, the stronger one if the publisher gives two."""
        digests = {"sha256": self.sha256, "md5": self.md5}
        return next((f"{name}:{digest.lower()}" for name, digest in digests.items() if digest), None)


def download(folder: Path, files: list[RemoteFile]) -> dict[str, str | None]:
    """Bring files from their publisher; those that stand in the folder with the right checksum are kept.

    Where the publisher gives no checksum and no size, a file of that name that stands there is trusted.

    Args:
        folder: where the files shall stand.
        files: what to bring.

    Returns:
        ``{file name: URL}``.

    Raises:
        PareError: if a file cannot be fetched or is not what the publisher says; nothing of it is left
            behind.
    """
    for file in files:
        fetch(file, folder)
    return {file.name: file.url for file in files}


def fetch(file: RemoteFile, folder: Path) -> None:
    """Bring one file, unless it stands in the folder already.

    Raises:
        PareError: see `download`.
    """
    standing = folder / file.name
    problem = _problem(standing, file) if standing.is_file() else "it is not there yet"
    if problem is None:
        return
    fetch_to = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 20)
    with atomic_path(standing) as path:
        try:
            fetch_to(file.url, str(path), None)
        except (
            OSError,
            ValueError,
        ) as error:  # requests' errors are OSErrors, an unusable URL is a ValueError
            raise PareError(_by_hand(file, folder, brief(error), problem)) from error
        refused = _problem(path, file)
        if refused is not None:
            raise PareError(_by_hand(file, folder, f"the answer was refused: {refused}", problem))


def brief(error: Exception) -> str:
    """Kind and beginning of a network library's error, which may fill a page."""
    return shorten(f"{type(error).__name__}: {error}", 120, placeholder=" …")


def _problem(path: Path, file: RemoteFile) -> str | None:
    """Why a file is not the publisher's, or None."""
    with path.open("rb") as stream:
        beginning = stream.read(256).lstrip().lower()
    if beginning.startswith((b"<!doctype html", b"<html")):
        return "it is a web page, not data"
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"it has {size} bytes, the publisher says {file.bytes}"
    if file.checksum is not None:
        algorithm, expected = file.checksum.split(":")
        found = pooch.file_hash(str(path), alg=algorithm)
        if found != expected:
            return f"its {algorithm} is {found}, the publisher says {expected}"
    return None


def _by_hand(file: RemoteFile, folder: Path, failure: str, standing: str) -> str:
    """One message with everything that a person needs to fetch the file elsewhere and bring it here."""
    size = "" if file.bytes is None else f", {file.bytes} bytes"
    return (
        f"cannot download {file.name} from {file.url} ({failure}). Fetch it on a machine with a network "
        f"and put it at {folder / file.name} "
        f"({file.checksum or 'the publisher gives no checksum'}{size}; {standing}); then run the same "
        "command again"
    )
