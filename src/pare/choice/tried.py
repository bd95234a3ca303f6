"""A candidate of a choice and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pare.choice.fits import Candidate, HeldOut
from pare.config import ChoiceRun
from pare.evaluation.batch_checks import UndefinedMetric
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import score

EXACT = 1e-6  # of the answers, below which an error is that of rounding


@dataclass
class Tried:
    """A candidate and what came of it.

    Attributes:
        run: the candidate.
        folds: one after the other.
        left_out: why it was tried no further; empty for one that saw all folds.
        failed: whether a fit of it did.
        lost: seconds of fits that predict no fold: of one that failed, and of those to few rows that tell the time.
        expected: seconds of a fit to a fold, as they were known before the first; None: not yet.
    """

    run: Candidate
    folds: list[HeldOut] = field(default_factory=list)
    left_out: str = ""
    failed: bool = False
    lost: float = 0.0
    expected: float | None = None

    @property
    def name(self) -> str:
        """The method's or the baseline's."""
        return self.run.method_name

    @property
    def metric(self) -> float | None:
        """The task's, of all held-out rows together; None where it is undefined."""
        return defined_score(self.run, self.outputs, self.truth)

    @property
    def metrics(self) -> list[float | None]:
        """The task's metric of each fold; None where it is undefined, such as AUROC without a row of some class."""
        return [defined_score(self.run, fold.outputs, fold.truth) for fold in self.folds]

    @property
    def seconds(self) -> float:
        """Of a fit, on average."""
        return float(np.mean([fold.seconds for fold in self.folds]))

    @property
    def is_exact(self) -> bool:
        """Whether it predicts numbers or fields but for rounding, so that no other candidate could be better."""
        if not self.folds or self.run.task.output.kind not in ("regression", "dense"):
            return False
        axis = 0 if self.run.task.output.kind == "regression" else None  # several numbers have units of their own
        error = np.sqrt(np.nanmean(np.square(self.outputs - self.truth, dtype=float), axis))
        return bool(np.all(error <= EXACT * np.nanstd(self.truth, axis, dtype=float)))

    def row(self, share: float, final: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A row of the leaderboard: the share that it got, and what came of it.

        Args:
            share: in the mean that is kept.
            final: ``final``, the metric of the validation rows after the final fit of a network, and its ``seconds``,
                which count where there was no other fit; None: another candidate.
        """
        came: dict[str, Any] = {"left_out": self.left_out, **(final or {})}
        if self.folds:
            came |= {"metric": self.metric, "folds": self.metrics, "seconds": round(self.seconds, 1)}
        return {"method": self.name, "share": share, **came}

    @property
    def outputs(self) -> np.ndarray:
        """Of all held-out rows, fold after fold, ``(rows, …)``."""
        return np.concatenate([fold.outputs for fold in self.folds])

    @property
    def truth(self) -> np.ndarray:
        """Answers of the same rows, ``(rows, …)``."""
        return np.concatenate([fold.truth for fold in self.folds])

    @property
    def groups(self) -> np.ndarray | None:
        """Of the same rows, ``(rows,)``; None where they have none."""
        groups = [fold.groups for fold in self.folds if fold.groups is not None]
        return np.concatenate(groups) if groups else None


def defined_score(run: Candidate | ChoiceRun, outputs: np.ndarray, truth: np.ndarray) -> float | None:
    """The task's metric of rows ``(rows, …)``; None where it is undefined, as R² is where all answers are the same."""
    try:
        return score(build_metric(run.metric, run.task.output), outputs, truth)
    except UndefinedMetric:
        return None
