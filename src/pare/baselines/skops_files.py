"""Estimators of scikit-learn's kind as files of skops: JSON and arrays, from which only named types are made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

SUFFIX = ".skops"
# In addition to scikit-learn's own estimators, numpy's arrays and plain Python values, which skops trusts by itself.
TRUSTED = ("numpy.dtype",)


def write_skops(estimator: Any, path: Path) -> None:
    """Write a fitted estimator, or a list of several."""
    import skops.io  # noqa: PLC0415 - takes a second, and a fit that is not kept needs none

    skops.io.dump(estimator, path, compression=ZIP_DEFLATED)


def read_skops(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read what `write_skops` wrote; an error of skops where the file is damaged or has a type that is not trusted.

    Args:
        path: of the file.
        trusted: whole names of types that it may have in addition to those of `TRUSTED`.
    """
    import skops.io  # noqa: PLC0415

    return skops.io.load(path, trusted=[*TRUSTED, *trusted])
