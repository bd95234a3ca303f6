"""Source, target and intermediate samples in the space that the encoder receives, and their distances
(paper, figures 1b and 1c).

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

from pare.learners.model import Model
from pare.learners.networks.alignment import otdd, pseudo_labels
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.mixing.mixers import MIXERS
from pare.learners.networks.training.losses import build_loss
from pare.learners.networks.training.objective import Objective
from pare.learners.networks.training.source_batches import SourceBatches
from pare.paper.analysis.compared import network_of

PERPLEXITY = 30.0
CLUSTERS = 10  # where the labels are fields, masks or numbers, as ORCA takes them
REGULARISATION = 0.3  # in the transport, as a fraction of the mean squared distance between source and target
UNKNOWN = 0.5  # a point of a mask that is neither foreground (1) nor background (0)


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
    trained: Model,
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
    run, model = trained.run, network_of(trained).to(device)
    objective = Objective(model, build_loss(run.task.loss, run.task.output.kind), run.training, run.mixing)
    assert run.mixing
    mixer, grid = MIXERS[run.mixing.mixer], model.backbone.grid
    generators = Generators(device, run.seed)
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
            draws = Draws(generators, len(x))
            noise = {k: mixer.draw(draws, model.views, grid, k) for k in counts}
            shown |= {k: objective.mix(target_tokens, proxy, k, noise[k]).tokens for k in counts}
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
        seed: seed of the map.

    Returns:
        ``group``, ``x`` and ``y``, one line for each point, in the order of the groups; the axes have no unit.
    """
    points = np.concatenate(list(groups.values()))
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    place = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    names = np.repeat(list(groups), [len(group) for group in groups.values()])
    return pd.DataFrame({"group": names, "x": place[:, 0], "y": place[:, 1]})


def dataset_distances(embeddings: Embeddings, tokens: int, seed: int, device: torch.device) -> pd.DataFrame:
    """OTDD from the mixed samples to the target's and to the source's, for each number k of replaced tokens.

    A mixed sample has two labels, its target's and its source's (paper, equation 1). The first is used for the distance
    to the target dataset, the second for that to the source dataset. With k = 0 the mixed samples are the target's,
    with k = N the source's, at a distance of 0.

    Args:
        embeddings: embeddings of source, target and mixed samples.
        tokens: the number N of tokens of a sample.
        seed: seed of the clusters that replace classes where there are none.
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
