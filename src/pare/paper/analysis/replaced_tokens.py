"""Which target patches the gate and chance replace, and results over the first share (paper, figures 4, 5, 7, 8)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch

from pare.config import Run
from pare.config.run import ENV, differing_text
from pare.learners.networks.mixing import relaxed_top_k
from pare.learners.networks.mixing.selection import gumbel
from pare.paper.analysis.compared import Saved

Item = TypeVar("Item")
MOST_EPOCHS = 5
CHOOSING = ("pare", "pare_random_patches")  # the gate, and chance
COMPARED = "finetune"
VARIANT = "start_"  # what a variant is called that differs in mixing.start
COLUMNS = ["method", "variant", "seed", "start", "test"]


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
    noise = gumbel((rows, tokens), device=generator.device, generator=generator)
    return (relaxed_top_k(torch.zeros(rows, tokens), tokens - k, noise=noise) == 0).numpy()


def replaced_patches(scores: np.ndarray, epochs: Sequence[tuple[int, int]], seed: int) -> pd.DataFrame:
    """Patches that the trained gate and chance replace in a few samples, at the k of several epochs.

    Args:
        scores: scores of the gate, ``(samples, tokens)``.
        epochs: ``(epoch, k)``.
        seed: seed of the random choice.

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
        replaced: fraction of the samples in which each feature was replaced, ``(epochs, features)``.
        history: an entry an epoch with ``epoch`` and ``k``.
        names: names of the features.
        samples: how many samples an epoch had.
        seed: seed of the random choice.

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


def start_results(run: Run, results: pd.DataFrame, saved: Saved) -> pd.DataFrame:
    """Test results of runs that differ from a run in where their curriculum starts, and of fine-tuning.

    Args:
        run: the run; results of another task, source, protocol or metric are left out.
        results: one line for each run, see `pare.report.results.Results`.
        saved: functions that load a model, by the folder of its run; it knows the start where the command line did
            not set it.

    Returns:
        ``method``, ``variant``, ``seed``, ``start`` (a share of the tokens; 0 for fine-tuning) and ``test``, a line
        a run.
    """
    wanted: dict[str, str | None] = {"task": run.task_name, "metric": run.metric, "protocol": run.protocol}
    differs = {key: value for key, value in run.differs.items() if key != ENV}  # which all results have in common
    wanted |= {"source": run.source_name, "proxy": run.proxy_name, "differs": differing_text(differs)}
    same = (results[list(wanted)] == pd.Series(wanted)).all(axis=1)
    lines = []
    for line in results[same].itertuples():
        start = _start(line, saved)
        if start is not None:
            lines.append([line.method, line.variant, line.seed, start, line.test])
    return pd.DataFrame(lines, columns=COLUMNS)


def _start(line: Any, saved: Saved) -> float | None:
    """Where the curriculum of a line's run started; None where it is of another kind, or it is unknown."""
    if line.method == COMPARED and not line.variant:
        return 0.0
    if line.method not in CHOOSING or not line.variant.startswith(VARIANT if line.variant else ""):
        return None
    if pd.notna(line.start):
        return float(line.start)
    mixing = saved[line.folder]().run.mixing if line.folder in saved else None
    return mixing.start if mixing else None
