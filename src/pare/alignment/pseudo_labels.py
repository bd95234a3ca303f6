"""Classes for targets that have none: clusters of the target itself (ORCA takes ten)."""

from collections.abc import Callable, Iterator

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

Blocks = Callable[[], Iterator[np.ndarray]]


def pseudo_labels(blocks: Blocks, classes: int, seed: int) -> np.ndarray:
    """Cluster of each sample by k-means, ``(samples,)``.

    One block is clustered as a whole; of several, only one is in memory at a time (mini-batch k-means).

    Args:
        blocks: gives the samples from the first to the last, in blocks ``(samples, …)``; called for every pass. NaN,
            which marks points without a truth, counts as 0.
        classes: number of clusters; fewer where there are fewer samples.
        seed: of the first centres.
    """
    first, several = _peek(blocks)
    clusters = min(classes, len(first))
    if not several:
        return KMeans(clusters, n_init=1, random_state=seed).fit_predict(first)
    means = MiniBatchKMeans(clusters, n_init=1, random_state=seed)
    for block in blocks():
        means.partial_fit(_flat(block))
    return np.concatenate([means.predict(_flat(block)) for block in blocks()])


def _peek(blocks: Blocks) -> tuple[np.ndarray, bool]:
    """The first block, and whether there are others."""
    stream = blocks()
    return _flat(next(stream)), next(stream, None) is not None


def _flat(block: np.ndarray) -> np.ndarray:
    return np.nan_to_num(block.reshape(len(block), -1).astype(np.float32))
