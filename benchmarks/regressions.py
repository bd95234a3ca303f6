"""Time of what the start of fields computes: in as many numbers as there are rows, and by products of matrices.

    OMP_NUM_THREADS=1 python benchmarks/regressions.py    # half a minute

Fields are random, of sizes as those of Darcy flow: 900 rows of 85 × 85 points, of the inputs three channels. Both ways
are compared in their results as well; times are CPU seconds.
"""

import time

import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import Tensor

from harness import in_turns, options, show
from pare.learners.networks.models.convolutional import Anchor
from pare.learners.networks.start.field_start import PENALTIES
from pare.learners.networks.start.regressions import Ridge, rotated

ROWS, INPUTS, OUTPUTS, BATCH = 900, 3 * 85 * 85, 85 * 85, 8


def errors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared errors of rows left out by five folds, ``(penalties, rows)``; rows ``(rows, numbers)``."""
    found = np.empty((len(PENALTIES), len(x)))
    for fitted, held in KFold(5).split(x):
        for i, predicted in enumerate(Ridge.fit(x[fitted], y[fitted]).predict(x[held], *PENALTIES)):
            found[i, held] = np.square(predicted - y[held]).sum(1)
    return found


def by_distances(anchor: Anchor, x: Tensor) -> Tensor:
    """What the anchor predicts for rows ``(rows, inputs)``, its kernels by `torch.cdist`."""
    distances = torch.cdist((x - anchor.mean).double(), anchor.directions)
    kernels = (-distances.square() / (2 * anchor.width**2)).exp()
    return (kernels @ anchor.fields.flatten(1)).float().unflatten(1, anchor.constant.shape) + anchor.constant


def main() -> None:
    """Compare both pairs of ways."""
    repeats = options(__doc__, repeats=1).repeats
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, INPUTS)), rng.normal(size=(ROWS, OUTPUTS))
    anchor = Anchor(INPUTS, (1, 85, 85))
    anchor.set(x.mean(0), x - x.mean(0), y.reshape(ROWS, 1, 85, 85), np.zeros((1, 85, 85)), 150.0)
    batch = torch.from_numpy(x[:BATCH]).float()
    compared = {
        "errors of five folds": {
            "all numbers": lambda: errors(x, y),
            "as many numbers as rows": lambda: errors(rotated(x), rotated(y)),
        },
        f"{BATCH} rows by {ROWS} kernels": {
            "torch.cdist": lambda: by_distances(anchor, batch).numpy(),
            "the anchor": lambda: anchor(batch).numpy(),
        },
    }
    for title, ways in compared.items():
        expected, found = (way() for way in ways.values())
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        show(title, in_turns(ways, repeats, time.process_time))


if __name__ == "__main__":
    main()
