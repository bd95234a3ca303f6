"""ORCA's first stage (Shen et al. 2023): fit the target embedder so that target and source embeddings look alike.

The objective is ORCA's class-wise one: the distance between the whole source and each target class by itself, weighted
by the class's share of the rows. With a single target class the label distances shift the cost of each source sample by
a constant, which changes neither the plan nor the gradient. So the steps leave them out; only the OTDD that is measured
before and after has them.
"""

import logging
import time
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from pare.config.errors import PareError
from pare.config.hyperparameters import AlignmentConfig, TrainingConfig
from pare.config.run import Run
from pare.learners.networks.alignment.otdd import otdd, self_cost, sinkhorn_divergence
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.models.threads import fastest_threads
from pare.learners.networks.training.optimisers import build_optimiser
from pare.storage.store import Rows

logger = logging.getLogger(__name__)
Batches = Callable[[int, np.random.Generator], Iterator[tuple[Tensor, Tensor]]]

STREAM = 1000  # stream of random numbers apart from fine-tuning's
MEASURED = 512  # samples of either side in the OTDD before and after
PSEUDO_CLASSES = 10  # clusters of targets that are no classes
MILESTONES, DECAY = (20, 40, 60), 0.2  # epochs after which the learning rate falls, and by which factor; ORCA's
BLOCK_ROWS, BLOCK_VALUES = 10_000, 2**26  # targets that are clustered at once; 256 MB
Blocks = Callable[[], Iterator[np.ndarray]]


def align_embedder(
    model: CrossModalModel, rows: Rows, chosen: np.ndarray, batches: Batches, *, run: Run
) -> dict[str, Any]:
    """Train the model's target embedder, and nothing else, towards the source's embeddings.

    Args:
        model: the model, on the device of the training; its embedder is changed.
        rows: the training rows.
        chosen: numbers of those that the training uses.
        batches: endless proxy samples and labels, of a size, in the order that a generator decides.
        run: the run, with its ``alignment``.

    Returns:
        ``before`` and ``after``, the OTDD to the source; ``distances``, the class-wise objective per epoch, before its
        step; ``seconds``.

    Raises:
        PareError: where the distance is not finite, or no class has two rows.
    """
    assert run.alignment is not None
    started = time.perf_counter()
    alignment = Alignment(model, rows, chosen, batches, run, run.alignment)
    before = alignment.measure()
    distances = []
    for _ in track(range(run.alignment.epochs), "alignment", transient=True):
        with fastest_threads(model, "alignment"):
            distances.append(alignment.epoch())
    record = {
        "before": before,
        "after": alignment.measure(),
        "distances": distances,
        "seconds": time.perf_counter() - started,
    }
    logger.info(
        "alignment: OTDD to the source %.4g, after %d epochs %.4g, %.1f s",
        record["before"],
        len(distances),
        record["after"],
        record["seconds"],
    )
    return record


class Alignment:
    """One alignment: the source's features, the target's classes, the optimiser of the embedder."""

    def __init__(
        self,
        model: CrossModalModel,
        rows: Rows,
        chosen: np.ndarray,
        batches: Batches,
        run: Run,
        settings: AlignmentConfig,
    ) -> None:
        self.model, self.rows, self.settings, self.batch = model, rows, settings, run.training.batch_size
        self.device = next(model.embedder.parameters()).device
        self.rng = np.random.default_rng([run.seed, STREAM])
        labels = target_labels(rows, chosen, run)
        members = [chosen[labels == c] for c in np.unique(labels)]
        self.classes = [part for part in members if len(part) > 1]  # one sample is no distribution
        if not self.classes:
            raise PareError(
                f"no class of the task has two training rows among {len(chosen)}, an alignment compares classes; "
                "use more rows, or method=finetune"
            )
        self.source, self.source_labels = self._embedded_source(batches, run)
        with torch.no_grad():
            self.source_self = self_cost(self.source, settings.regularisation)
        drawn = self.rng.permutation(len(chosen))[:MEASURED]
        self.measured, self.measured_labels = chosen[drawn], torch.from_numpy(labels[drawn]).to(self.device)
        self.optimiser, self.schedule = _optimiser(model.embedder, run.training, settings)

    def epoch(self) -> float:
        """One optimiser step on the weighted distances of all classes, from new samples of each; their sum."""
        total = sum(len(rows) for rows in self.classes)
        value = 0.0
        for rows in self.classes:
            drawn = self.rng.permutation(rows)[: self.settings.samples]
            value += self._backward(drawn, len(rows) / total)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.schedule.step()
        return value

    def _backward(self, rows: np.ndarray, weight: float) -> float:
        """Add the gradient of one class's distance to the embedder's.

        The distance needs all features at once, but the embedder only a batch. So each sample is embedded a second time
        to pass its feature's gradient on; memory does not grow with the number of samples.
        """
        features = self._embedded(rows).requires_grad_()
        distance = weight * sinkhorn_divergence(
            self.source, features, self.settings.regularisation, x_self=self.source_self
        )
        value = self._value(distance)
        distance.backward()
        assert features.grad is not None
        for start in range(0, len(rows), self.batch):
            part = slice(start, start + self.batch)
            self._embed(rows[part]).backward(features.grad[part])
        return value

    def measure(self) -> float:
        """OTDD between target and source, on the same samples each time."""
        features = self._embedded(self.measured)
        source, labels = self.source[:MEASURED], self.source_labels[:MEASURED]
        with torch.no_grad():
            distance = otdd(
                source,
                labels,
                features,
                self.measured_labels,
                classes=self.settings.distance,
                regularisation=self.settings.regularisation,
            )
        return self._value(distance)

    def _value(self, distance: Tensor) -> float:
        """The distance as a number; PareError where it is not finite."""
        value = distance.item()
        if not isfinite(value):
            raise PareError(
                f"the distance to the source is {value} during the alignment, learning rate "
                f"{self.schedule.get_last_lr()[0]:.2e}; lower alignment.learning_rate or raise alignment.regularisation"
            )
        return value

    def _embed(self, rows: np.ndarray) -> Tensor:
        """Features of target samples, ``(rows, width)``: the mean over their tokens, and over views of a sample."""
        x = torch.from_numpy(self.rows.__getitems__(rows.tolist())["x"]).to(self.device)
        return self.model.embed(x).tokens.mean(1).unflatten(0, (self.model.views, -1)).mean(0)

    @torch.no_grad()
    def _embedded(self, rows: np.ndarray) -> Tensor:
        """The same in batches, without gradient."""
        return torch.cat([self._embed(rows[i : i + self.batch]) for i in range(0, len(rows), self.batch)])

    def _embedded_source(self, batches: Batches, run: Run) -> tuple[Tensor, Tensor]:
        """Features ``(source samples, width)`` and classes ``(source samples,)`` of the proxy."""
        count = self.settings.source_samples
        features, labels = [], []
        for _, (inputs, y) in zip(range(-(-count // self.batch)), batches(self.batch, self.rng), strict=False):
            features.append(self.model.embed_source(inputs.to(self.device)).mean(1))
            labels.append(y)
        return torch.cat(features)[:count], self._source_classes(torch.cat(labels)[:count], run).to(self.device)

    def _source_classes(self, labels: Tensor, run: Run) -> Tensor:
        """Classes as they are; of masks, clusters of like masks, as for a target that is a field."""
        if labels.ndim == 1:
            return labels
        masks = labels.float()
        masks[labels < 0] = 0.5  # neither foreground nor background
        return torch.from_numpy(pseudo_labels(lambda: iter([masks.numpy()]), PSEUDO_CLASSES, run.seed).astype(np.int64))


def target_labels(rows: Rows, chosen: np.ndarray, run: Run) -> np.ndarray:
    """Classes of the chosen training rows, ``(chosen,)``: the task's own, or clusters where it predicts no class."""
    assert run.alignment is not None
    if run.task.output.kind == "classification":
        return rows.array("y")[chosen].astype(np.int64)
    ordered = np.sort(chosen)
    size = min(BLOCK_ROWS, max(BLOCK_VALUES // int(np.prod(run.task.output.shape)), 10 * PSEUDO_CLASSES))

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(ordered), size):
            part = ordered[start : start + size]
            yield rows.array("y", part[0], part[-1] + 1)[part - part[0]]

    labels = np.empty(len(rows), dtype=np.int64)
    labels[ordered] = pseudo_labels(blocks, PSEUDO_CLASSES, run.seed)
    return labels[chosen]


def _optimiser(
    embedder: torch.nn.Module, training: TrainingConfig, settings: AlignmentConfig
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """The kind of optimiser that the fine-tuning takes; ORCA's rate where none is set: ten times a small one."""
    own = training.learning_rate * (10 if training.learning_rate <= 1e-3 else 1)
    group = {"params": list(embedder.parameters()), "lr": settings.learning_rate or own}
    optimiser = build_optimiser(embedder, [group], training)
    return optimiser, torch.optim.lr_scheduler.MultiStepLR(optimiser, MILESTONES, DECAY)


def pseudo_labels(blocks: Blocks, classes: int, seed: int) -> np.ndarray:
    """Cluster of each sample by k-means, ``(samples,)``.

    One block is clustered as a whole; of several, only one is in memory at a time (mini-batch k-means).

    Args:
        blocks: gives the samples from the first to the last, in blocks ``(samples, …)``; called for every pass. NaN,
            which marks points without a truth, counts as 0.
        classes: number of clusters; fewer with fewer samples.
        seed: seed of the first centres.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans  # noqa: PLC0415

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
