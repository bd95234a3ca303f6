"""How far the intermediate modality is from source and target as more tokens are replaced (paper, figure 1b)."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pare.alignment import otdd, pseudo_labels
from pare.paper.analysis.embeddings import Embeddings

CLUSTERS = 10  # where the labels are fields, masks or numbers, as ORCA takes them
REGULARISATION = 0.3  # of the transport, as a share of the mean squared distance between source and target
UNKNOWN = 0.5  # a point of a mask that is neither foreground (1) nor background (0)


def dataset_distances(embeddings: Embeddings, tokens: int, seed: int, device: torch.device) -> pd.DataFrame:
    """OTDD from the mixed samples to the target's and to the source's, for each number k of replaced tokens.

    A mixed sample has two labels, its target's and its source's (paper, equation 1). The first is used for the distance
    to the target dataset, the second for that to the source dataset. With k = 0 the mixed samples are the target's,
    with k = N the source's, at a distance of 0.

    Args:
        embeddings: of source, target and mixed samples.
        tokens: the number N of tokens of a sample.
        seed: of the clusters that replace classes where there are none.
        device: where to compute.

    Returns:
        ``k``, ``share`` (k/N), ``to_target`` and ``to_source`` (squared distances in the unit of the embeddings).
    """
    target, source = (torch.from_numpy(part).to(device) for part in (embeddings.target, embeddings.source))
    target_classes = _classes(embeddings.target_y, seed).to(device)
    source_classes = _classes(embeddings.source_y, seed).to(device)
    regularisation = REGULARISATION * float(torch.cdist(target, source).square().mean())
    lines = []
    for k, mixed in embeddings.mixed.items():
        moved = torch.from_numpy(mixed).to(device)
        # Classes as normal distributions: between all pairs of samples of all classes this would take minutes.
        to_target, to_source = (
            float(otdd(moved, classes, other, classes, classes="gaussian", regularisation=regularisation))
            for other, classes in ((target, target_classes), (source, source_classes))
        )
        lines.append({"k": k, "share": k / tokens, "to_target": to_target, "to_source": to_source})
    return pd.DataFrame(lines)


def _classes(y: np.ndarray, seed: int) -> Tensor:
    """Class numbers as they are; clusters of anything else, ``(rows,)``."""
    if y.ndim == 1:
        return torch.from_numpy(y.astype(np.int64))
    known = np.where(y < 0, UNKNOWN, y) if np.issubdtype(y.dtype, np.integer) else y
    return torch.from_numpy(pseudo_labels(lambda: iter([known]), CLUSTERS, seed).astype(np.int64))
