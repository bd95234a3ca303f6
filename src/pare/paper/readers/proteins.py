"""PSICOV of NAS-Bench-360: distances between the residues of proteins, as PDNET prepared them (Adhikari 2020).

Notation for shapes: L residues of a protein, C edge of the square canvas on which it is placed.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile
from zlib import crc32

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from pare.config.errors import PareError
from pare.data.formats.archives import folder_of, open_zip, zip_member
from pare.data.formats.pickles import entries, load_object_array, load_pickle
from pare.data.own.file_checks import check_finite, check_shape, one_file
from pare.storage.samples import Samples

BORDER = 5  # empty cells before and behind the protein, in the published layout
CAP = 16.0  # Å: training targets are clipped, so that far pairs do not dominate the loss
RESIDUE_FEATURES = ("ss", "pssm", "sa", "entropy")  # numbers per residue, in the published order
PAIR_FEATURES = ("ccmpred", "freecon", "potential")  # numbers per pair of residues
PER_RESIDUE = [*(f"ss_{i}" for i in range(3)), *(f"pssm_{i}" for i in range(22)), "sa", "entropy"]
COLUMNS = [f"{name}_{residue}" for name in PER_RESIDUE for residue in ("second", "first")] + list(PAIR_FEATURES)


def protein_distances(
    folder: Path,
    canvas: PositiveInt = 512,
    padding_target: PositiveFloat | None = None,
    seed: NonNegativeInt = 0,
) -> dict[str, Samples]:
    """PSICOV of NAS-Bench-360: features of pairs of residues to their distances, DeepCov and PSICOV-150.

    A protein is placed in the upper left of the canvas behind a border of 5 cells. One that is longer than the canvas
    is cropped to a random square on the diagonal, so rows and columns keep the same residues; the crop depends on the
    protein and the seed only. The publisher's loader draws rows and columns independently: most crops of a long protein
    lie off the diagonal, and cell (i, j) is no longer the pair of residues i and j.

    Args:
        folder: holds ``protein.zip``.
        canvas: edge of the canvas; 512 as published.
        padding_target: distance in Å that training targets have outside the protein; by default such points are
            NaN: masked. Test targets never have it.
        seed: seed of the crops.

    Returns:
        ``train`` and ``test``: features ``(rows, 57, C, C)``, zero outside the protein, and distances between
        C-beta atoms ``(rows, 1, C, C)`` in Å, float32; those of ``train`` are clipped at 16 Å.

    Raises:
        PareError: if the archive is missing or damaged or lacks a protein; on reading, if a protein's file is
            damaged, or arrays do not fit its length.
    """
    path = one_file(folder, "protein.zip")
    archive = open_zip(path)
    root = folder_of(archive.namelist(), "deepcov.lst", path)

    def part(dataset: str, outside: float, cap: float) -> Samples:
        names = _listed(archive, f"{root}{dataset}.lst")
        members = [(f"{root}{dataset}/features/{n}.pkl", f"{root}{dataset}/distance/{n}-cb.npy") for n in names]
        _check_held(archive, members, path)

        def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            x = np.zeros((stop - start, len(COLUMNS), canvas, canvas), np.float32)
            y = np.full((stop - start, 1, canvas, canvas), outside, np.float32)
            for i, row in enumerate(range(start, stop)):
                protein = _load(archive, *members[row])
                visible, cells = _window(len(protein.distances), canvas, seed, names[row])
                x[i, :, cells, cells] = protein.features(visible)
                y[i, 0, cells, cells] = np.minimum(protein.distances[visible, visible], cap)
            check_finite(x, path, f"a feature of {dataset}", start)
            return x, y

        return Samples(count=len(names), read=read, columns=COLUMNS)

    outside = np.nan if padding_target is None else padding_target
    return {"train": part("deepcov", outside, CAP), "test": part("psicov", np.nan, np.inf)}


@dataclass(frozen=True)
class _Protein:
    """Numbers of one protein: ``(27, L)`` per residue, ``(3, L, L)`` per pair, and distances ``(L, L)`` in Å."""

    residues: np.ndarray
    pairs: np.ndarray
    distances: np.ndarray

    def features(self, visible: slice) -> np.ndarray:
        """The 57 channels of the visible residues, ``(57, L, L)``, in the published order; not observed: 0."""
        residues, pairs = self.residues[:, visible], self.pairs[:, visible, visible]
        x = np.empty((len(COLUMNS), *pairs.shape[1:]), np.float32)
        x[0 : 2 * len(residues) : 2] = residues[:, None, :]
        x[1 : 2 * len(residues) : 2] = residues[:, :, None]
        x[2 * len(residues) :] = pairs
        x[np.isnan(x)] = 0
        return x


def _listed(archive: ZipFile, member: str) -> list[str]:
    """Names of the proteins in a list: the first word of each line."""
    lines = zip_member(archive, member).read().decode("latin-1").splitlines()
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise PareError(f"{archive.filename}: {member} lists no protein; put the publisher's file there")
    return names


def _check_held(archive: ZipFile, members: list[tuple[str, str]], path: Path) -> None:
    missing = [member for pair in members for member in pair if member not in archive.NameToInfo]
    if missing:
        raise PareError(f"{path} lacks {missing[0]} and {len(missing) - 1} more; put the publisher's file there")


def _load(archive: ZipFile, features: str, distances: str) -> _Protein:
    """One protein, its arrays checked against its length and its distances repaired."""
    where = f"{archive.filename}: {features}"
    names = (*RESIDUE_FEATURES, *PAIR_FEATURES)
    ss, pssm, sa, entropy, *pairs = entries(load_pickle(zip_member(archive, features), where), names, where)
    where_map = f"{archive.filename}: {distances}"
    triple = load_object_array(zip_member(archive, distances), where_map)
    if triple.shape != (3,):
        raise PareError(f"{where_map} has shape {triple.shape}; expected (length, sequence, distances)")
    length = len(check_shape(sa, (None,), f"{where}: sa"))
    square = (length, length)
    residues = [
        _numbers(ss, (3, length), f"{where}: ss"),
        _numbers(pssm, (length, 22), f"{where}: pssm").T,
        _numbers(sa, (length,), f"{where}: sa")[None],
        _numbers(entropy, (length,), f"{where}: entropy")[None],
    ]
    pairs = [_numbers(a, square, f"{where}: {name}") for name, a in zip(PAIR_FEATURES, pairs, strict=True)]
    distance = _numbers(triple[2], square, f"{where_map}: the distance map")
    known = np.where(np.isnan(distance), 0, distance)  # NaN: not observed
    check_finite(known, Path(str(archive.filename)), f"the distance map of {distances}", 0)
    return _Protein(np.concatenate(residues), np.stack(pairs), _repaired(distance))


def _numbers(values: object, shape: tuple[int, ...], name: str) -> np.ndarray:
    return check_shape(values, shape, name).astype(np.float32)


def _repaired(distances: np.ndarray) -> np.ndarray:
    """Distances ``(L, L)`` of at least 1 Å, the diagonal as far as its neighbours in the row are on average."""
    distances = np.maximum(distances, 1)  # an unknown distance stays NaN: masked
    if len(distances) > 1:
        right, left = distances.diagonal(1), distances.diagonal(-1)
        both = np.stack([np.append(right, left[-1]), np.append(right[0], left)])
        np.fill_diagonal(distances, both.mean(0))
    return distances


def _window(length: int, canvas: int, seed: int, name: str) -> tuple[slice, slice]:
    """Which residues of a protein are on the canvas, and in which cells."""
    slack = max(0, length + 2 * BORDER - canvas)
    offset = int(np.random.default_rng([seed, crc32(name.encode())]).integers(slack + 1))
    first, last = max(0, offset - BORDER), min(length, offset + canvas - BORDER)
    shift = BORDER - offset
    return slice(first, last), slice(first + shift, last + shift)
