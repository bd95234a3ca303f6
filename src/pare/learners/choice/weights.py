"""Weights of an ensemble, from out-of-fold predictions.

Greedy selection with replacement (Caruana et al., *Ensemble Selection from Libraries of Models*, 2004), shrunk towards
one model: where rows are few, weights that are fitted to them gain less than they vary.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import torch

from pare.config.run import Run
from pare.learners.ensemble import Array, Mean
from pare.learners.networks.start.cross_validation import clearly_smaller
from pare.learners.networks.training.losses import build_loss
from pare.storage.store import evenly_spaced

ROUNDS = 25  # rounds of greedy selection: its weights are multiples of a twenty-fifth
SHRUNK = 0.5  # weight that shrinking gives to one model
LEAST = 0.05  # weight below which a model is dropped
CLEARLY = 3.0  # standard errors: the best of several is two above the others by chance now and then
MOST_ROWS = 2000  # rows by which two models are compared, at most

Outputs = Mapping[str, Array]  # logits, numbers or fields by model, (rows, …)
Loss = Callable[[Array, Array], float]  # outputs and answers to the mean loss over rows


def task_loss(run: Run, spread: Array | None = None) -> Loss:
    """The loss of a run's task, of outputs and answers ``(rows, …)``, a mean over the rows.

    Args:
        run: whose loss it is.
        spread: unit of each number of a regression, ``(numbers,)``, so that several numbers count alike; None: their
            own units.
    """
    loss = build_loss(run.task.loss, run.task.output.kind, positive_weight=run.training.positive_weight)
    unit = spread if run.task.output.kind == "regression" else None

    def mean_loss(outputs: Array, y: Array) -> float:
        arrays = (outputs, y) if unit is None else (outputs / unit, y / unit)
        return float(loss(*map(torch.from_numpy, arrays)))

    return mean_loss


def shrunk_weights(
    outputs: Outputs, y: Array, mean: Mean, loss: Loss, groups: np.ndarray | None = None, prior: str = ""
) -> dict[str, float]:
    """Weights of the models in an ensemble; they add up to 1.

    Half of the weight is by greedy selection, whose rounds add the model that helps most. The other half goes to the
    prior choice, or to the best where there is none or the best is clearly better. Models below `LEAST` are dropped.

    Args:
        outputs: out-of-fold predictions of each model at its temperature, ``(rows, …)``.
        y: answers of these rows.
        mean: the kind of mean.
        loss: loss of outputs and answers.
        groups: group of each row, ``(rows,)``; None without groups.
        prior: the model that is preferred before any comparison; empty: none.
    """
    entered = {name: mean.enter(out) for name, out in outputs.items()}
    total, added, reached = np.zeros_like(next(iter(entered.values()))), [], []
    for taken in range(1, ROUNDS + 1):
        losses = {n: loss(mean.leave((total + part) / taken).astype(np.float32), y) for n, part in entered.items()}
        added.append(min(losses, key=losses.__getitem__))
        reached.append(losses[added[-1]])
        total = total + entered[added[-1]]
    selected = added[: int(np.argmin(reached)) + 1]
    weights = {name: (1 - SHRUNK) * count / len(selected) for name, count in Counter(selected).items()}
    best = added[0]  # the first round takes the best alone
    rows = evenly_spaced(np.arange(len(y)), MOST_ROWS)
    of_best, of_prior = ([loss(outputs[name][[row]], y[[row]]) for row in rows] for name in (best, prior or best))
    better = clearly_smaller(of_best, of_prior, None if groups is None else groups[rows], CLEARLY)
    towards = best if better or not prior else prior
    weights[towards] = weights.get(towards, 0.0) + SHRUNK
    large = {name: weight for name, weight in weights.items() if weight >= LEAST}
    return {name: weight / sum(large.values()) for name, weight in large.items()}
