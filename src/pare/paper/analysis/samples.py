"""The target samples that an analysis looks at."""

import numpy as np

from pare.storage.store import ArrayStore


def training_rows(store: ArrayStore, count: int, seed: int) -> dict[str, np.ndarray]:
    """At most ``count`` training rows, drawn at random; the first of more are the same as those of fewer.

    Args:
        store: the model input.
        count: how many.
        seed: of the draw.

    Returns:
        ``x`` and ``y``, each ``(rows, …)``.
    """
    rows = store.rows("train")
    return rows.__getitems__(np.random.default_rng(seed).permutation(len(rows))[:count].tolist())
