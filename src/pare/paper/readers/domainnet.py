"""miniDomainNet: 126 kinds of thing in four styles of picture (Zhou et al. 2021, a part of DomainNet)."""

from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import numpy as np
from PIL import Image
from pydantic import PositiveInt

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.archives import open_zip, zip_member
from pare.data.formats.photographs import FILE_BYTES, photograph
from pare.data.own.file_checks import one_file
from pare.storage.samples import Samples

Domain = Literal["clipart", "painting", "real", "sketch"]
SHUFFLE_SEED = 0


def minidomainnet(folder: Path, domain: Domain, size: PositiveInt = 224) -> dict[str, Samples]:
    """One domain of miniDomainNet, its pictures scaled to squares.

    The published loader does the same to test pictures. It crops training pictures once from 256 × 256 points and flips
    them; here this is left to the training's augmentation. The lists are ordered by class, so rows are shuffled with a
    fixed seed: the first ones of a part are a fair sample of it. Classes are numbered in the order of their labels.

    Args:
        folder: holds DomainNet's ``<domain>.zip`` and the lists ``<domain>_train_mini.txt`` and
            ``<domain>_test_mini.txt``, with a path inside the archive and a label a line.
        domain: whose pictures.
        size: edge in points.

    Returns:
        ``train`` and ``test``: pixels ``(rows, 3, size, size)`` float32 from 0 to 1, and classes.

    Raises:
        PareError: if a file is missing or damaged, a list has another layout, or names a picture that the archive does
            not hold; on reading, if a picture is damaged.
    """
    archive = open_zip(one_file(folder, f"{domain}.zip"))
    lists = {part: _read_list(one_file(folder, f"{domain}_{part}_mini.txt"), archive) for part in ("train", "test")}
    labels = np.unique([label for rows in lists.values() for _, label in rows])
    names = {label: Path(path).parent.name for rows in lists.values() for path, label in rows}
    classes = [names[label] for label in labels.tolist()]
    return {part: _samples(archive, rows, labels, classes, size) for part, rows in lists.items()}


def _read_list(path: Path, archive: ZipFile) -> list[tuple[str, int]]:
    """Paths inside the archive and labels, shuffled."""
    held, rows = set(archive.namelist()), []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.isdecimal():
            raise PareError(f"{path}: line {number} is {line!r}; expected a path and a label. Put the right list there")
        if name not in held:
            raise PareError(
                f"{path}: line {number} names {name}, which {archive.filename} does not hold; both must be of the same "
                f"domain and version of DomainNet. Put the right ones there, or {FETCH}"
            )
        rows.append((name, int(label)))
    if not rows:
        raise PareError(f"{path} is empty. Put the right list there")
    return [rows[i] for i in np.random.default_rng(SHUFFLE_SEED).permutation(len(rows))]


def _samples(
    archive: ZipFile, rows: list[tuple[str, int]], labels: np.ndarray, classes: list[str], size: int
) -> Samples:
    codes = np.searchsorted(labels, [label for _, label in rows])

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        pixels = np.stack([_square(archive, name, size) for name, _ in rows[start:stop]])
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / 255, codes[start:stop]

    return Samples(count=len(rows), read=read, classes=classes)


def _square(archive: ZipFile, name: str, size: int) -> np.ndarray:
    """``(size, size, 3)``, uint8."""
    content = zip_member(archive, name, FILE_BYTES).getvalue()
    picture = photograph(content, f"{archive.filename}: {name}").convert("RGB")
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
