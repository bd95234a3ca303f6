"""The source's knowledge after each method: features of proxy samples after the training (paper, figure 6)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy.stats import mode
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from pare.learners.networks.models import Backbone
from pare.learners.networks.training.source_batches import IGNORED
from pare.paper.analysis.embeddings import project

NEIGHBOURS = 5
MOST_CLASSES = 8  # that a map can tell apart


def source_features(
    encoders: Mapping[str, Backbone], inputs: Tensor, labels: Sequence[str], seed: int, device: torch.device
) -> pd.DataFrame:
    """A t-SNE map of the features of the same source samples for each encoder, and how well they tell the classes.

    Args:
        encoders: the encoders by the name of what they learnt from.
        inputs: source samples, ``(rows, …)``.
        labels: their classes by name, ``(rows,)``.
        seed: seed of the maps.
        device: where to compute.

    Returns:
        ``encoder``, ``x``, ``y``, ``label``, and ``accuracy``: the fraction of samples whose class their five nearest
        neighbours in the feature space tell, the sample itself left out; the same for all lines of an encoder.
    """
    parts = []
    for name, encoder in encoders.items():
        features = _features(encoder.to(device), inputs, device)
        place = project({name: features}, seed).rename(columns={"group": "encoder"})
        parts.append(place.assign(label=list(labels), accuracy=neighbour_accuracy(features, labels)))
    return pd.concat(parts, ignore_index=True)


def neighbour_accuracy(features: np.ndarray, labels: Sequence[str]) -> float:
    """Fraction of samples that have the most frequent class of their nearest neighbours.

    Args:
        features: ``(rows, width)``.
        labels: ``(rows,)``.
    """
    _, codes = np.unique(labels, return_inverse=True)
    count = min(NEIGHBOURS, len(codes) - 1)
    near = NearestNeighbors(n_neighbors=count).fit(features).kneighbors(return_distance=False)
    return float((mode(codes[near], axis=1).mode == codes).mean())


def _features(encoder: Backbone, inputs: Tensor, device: torch.device, batch_size: int = 32) -> np.ndarray:
    """Mean of the tokens that leave the encoder, ``(rows, out_width)``."""
    with torch.inference_mode():
        batches = (encoder.encode(encoder.embed_source(part.to(device))) for part in inputs.split(batch_size))
        return np.concatenate([features.mean(1).float().cpu().numpy() for features in batches])


def source_labels(y: np.ndarray, names: Sequence[str] | None) -> list[str]:
    """Classes of source samples by name; samples with masks fall into two, by their share of foreground.

    Args:
        y: class numbers, ``(rows,)``, or masks, ``(rows, …)``.
        names: names of the classes; None where the labels are masks.
    """
    if names is not None:
        return [names[number] for number in y]
    share = np.array([mask[mask != IGNORED].mean() for mask in y])
    return np.where(share > np.median(share), "more foreground", "less foreground").tolist()


def frequent_classes(labels: Sequence[str], count: int) -> np.ndarray:
    """Numbers of the first ``count`` samples of the eight most frequent classes, ``(at most count,)``."""
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    frequent = np.argsort(-sizes, kind="stable")[:MOST_CLASSES]
    return np.flatnonzero(np.isin(codes, frequent))[:count]
