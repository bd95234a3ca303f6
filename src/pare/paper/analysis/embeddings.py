"""Source, target and intermediate samples in the space that the encoder receives (paper, figures 1b and 1c).

An embedding is the mean of a sample's tokens as they enter the encoder. Shapes: ``rows`` samples, ``tokens`` of a
sample, ``width`` of a token.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.manifold import TSNE
from torch import Tensor

from pare.saved.trained_model import TrainedModel
from pare.training.losses import build_loss
from pare.training.objective import Objective
from pare.training.source_batches import SourceBatches

PERPLEXITY = 30.0


@dataclass(frozen=True)
class Embeddings:
    """Embeddings, labels and scores of as many source as target samples.

    Attributes:
        target: ``(rows, width)``.
        source: ``(rows, width)``.
        mixed: those with k target tokens replaced, by k, each ``(rows, width)``.
        target_y: labels or fields of the target samples, ``(rows, …)``.
        source_y: labels or masks of the source samples, ``(rows, …)``.
        target_scores: the gate's scores of the target tokens, ``(rows, tokens)``.
        source_scores: its scores of the source tokens, ``(rows, tokens)``.
    """

    target: np.ndarray
    source: np.ndarray
    mixed: dict[int, np.ndarray]
    target_y: np.ndarray
    source_y: np.ndarray
    target_scores: np.ndarray
    source_scores: np.ndarray


def embed(
    trained: TrainedModel,
    rows: Mapping[str, np.ndarray],
    source: SourceBatches,
    counts: Sequence[int],
    device: torch.device,
) -> Embeddings:
    """Embed target samples, as many source samples, and mixtures of both by the trained gate.

    Args:
        trained: a model whose method mixes.
        rows: target samples ``x`` and their ``y``, ``(rows, …)``.
        source: batches of the proxy.
        counts: the numbers k of tokens to replace.
        device: where to compute.
    """
    run, model = trained.run, trained.model.to(device)
    objective = Objective(model, build_loss(run.task.loss, run.task.output.kind), run.training, run.mixing)
    noise = torch.Generator().manual_seed(run.seed)
    size = run.training.batch_size
    batches = source.batches(size * model.views, np.random.default_rng(run.seed))
    parts: dict[str | int, list[np.ndarray]] = defaultdict(list)
    with torch.inference_mode():
        for start in range(0, len(rows["x"]), size):
            x = torch.from_numpy(rows["x"][start : start + size]).to(device)
            proxy, proxy_y = (part[: len(x) * model.views] for part in next(batches))
            proxy = proxy.to(device)
            target_tokens, source_tokens = model.embed(x).tokens, model.embed_source(proxy)
            shown: dict[str | int, Tensor] = {"target": target_tokens, "source": source_tokens[: len(x)]}
            shown |= {k: objective.mix(target_tokens, proxy, k, noise).tokens for k in counts}
            for name, tokens in shown.items():
                parts[name].append(_pooled(tokens[: len(x)]))  # the first view, where there are several
            parts["target_scores"].append(model.gate(target_tokens[: len(x)]).cpu().numpy())
            parts["source_scores"].append(model.gate(source_tokens[: len(x)]).cpu().numpy())
            parts["source_y"].append(proxy_y[: len(x)].numpy())
    whole = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Embeddings(
        mixed={k: whole.pop(k) for k in counts},
        target_y=rows["y"],
        **{str(name): array for name, array in whole.items()},
    )


def _pooled(tokens: Tensor) -> np.ndarray:
    return tokens.mean(1).float().cpu().numpy()


def project(groups: Mapping[str, np.ndarray], seed: int) -> pd.DataFrame:
    """One t-SNE map of several groups of points (van der Maaten and Hinton 2008, as scikit-learn has it).

    Args:
        groups: points by the group's name, each ``(points, width)``.
        seed: of the map.

    Returns:
        ``group``, ``x`` and ``y``, a line a point, in the order of the groups; the axes have no unit.
    """
    points = np.concatenate(list(groups.values()))
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    place = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    names = np.repeat(list(groups), [len(group) for group in groups.values()])
    return pd.DataFrame({"group": names, "x": place[:, 0], "y": place[:, 1]})
