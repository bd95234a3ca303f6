"""Solving the predictor: features of the pretrained encoder, streamed once, then a head for each block of them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from rich import get_console
from rich.progress import track

from pare.config.run import Run
from pare.models import CrossModalModel
from pare.models.predictors import PhysicalUnits
from pare.models.solved import LinearHeads, combined, last_share
from pare.start.evidence import clearly_smaller
from pare.start.heads import FOLD_ROWS, PENALTIES, Head, row_losses, solve_head
from pare.start.ridge import RIDGE_PENALTIES, solve_ridge_head
from pare.storage.store import Rows, evenly_spaced

logger = logging.getLogger(__name__)
BATCH_ROWS = 64
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the kernels in the mean over heads

Part = tuple[Rows, np.ndarray]  # rows of a split, and the numbers of those that are used
Pair = tuple[np.ndarray, np.ndarray]  # what a head takes, (rows, features), and the targets, (rows, …)


class SolvedStart:
    """Linear heads on an encoder as it is, solved once from training rows and perhaps again from more.

    Args:
        model: its predictor is `LinearHeads`.
        run: kind of output, class weights and seed.
        device: where the model is.
    """

    def __init__(self, model: CrossModalModel, run: Run, device: torch.device) -> None:
        self.model, self.run, self.device = model, run, device
        self._gathered: dict[int, list[Pair]] = {}

    def solve(self, parts: Sequence[Part], solution: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give the model heads that are fitted to rows; features that were gathered before are used again.

        Args:
            parts: the rows.
            solution: as an earlier call returned it; None: chosen on the rows.

        Returns:
            ``penalties``, one of each head.
        """
        penalties = None if solution is None else solution["penalties"]
        gathered = [self._features(*part) for part in parts]
        heads = []
        for i, layer in enumerate(self._predictor.heads):
            x, y = (np.concatenate(arrays) for arrays in zip(*(pairs[i] for pairs in gathered), strict=True))
            head = self._solved(i, x, y, None if penalties is None else [penalties[i]])
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(head.weight))
                layer.bias.copy_(torch.from_numpy(head.bias))
            heads.append(head)
        if self._predictor.kernels and penalties is None:
            self._share(heads, evenly_spaced(y, FOLD_ROWS))
        return {"penalties": [head.penalty for head in heads]}

    def _share(self, heads: Sequence[Head], y: np.ndarray) -> None:
        """Give the kernels another share than that of each head where that is clearly better on rows left out."""
        left_out = [head.left_out for head in heads if head.left_out is not None]
        if len(left_out) < len(heads):
            return
        outputs, kind = torch.from_numpy(np.stack(left_out)), self.run.task.output.kind

        def losses(share: float) -> np.ndarray:
            return row_losses(combined(outputs, last_share(len(heads), share), kind).numpy(), y, kind)

        equal = losses(1 / len(heads))
        others = {share: loss for share in SHARES if clearly_smaller(loss := losses(share), equal)}
        if others:
            share = min(others, key=lambda share: others[share].mean())
            self._predictor.shares.copy_(last_share(len(heads), share))
            logger.info("The kernels' head has a share of %.0f %%.", 100 * share)

    def _solved(self, number: int, x: np.ndarray, y: np.ndarray, penalties: Sequence[float] | None) -> Head:
        output, predictor, balanced = self.run.task.output, self._predictor, self.run.training.class_weights
        given = (x, y, output.kind, output.shape[0])
        if predictor.is_of_kernels(number):
            return solve_ridge_head(*given, balanced=balanced, penalties=penalties or RIDGE_PENALTIES)
        return solve_head(
            *given,
            encoded=predictor.encoded,
            standardised=predictor.standardised,
            balanced=balanced,
            seed=self.run.seed,
            penalties=penalties or PENALTIES,
        )

    @property
    def _predictor(self) -> LinearHeads:
        assert isinstance(self.model.predictor, LinearHeads)
        return self.model.predictor

    def _features(self, rows: Rows, chosen: np.ndarray) -> list[Pair]:
        """What each head takes of the rows; that of the kernels, whose features are many, takes some of the rows."""
        if id(rows) not in self._gathered:
            training = self.model.training
            self.model.eval()
            blocks, targets = self._gather(rows, chosen)
            self.model.train(training)
            y = self._normalised(np.concatenate(targets))
            some = evenly_spaced(np.arange(len(chosen)), FOLD_ROWS)
            self._gathered[id(rows)] = [
                (np.concatenate(block), y[some] if self._predictor.is_of_kernels(i) else y)
                for i, block in enumerate(blocks)
            ]
        return self._gathered[id(rows)]

    @torch.inference_mode()
    def _gather(self, rows: Rows, chosen: np.ndarray) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
        """Features of each head and targets, batch by batch."""
        blocks: list[list[np.ndarray]] = [[] for _ in self._predictor.heads]
        targets: list[np.ndarray] = []
        some = np.isin(np.arange(len(chosen)), evenly_spaced(np.arange(len(chosen)), FOLD_ROWS))
        batches = track(
            range(0, len(chosen), BATCH_ROWS),
            "features",
            transient=True,
            disable=not get_console().is_terminal,
        )
        for start in batches:
            batch = rows.__getitems__(chosen[start : start + BATCH_ROWS].tolist())
            tokens, around = self.model.embed(torch.from_numpy(batch["x"]).to(self.device))
            parts = self._predictor.inputs(self.model.encode(tokens), around)
            for i, (block, part) in enumerate(zip(blocks, parts, strict=True)):
                features = part.cpu().numpy()
                block.append(
                    features[some[start : start + BATCH_ROWS]] if self._predictor.is_of_kernels(i) else features
                )
            targets.append(batch["y"])
        return blocks, targets

    def _normalised(self, y: np.ndarray) -> np.ndarray:
        """Targets in the units of the heads."""
        units = self.model.units
        if not isinstance(units, PhysicalUnits):
            return y
        return (y - units.mean.cpu().numpy()) / units.scale.cpu().numpy()
