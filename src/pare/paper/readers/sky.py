"""Cosmic of NAS-Bench-360: cosmic rays on Hubble images, the ACS/WFC set of deepCR (Zhang and Bloom 2020)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tarfile import BLOCKSIZE, ReadError, TarFile, TarInfo

import numpy as np
from pydantic import NonNegativeInt

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.archives import readable_archive
from pare.data.formats.npy import map_rest
from pare.data.own.file_checks import check_finite, one_file
from pare.storage.samples import Samples

CROP = slice(64, 192)  # rows and columns, as published
SKY_RANGE = (-0.9, 3.0)  # how much sky is added, in units of the exposure's own
# …/filter/program/visit/exposure_….npy, and sky.npy next to the exposures
_MEMBER = re.compile(r"(?:.*/)?f435w/(?P<visit>[^/]+/[^/]+)/(?:(?P<exposure>\d+)_[^/]*|sky)\.npy")


def cosmic_rays(
    folder: Path,
    visits: list[str] | None = None,
    test_sky: bool = False,
    seed: NonNegativeInt = 0,
) -> dict[str, Samples]:
    """Cosmic of NAS-Bench-360: images of filter F435W to masks of the pixels that a cosmic ray hit.

    To each training image sky × u is added, its own sky background times u, uniform in [-0.9, 3): it simulates another
    exposure time. u depends on the row and the seed only, so a row never changes; the publisher's loader draws u at
    each access, in the test too.

    The seed decides the order of the rows, so that the first ones come from all visits.

    Args:
        folder: holds ``deepCR.ACS-WFC.train.tar`` and ``deepCR.ACS-WFC.test.tar``.
        visits: ``program_visit`` of the images to use, such as ``10760_2``; all by default.
        test_sky: whether test images get such a draw too.
        seed: seed of the order and the sky.

    Returns:
        ``train`` and ``test``: images ``(rows, 1, 128, 128)`` and masks of the same shape, 1 on a cosmic ray,
        NaN on a pixel that the publisher says to ignore; float32.

    Raises:
        PareError: if an archive is missing, damaged or compressed, or holds no such image; on reading, if an
            image is not as the publisher's, or not finite.
    """
    tars = {part: _SkyTar(one_file(folder, f"deepCR.ACS-WFC.{part}.tar")) for part in ("train", "test")}
    if visits is not None:
        _check_known(visits, {exposure.visit for tar in tars.values() for exposure in tar.exposures})
    return {
        "train": _part(tars["train"], visits, [seed, 0], sky=True),
        "test": _part(tars["test"], visits, [seed, 1], sky=test_sky),
    }


@dataclass(frozen=True)
class _Exposure:
    """Where an image is in its archive, and which of its visit's sky levels belongs to it."""

    member: TarInfo
    visit: str
    number: int


class _SkyTar:
    """A tar archive of images, of which only the index is read until a member is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with readable_archive(path):
            # ":" refuses compression, in which members cannot be reached without reading all before them.
            self.archive = TarFile.open(path, "r:")
            found = [(_MEMBER.fullmatch(m.name), m) for m in self.archive.getmembers() if m.isfile()]
            self._check_layout()
        self.exposures, skies = [], {}
        for match, member in found:
            if match is None:
                continue
            visit = match["visit"].replace("/", "_")
            if match["exposure"] is None:
                skies[visit] = member
            else:
                self.exposures.append(_Exposure(member, visit, int(match["exposure"]) - 1))
        if not self.exposures:
            raise PareError(f"{path} holds no f435w/<program>/<visit>/<exposure>_….npy. Put the publisher's file there")
        self.skies = {visit: self._array(member) for visit, member in skies.items()}
        self.exposures.sort(key=lambda exposure: exposure.member.name)

    def read(self, exposure: _Exposure) -> tuple[np.ndarray, np.ndarray]:
        """Image and mask of an exposure, ``(128, 128)`` each."""
        planes = self._array(exposure.member)
        if planes.ndim != 3 or len(planes) not in (2, 3) or min(planes.shape[1:]) < CROP.stop:
            raise PareError(
                f"{self.path}: {exposure.member.name} has shape {planes.shape}; expected 2 or 3 planes (image, mask, "
                f"ignored pixels) of {CROP.stop} × {CROP.stop} or more. Put the publisher's file there"
            )
        image, mask, *ignored = planes[:, CROP, CROP].astype(np.float32)
        if not np.isin(mask, (0, 1)).all():
            raise PareError(
                f"{self.path}: the mask of {exposure.member.name} holds other numbers than 0 and 1; remove the archive "
                f"and {FETCH}"
            )
        return image, np.where(ignored[0] != 0, np.nan, mask) if ignored else mask

    def sky(self, exposure: _Exposure) -> float:
        """Sky background of an exposure, in the units of its image."""
        levels = self.skies.get(exposure.visit, np.empty(0))
        if not 0 <= exposure.number < levels.size or levels.ndim != 1:
            raise PareError(
                f"{self.path}: sky.npy of visit {exposure.visit} has no level for {exposure.member.name}; it holds "
                f"shape {levels.shape}. Put the publisher's file there"
            )
        return float(levels[exposure.number])

    def _check_layout(self) -> None:
        """Refuse an archive that ends before its end mark, as tarfile does not where it is cut between members.

        Members are mapped where they lie, so that none may be sparse.
        """
        if any(member.issparse() for member in self.archive.getmembers()):
            raise ReadError("it has sparse members")
        with self.path.open("rb") as stream:
            stream.seek(self.archive.offset)
            if stream.read(BLOCKSIZE) != bytes(BLOCKSIZE):
                raise ReadError("no end mark")

    def _array(self, member: TarInfo) -> np.ndarray:
        with readable_archive(self.path), self.path.open("rb") as stream:
            stream.seek(member.offset_data)
            return map_rest(stream, member.offset_data + member.size, f"{self.path}: {member.name}")


def _part(tar: _SkyTar, visits: list[str] | None, seed: list[int], *, sky: bool) -> Samples:
    chosen = [e for e in tar.exposures if visits is None or e.visit in visits]
    exposures = [chosen[i] for i in np.random.default_rng(seed).permutation(len(chosen))]

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.empty((2, stop - start, 1, CROP.stop - CROP.start, CROP.stop - CROP.start), np.float32)
        for i, row in enumerate(range(start, stop)):
            image, y[i, 0] = tar.read(exposures[row])
            added = np.random.default_rng([*seed, row]).uniform(*SKY_RANGE) * tar.sky(exposures[row]) if sky else 0
            x[i, 0] = image + np.float32(added)
        check_finite(x, tar.path, "an image", start)
        return x, y

    return Samples(count=len(exposures), read=read, columns=["counts"])


def _check_known(visits: Iterable[str], held: set[str]) -> None:
    unknown = sorted(set(visits) - held)
    if unknown:
        raise PareError(
            f"no F435W image of visit {', '.join(unknown)} in the archives; option 'visits' takes some of: "
            f"{', '.join(sorted(held))}"
        )
