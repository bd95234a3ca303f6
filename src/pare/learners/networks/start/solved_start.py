"""Solving the predictor: features of the pretrained encoder, streamed once, then a head for each block of them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from rich import get_console
from rich.progress import track
from threadpoolctl import threadpool_limits
from torch import Tensor

from pare.config.run import Run
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.models.predictors import PhysicalUnits
from pare.learners.networks.models.solved import LinearHeads, TableEmbedder, combined, with_weight
from pare.learners.networks.models.threads import fastest_threads, free_threads
from pare.learners.networks.start.cross_validation import (
    Folds,
    Part,
    clearly_smaller,
    folds_that_keep,
    groups_of,
    weights_of,
)
from pare.learners.networks.start.heads import row_losses, solve_head, stratified_folds
from pare.learners.networks.start.regressions import on_device
from pare.learners.networks.start.ridge_heads import POINT_PENALTIES, RIDGE_PENALTIES, Head, solve_ridge_head
from pare.storage.store import Rows, evenly_spaced

logger = logging.getLogger(__name__)
BATCH_ROWS = 64
MOST_ROWS = 100_000  # rows of each part, at most, that solve heads: their features are in memory
FOLD_ROWS = 5000  # at most so many rows choose penalties and weights
FIRM_ROWS = 1000  # rows whose choice of penalties and weights some more rows would hardly change
OWN_VALUES = 50_000_000  # at most so many for a head with features of its own, or those of `FOLD_ROWS` rows
# Threads of matrix products cost a head of classes many times what they save, since its steps are small; where other
# programs run, a small ridge regression as well (benchmarks/heads.py). On more values than this the latter keeps them.
THREADED_VALUES = 2_000_000
OWN_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # weights of such a head to try in the mean over heads

Step = TypeVar("Step")
# What each head takes, (rows, features), those with features of their own some of the rows; and targets, (rows, …).
Features = tuple[list[np.ndarray], np.ndarray]


class SolvedStart:
    """Linear heads on an encoder as it is, solved once from training rows and perhaps once more from all rows.

    Args:
        model: its predictor is `LinearHeads`.
        run: kind of output, class weights and seed.
        accelerator: device of the model, and precision of the features.
    """

    held_out: np.ndarray | None = None  # heads begin a training, and are no anchor of it
    found: Any = None  # beside the model: nothing

    def __init__(self, model: CrossModalModel, run: Run, accelerator: Accelerator) -> None:
        self.model, self.run, self.accelerator = model, run, accelerator
        self._gathered: dict[int, Features] = {}

    def solve(self, parts: Sequence[Part], penalties: Sequence[float] = ()) -> dict[str, Any]:
        """Give the model heads that are fitted to rows, with penalties and weights that folds of the same rows choose.

        Features that were gathered before are used again.

        Args:
            parts: the rows.
            penalties: penalties of the heads, which keep their weights in the mean as well; empty: folds choose.

        Returns:
            ``penalties``, one per head.
        """
        parts = [(rows, evenly_spaced(chosen, MOST_ROWS)) for rows, chosen in parts]
        some = _spread([len(numbers) for _, numbers in parts], self._own_rows)
        chosen = evenly_spaced(some, FOLD_ROWS)
        groups, weights = groups_of(parts), weights_of(parts)
        folds = folds_that_keep(self.run.task.split, None if groups is None else groups[chosen], len(chosen))
        encoded, cut = self._choose_values(parts, chosen, folds, choosing=not penalties)
        gathered = [self._features(*part) for part in parts]
        y = np.concatenate([targets for _, targets in gathered])
        heads = []
        for i, layer in _shown(list(enumerate(self._predictor.heads)), "heads"):
            x = np.concatenate([blocks[i] for blocks, _ in gathered])
            if self._predictor.has_own(i):
                x, own = evenly_spaced(x, self._own_rows), None if weights is None else weights[some]
                head = self._solved(i, x, y[some], own, np.searchsorted(some, chosen), folds, kept=penalties[i : i + 1])
            else:
                of_folds = [blocks[i] for blocks in encoded]
                head = self._solved(i, x, y, weights, chosen, cut, kept=penalties[i : i + 1], of_folds=of_folds)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(head.weight))
                layer.bias.copy_(torch.from_numpy(head.bias))
            heads.append(head)
        if self._predictor.own and not penalties:
            self._predictor.shares.copy_(
                self._head_weights(heads, y[chosen], None if groups is None else groups[chosen])
            )
            by_name = self._weights_by_name()
            logger.info("Weights: %s.", ", ".join(f"{name} {weight:.0%}" for name, weight in by_name.items()))
        return {"penalties": [head.penalty for head in heads]}

    def _choose_values(
        self, parts: Sequence[Part], chosen: np.ndarray, folds: Folds | None, *, choosing: bool
    ) -> tuple[list[list[np.ndarray]], Folds | None]:
        """Let the embedder of a wide table choose the values that are tokens, by some of the rows.

        Each fold has values that its fitted rows alone choose. Else held-out rows, which take part in the choice,
        would seem easy to predict.

        Returns:
            Features of each head of the encoder by fold, ``(rows, features)``, and the folds. Where no values are
            chosen, no features and the folds as they were.
        """
        embedder = self.model.embedder
        if not isinstance(embedder, TableEmbedder) or not embedder.chosen:
            return [], folds
        self._gathered.clear()  # features by the values that were chosen before
        x, y = (np.concatenate([rows.array(name)[numbers] for rows, numbers in parts])[chosen] for name in ("x", "y"))
        weights = weights_of(parts)
        of_rows = np.ones(len(chosen)) if weights is None else weights[chosen]
        encoded = []
        if choosing:
            folds = folds or stratified_folds(y, self.run.task.output.kind, self.run.seed) or None
        for fitted, _ in folds or () if choosing else ():
            embedder.choose(x[fitted], y[fitted], of_rows[fitted])
            encoded.append(self._encoded(embedder, x))
        embedder.choose(x, y, of_rows)
        return encoded, folds

    @torch.inference_mode()
    def _encoded(self, embedder: TableEmbedder, x: np.ndarray) -> list[np.ndarray]:
        """Features of each head of the encoder for rows ``(rows, columns)``, ``(rows, features)``."""
        batches = []
        training = self.model.training
        self.model.eval()
        for start in range(0, len(x), BATCH_ROWS):
            batch = torch.from_numpy(x[start : start + BATCH_ROWS]).to(self.accelerator.device)
            with fastest_threads(self.model, "features"), self.accelerator.autocast():
                tokens, raw = embedder.encoded(batch)
                batches.append(self._predictor.encoded_inputs(self.model.encode(tokens), raw))
        self.model.train(training)
        return [torch.cat(blocks).float().cpu().numpy() for blocks in zip(*batches, strict=True)]

    def _weights_by_name(self) -> dict[str, float]:
        """Weight of the encoder's heads together, and of each head with features of its own."""
        own = self._predictor.shares.tolist()[-len(self._predictor.own) :]
        return {"encoder": 1 - sum(own), **dict(zip(self._predictor.own, own, strict=True))}

    def _head_weights(self, heads: Sequence[Head], y: np.ndarray, groups: np.ndarray | None) -> Tensor:
        """Equal weights; a head with features of its own has another one if that clearly lowers the out-of-fold loss.

        The columns of a wide table count as much as the encoder, which reads few of them. Another head behind the first
        of its own gets weight 0 unless it clearly lowers the out-of-fold loss, such as that of a series' points: most
        values of most series teach nothing.
        """
        first = len(heads) - len(self._predictor.own)
        weights = torch.full((first,), 1 / first)
        for i in range(first, len(heads)):
            usual = 1 / (i + 1) if i == first else 0.0
            if list(self._predictor.own)[i - first] == "columns":
                usual = 1 / 2
            weights = with_weight(weights, self._own_weight(weights, heads[: i + 1], y, groups, usual))
        return weights

    def _own_weight(
        self, weights: Tensor, heads: Sequence[Head], y: np.ndarray, groups: np.ndarray | None, usual: float
    ) -> float:
        """Weight of the last of these heads: the usual one, or a clearly better one."""
        out_of_fold = [head.out_of_fold for head in heads if head.out_of_fold is not None]
        if len(out_of_fold) < len(heads):
            return usual
        outputs, kind = torch.from_numpy(np.stack(out_of_fold)), self.run.task.output.kind

        def losses(weight: float) -> np.ndarray:
            return row_losses(combined(outputs, with_weight(weights, weight), kind).numpy(), y, kind)

        expected = losses(usual)
        others = {own: loss for own in OWN_WEIGHTS if clearly_smaller(loss := losses(own), expected, groups)}
        return min(others, key=lambda own: others[own].mean(), default=usual)

    def _solved(
        self,
        number: int,
        x: np.ndarray,
        y: np.ndarray,
        weights: np.ndarray | None,
        chosen: np.ndarray,
        folds: Folds | None,
        *,
        kept: Sequence[float],
        of_folds: Sequence[np.ndarray] = (),
    ) -> Head:
        """The head of that number, fitted to rows, with out-of-fold outputs for the chosen ones if folds choose.

        It is solved on the device of the model, unless this has no double precision.
        """
        predictor, output, balanced = self._predictor, self.run.task.output, self.run.training.class_weights
        rules: dict[str, Any] = {"chosen": chosen, "balanced": balanced, "weights": weights, "folds": folds}
        if kept:
            rules["penalties"] = kept
        if of_folds:
            rules["of_folds"] = [on_device(one, self.accelerator.device) for one in of_folds]
        placed = on_device(x, self.accelerator.device)
        if not predictor.has_own(number):
            rules |= {"encoded": predictor.encoded, "standardised": predictor.standardised, "seed": self.run.seed}
            with threadpool_limits(1, user_api="blas"):
                return solve_head(placed, y, output.kind, output.shape[0], **rules)
        is_points = list(predictor.own)[number - len(predictor.heads)] == "points"
        penalties = POINT_PENALTIES if is_points else RIDGE_PENALTIES
        with threadpool_limits(free_threads() if x.size > THREADED_VALUES else 1, user_api="blas"):
            return solve_ridge_head(placed, y, output.kind, output.shape[0], **{"penalties": penalties, **rules})

    def fit(self, parts: Sequence[Part], solution: Mapping[str, Any]) -> None:
        """Fit the heads to more rows, with the penalties and weights that were chosen where the rows are many.

        Of few rows they are chosen anew: a class of two rows may have had one before.
        """
        many = sum(len(chosen) for _, chosen in parts) >= FIRM_ROWS
        self.solve(parts, solution["penalties"] if many else ())

    def hold_out(self, parts: Sequence[Part], solution: Mapping[str, Any]) -> None:
        """Nothing: there is no anchor."""

    def applied(self) -> AbstractContextManager[None]:
        """The model predicts by its heads anyway."""
        return nullcontext()

    @property
    def _own_rows(self) -> int:
        """At most so many rows of each part, and of all, are for a head with features of its own."""
        return max(FOLD_ROWS, OWN_VALUES // max(self._predictor.own.values(), default=1))

    @property
    def _predictor(self) -> LinearHeads:
        assert isinstance(self.model.predictor, LinearHeads)
        return self.model.predictor

    def _features(self, rows: Rows, chosen: np.ndarray) -> Features:
        """What each head takes of the rows; where it has features of its own, which are many, of some of the rows."""
        if id(rows) not in self._gathered:
            training = self.model.training
            self.model.eval()
            blocks, targets = self._gather(rows, chosen)
            self.model.train(training)
            y = self._normalised(np.concatenate(targets))
            joined = [np.concatenate(blocks.pop(0)) for _ in self._predictor.heads]  # one at a time, which saves memory
            self._gathered[id(rows)] = joined, y
        return self._gathered[id(rows)]

    @torch.inference_mode()
    def _gather(self, rows: Rows, chosen: np.ndarray) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
        """Features of each head and targets, batch by batch."""
        blocks: list[list[np.ndarray]] = [[] for _ in self._predictor.heads]
        targets: list[np.ndarray] = []
        some = np.isin(np.arange(len(chosen)), _spread([len(chosen)], self._own_rows))
        for start in _shown(range(0, len(chosen), BATCH_ROWS), "features"):
            batch = rows.__getitems__(chosen[start : start + BATCH_ROWS].tolist())
            with fastest_threads(self.model, "features"), self.accelerator.autocast():
                tokens, around = self.model.embed(torch.from_numpy(batch["x"]).to(self.accelerator.device))
                parts = self._predictor.inputs(self.model.encode(tokens), around)
            for i, (block, part) in enumerate(zip(blocks, parts, strict=True)):
                features = part.float().cpu().numpy()
                block.append(features[some[start : start + BATCH_ROWS]] if self._predictor.has_own(i) else features)
            targets.append(batch["y"])
        return blocks, targets

    def _normalised(self, y: np.ndarray) -> np.ndarray:
        """Targets in the units of the heads."""
        units = self.model.units
        if not isinstance(units, PhysicalUnits):
            return y
        return (y - units.mean.cpu().numpy()) / units.scale.cpu().numpy()


def _shown(steps: Sequence[Step], title: str) -> Iterable[Step]:
    """The steps with a bar of progress on a terminal."""
    return track(steps, title, transient=True, disable=not get_console().is_terminal)


def _spread(sizes: Sequence[int], most: int) -> np.ndarray:
    """Numbers of rows of parts that follow each other, evenly spaced in each and then in all: at most so many."""
    ends = np.cumsum([0, *sizes])
    parts = [evenly_spaced(np.arange(start, end), most) for start, end in pairwise(ends)]
    return evenly_spaced(np.concatenate(parts), most)
