"""Which target patches the gate replaces, and which chance would (paper, figures 4, 7 and 8)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch

from pare.mixing import relaxed_top_k

Item = TypeVar("Item")

MOST_EPOCHS = 5


def shown_epochs(history: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """At most five ``(epoch, k)`` of a training, evenly chosen from the epochs that replaced a token."""
    return evenly_chosen([(row["epoch"], row["k"]) for row in history if row["k"]], MOST_EPOCHS)


def evenly_chosen(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly spaced, the first and the last among them."""
    places = np.linspace(0, len(items) - 1, min(most, len(items)))
    return [items[i] for i in places.round().astype(int)]


def replaced_by_gate(scores: np.ndarray, k: int) -> np.ndarray:
    """The k tokens of lowest score, without the noise of the training, ``(rows, tokens)`` of booleans."""
    kept = relaxed_top_k(torch.from_numpy(scores), scores.shape[1] - k, noise=False)
    return (kept == 0).numpy()


def replaced_at_random(rows: int, tokens: int, k: int, generator: torch.Generator) -> np.ndarray:
    """K tokens of each row, each as likely as any other, ``(rows, tokens)`` of booleans."""
    return (relaxed_top_k(torch.zeros(rows, tokens), tokens - k, generator=generator) == 0).numpy()


def replaced_patches(scores: np.ndarray, epochs: Sequence[tuple[int, int]], seed: int) -> pd.DataFrame:
    """Patches that the trained gate and chance replace in a few samples, at the k of several epochs.

    Args:
        scores: of the gate, ``(samples, tokens)``.
        epochs: ``(epoch, k)``.
        seed: of the random choice.

    Returns:
        ``epoch``, ``k``, ``sample``, ``token``, ``score``, ``gate`` and ``random`` (whether each replaces the token).
    """
    generator = torch.Generator().manual_seed(seed)
    samples, tokens = np.indices(scores.shape)
    parts = []
    for epoch, k in epochs:
        part = {"epoch": epoch, "k": k, "sample": samples.ravel(), "token": tokens.ravel(), "score": scores.ravel()}
        part["gate"] = replaced_by_gate(scores, k).ravel()
        part["random"] = replaced_at_random(len(scores), scores.shape[1], k, generator).ravel()
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def replaced_features(
    replaced: Sequence[Sequence[float]],
    history: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    samples: int,
    seed: int,
) -> pd.DataFrame:
    """How often the gate replaced each feature of a table during the training, and how often chance would have.

    Args:
        replaced: share of the samples in which each feature was replaced, ``(epochs, features)``.
        history: an entry an epoch with ``epoch`` and ``k``.
        names: of the features.
        samples: how many samples an epoch had.
        seed: of the random choice.

    Returns:
        ``epoch``, ``k``, ``feature``, ``gate`` and ``random`` (shares, 0 to 1), a line an epoch and feature.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for row, shares in zip(history, replaced, strict=True):
        chance = replaced_at_random(samples, len(names), row["k"], generator).mean(0)
        part = {"epoch": row["epoch"], "k": row["k"], "feature": names, "gate": shares, "random": chance}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def score_histograms(
    counts: Sequence[Sequence[Sequence[int]]], history: Sequence[Mapping[str, Any]], most_bins: int = 30
) -> pd.DataFrame:
    """Distribution of the gate's scores over the tokens of both modalities, in each epoch that replaced a token.

    Args:
        counts: tokens by score, in bins of equal width over 0..1, ``(epochs, 2, bins)``: target tokens, then source
            tokens.
        history: an entry an epoch with ``epoch`` and ``k``.
        most_bins: as many, or fewer, of equal width from the lowest score of all epochs to the highest.

    Returns:
        ``epoch``, ``k``, ``left`` and ``right`` (edges of a bin), ``target`` and ``source`` (share of the modality's
        tokens in it).
    """
    mixed = [(row["epoch"], row["k"]) for row in history if row["k"]]
    fine = np.array([epoch for epoch, row in zip(counts, history, strict=True) if row["k"]]).reshape(len(mixed), 2, -1)
    occupied = np.flatnonzero(fine.sum((0, 1)))
    first, width = occupied[0], -(-(np.ptp(occupied) + 1) // most_bins)
    starts = np.arange(first, occupied[-1] + 1, width)
    coarse = np.add.reduceat(fine, starts, axis=2)
    edges = np.minimum(np.append(starts, starts[-1] + width), fine.shape[2]) / fine.shape[2]
    parts = []
    for (epoch, k), tokens in zip(mixed, coarse, strict=True):
        target, source = tokens / tokens.sum(1, keepdims=True)
        part = {"epoch": epoch, "k": k, "left": edges[:-1], "right": edges[1:], "target": target, "source": source}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)
