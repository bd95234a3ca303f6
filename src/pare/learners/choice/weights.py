"""Weights of an ensemble, from out-of-fold predictions.

Greedy selection with replacement (Caruana et al., *Ensemble Selection from Libraries of Models*, 2004), shrunk towards
the best model: where rows are few, weights that are fitted to them gain less than they vary.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import torch

from pare.config.schema import Task
from pare.evaluation.calibration import fit_temperature
from pare.learners.ensemble import Array, Mean
from pare.learners.networks.training.losses import build_loss

ROUNDS = 25  # rounds of greedy selection: its weights are multiples of a twenty-fifth
SHRUNK = 0.5  # weight that shrinking gives to the best model
LEAST = 0.05  # weight below which a model is dropped

Outputs = Mapping[str, Array]  # logits, numbers or fields by model, (rows, …)
Loss = Callable[[Array, Array], float]  # outputs and answers to the mean loss over rows


def task_loss(task: Task, positive_weight: float = 1.0, spread: Array | None = None) -> Loss:
    """The task's loss of outputs and answers ``(rows, …)``, a mean over the rows.

    Args:
        task: whose loss it is.
        positive_weight: weight of labels that are 1.
        spread: unit of each number of a regression, ``(numbers,)``, so that several numbers count alike; None: their
            own units.
    """
    loss = build_loss(task.loss, task.output.kind, positive_weight=positive_weight)

    def of(outputs: Array, y: Array) -> float:
        if spread is not None and task.output.kind == "regression":
            outputs, y = outputs / spread, y / spread
        return float(loss(torch.from_numpy(outputs), torch.from_numpy(y)))

    return of


def temperatures_of(outputs: Outputs, y: Array, mean: Mean) -> dict[str, float]:
    """Divisors of each model's logits, by rows that it did not learn from; 1 for numbers.

    Args:
        outputs: out-of-fold predictions of each model, ``(rows, …)``.
        y: answers of these rows.
        mean: the kind of mean.
    """
    return {name: fit_temperature(out, y) if mean.scaled else 1.0 for name, out in outputs.items()}


def shrunk_weights(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> dict[str, float]:
    """Weights of the models in an ensemble; they add up to 1.

    Half of the weight is the best model's, half is by greedy selection; each round adds the model that helps most.
    Models below `LEAST` are dropped.

    Args:
        outputs: out-of-fold predictions of each model at its temperature, ``(rows, …)``.
        y: answers of these rows.
        mean: the kind of mean.
        loss: loss of outputs and answers.
    """
    entered = {name: mean.enter(out) for name, out in outputs.items()}
    total = np.zeros_like(next(iter(entered.values())))
    counts, best_counts, least = Counter[str](), Counter[str](), np.inf
    for taken in range(1, ROUNDS + 1):
        losses = {n: loss(mean.leave((total + part) / taken).astype(np.float32), y) for n, part in entered.items()}
        name = min(losses, key=losses.__getitem__)
        total = total + entered[name]
        counts[name] += 1
        if losses[name] < least:
            least, best_counts = losses[name], counts.copy()
    best = next(iter(counts))  # the first round takes the best alone
    weights = {name: (1 - SHRUNK) * count / best_counts.total() for name, count in best_counts.items()}
    weights[best] += SHRUNK
    large = {name: weight for name, weight in weights.items() if weight >= LEAST}
    return {name: weight / sum(large.values()) for name, weight in large.items()}
