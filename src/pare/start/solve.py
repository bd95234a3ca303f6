"""Solving the predictor: features of the pretrained encoder, streamed once, then a head for each block of them."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from rich import get_console
from rich.progress import track

from pare.config.run import Run
from pare.models import CrossModalModel
from pare.models.predictors import PhysicalUnits
from pare.models.solved import LinearHeads
from pare.start.heads import PENALTIES, solve_head
from pare.storage.store import Rows

BATCH_ROWS = 64

Part = tuple[Rows, np.ndarray]  # rows of a split, and the numbers of those that are used


class SolvedStart:
    """Linear heads on an encoder as it is, solved once from training rows and perhaps again from more.

    Args:
        model: its predictor is `LinearHeads`.
        run: kind of output, class weights and seed.
        device: where the model is.
    """

    def __init__(self, model: CrossModalModel, run: Run, device: torch.device) -> None:
        self.model, self.run, self.device = model, run, device
        self._gathered: dict[int, tuple[list[np.ndarray], np.ndarray]] = {}

    def solve(self, parts: Sequence[Part], penalties: Sequence[float] | None = None) -> list[float]:
        """Give the model heads that are fitted to rows; features that were gathered before are used again.

        Args:
            parts: the rows.
            penalties: of each head; None: chosen by folds of the rows.

        Returns:
            The penalty of each head.
        """
        gathered = [self._features(*part) for part in parts]
        y = np.concatenate([targets for _, targets in gathered])
        predictor = self._predictor
        chosen = []
        for i, layer in enumerate(predictor.heads):
            head = solve_head(
                np.concatenate([features[i] for features, _ in gathered]),
                y,
                self.run.task.output.kind,
                self.run.task.output.shape[0],
                encoded=predictor.encoded,
                standardised=predictor.standardised,
                balanced=self.run.training.class_weights,
                seed=self.run.seed,
                penalties=PENALTIES if penalties is None else [penalties[i]],
            )
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(head.weight))
                layer.bias.copy_(torch.from_numpy(head.bias))
            chosen.append(head.penalty)
        return chosen

    @property
    def _predictor(self) -> LinearHeads:
        assert isinstance(self.model.predictor, LinearHeads)
        return self.model.predictor

    @torch.inference_mode()
    def _features(self, rows: Rows, chosen: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """What each head takes, ``(rows, features)``, and the targets, ``(rows, …)``."""
        if id(rows) not in self._gathered:
            training, blocks, targets = self.model.training, [[] for _ in self._predictor.heads], []  # type: ignore[var-annotated]
            self.model.eval()
            batches = track(
                _batches(rows, chosen),
                "features",
                total=-(-len(chosen) // BATCH_ROWS),
                transient=True,
                disable=not get_console().is_terminal,
            )
            for batch in batches:
                tokens, around = self.model.embed(torch.from_numpy(batch["x"]).to(self.device))
                for block, part in zip(blocks, self._predictor.inputs(self.model.encode(tokens), around), strict=True):
                    block.append(part.cpu().numpy())
                targets.append(self._normalised(batch["y"]))
            self.model.train(training)
            self._gathered[id(rows)] = [np.concatenate(block) for block in blocks], np.concatenate(targets)
        return self._gathered[id(rows)]

    def _normalised(self, y: np.ndarray) -> np.ndarray:
        """Targets in the units of the heads."""
        units = self.model.units
        if not isinstance(units, PhysicalUnits):
            return y
        return (y - units.mean.cpu().numpy()) / units.scale.cpu().numpy()


def _batches(rows: Rows, chosen: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(chosen), BATCH_ROWS):
        yield rows.__getitems__(chosen[start : start + BATCH_ROWS].tolist())
