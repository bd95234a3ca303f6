"""Numbers for the paper's claims, from the figures that `kedro run --pipelines=analyse` made; writes docs/claims.csv.

    for method in pare finetune orca; do
      kedro run --pipelines=pare_train --params task=openml_wdbc,method=$method,start=random,training.epochs=15
    done
    kedro run --pipelines=analyse --params task=openml_wdbc,method=pare,start=random,training.epochs=15
    python benchmarks/claims.py

docs/claims.md says what each number means.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pare.storage.atomic import atomic_path

PROJECT = Path(__file__).parents[1]
REPORTING, RESULTS = PROJECT / "data/08_reporting", PROJECT / "docs/claims.csv"
ANALYSES = "*/pare/start_random/seed_0/analysis"


def main() -> None:
    """Collect the numbers of all tasks that were analysed from the paper's start."""
    rows = [
        {"task": folder.relative_to(REPORTING).parts[0], "quantity": quantity, "of": of, "value": float(f"{value:.4g}")}
        for folder in sorted(REPORTING.glob(ANALYSES))
        for quantity, of, value in (
            *_distances(pd.read_csv(folder / "distances.csv")),
            *_landscapes(pd.read_csv(folder / "landscape.csv")),
            *_source_features(pd.read_csv(folder / "source_features.csv")),
            *_patches(pd.read_csv(folder / "patches.csv")),
        )
    ]
    with atomic_path(RESULTS) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False, lineterminator="\n")
    print(pd.DataFrame(rows).to_string(index=False))


def _distances(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """OTDD from mixed samples to the source and to the target, by the share of tokens replaced."""
    for row in frame.itertuples():
        yield "OTDD to the source", f"{row.share:.2f}", row.to_source
        yield "OTDD to the target", f"{row.share:.2f}", row.to_target


def _landscapes(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """How many points of the plane, border left out, are below all eight neighbours, and how far the loss rises."""
    for method, points in frame.groupby("method"):
        loss = points.pivot(index="a", columns="b", values="loss").to_numpy()
        inner = loss[1:-1, 1:-1]
        size = len(loss)
        around = [
            loss[1 + i : size - 1 + i, 1 + j : size - 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)
        ]
        yield "local minima of the landscape", str(method), float((inner < np.min(around, axis=0)).sum())
        yield "mean rise of the loss", str(method), float(loss.mean() - loss[size // 2, size // 2])


def _source_features(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """Share of source samples whose nearest neighbours in the encoder's features have their class."""
    for encoder, rows in frame.groupby("encoder", sort=False):
        yield "source classes kept", str(encoder), rows["accuracy"].iloc[0]


def _patches(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """Difference between the most and the least replaced feature, of all epochs that mix."""
    if "feature" in frame:
        for column in ("gate", "random"):
            shares = frame[frame["k"] > 0].groupby("feature")[column].mean()
            yield "spread of replaced shares", column, shares.max() - shares.min()


if __name__ == "__main__":
    main()
