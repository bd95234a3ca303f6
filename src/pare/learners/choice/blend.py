"""Several models as one ensemble: the weighted mean of their predictions.

Weights come from greedy selection with replacement (Caruana et al., *Ensemble Selection from Libraries of Models*,
2004) on out-of-fold predictions. Where rows are few, weights are shrunk towards the first model, or it stays alone.
Logits are first divided by a temperature of each model (Guo et al., 2017), since the scores of a ridge classifier, for
one, are no logits.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.model_selection import KFold

from pare.config.schema import Task
from pare.learners.ensemble import Array, Mean, combined
from pare.learners.networks.start.cross_validation import Folds, clearly_smaller
from pare.learners.networks.training.losses import build_loss

ROUNDS = 25  # rounds of greedy selection: weights are multiples of a twenty-fifth
PARTS = 5  # parts of the rows on which ways to choose weights are compared
BLOCKS = 500  # blocks of rows, at most, whose losses are compared
SHRUNK = 0.5  # weight that shrinking gives to the first model
LEAST = 0.05  # weight below which shrinking drops a model
LOG_TEMPERATURES = (-4.0, 4.0)

Outputs = Mapping[str, Array]  # logits, numbers or fields by model, (rows, …)
Loss = Callable[[Array, Array], float]  # outputs and answers to the mean loss over rows
Way = Callable[[Outputs, Array, "Mean", Loss], "Blend"]  # a choice of weights, as `greedy_blend`


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


@dataclass(frozen=True)
class Blend:
    """Weights of models in an ensemble; they add up to 1.

    Attributes:
        weights: weights by model.
        temperatures: divisors of the logits by model; 1 for numbers.
    """

    weights: dict[str, float]
    temperatures: dict[str, float]

    def outputs(self, outputs: Outputs, mean: Mean) -> Array:
        """The models' outputs as those of one model, ``(rows, …)`` float32."""
        return combined(outputs, self.weights, self.temperatures, mean)


def greedy_blend(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> Blend:
    """The weights with the least loss that greedy selection meets; each round adds the model that helps most.

    Args:
        outputs: out-of-fold predictions of each model, ``(rows, …)``.
        y: answers of these rows.
        mean: the kind of mean.
        loss: loss of outputs and answers.
    """
    temperatures = _temperatures(outputs, y, mean, loss)
    entered = {name: mean.enter(out / temperatures[name]) for name, out in outputs.items()}
    total = np.zeros_like(next(iter(entered.values())))
    counts: Counter[str] = Counter()
    best_loss, best = np.inf, counts
    for taken in range(1, ROUNDS + 1):
        losses = {
            name: loss(mean.leave((total + part) / taken).astype(np.float32), y) for name, part in entered.items()
        }
        name = min(losses, key=losses.__getitem__)
        total = total + entered[name]
        counts[name] += 1
        if losses[name] < best_loss:
            best_loss, best = losses[name], counts.copy()
    weights = {name: count / best.total() for name, count in best.items()}
    return Blend(weights, {name: temperatures[name] for name in weights})


def first_alone(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> Blend:
    """The first model alone; arguments as for `greedy_blend`."""
    name, own = next(iter(outputs.items()))
    return Blend({name: 1.0}, _temperatures({name: own}, y, mean, loss))


def shrunk_blend(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> Blend:
    """Half of the weight for the first model, half by greedy selection; arguments as for `greedy_blend`.

    Where rows are few, weights that are fitted to them gain less than they vary. Models below `LEAST` are dropped.
    """
    parts = [(SHRUNK, first_alone(outputs, y, mean, loss)), (1 - SHRUNK, greedy_blend(outputs, y, mean, loss))]
    weights: Counter[str] = Counter()
    temperatures: dict[str, float] = {}
    for factor, blend in parts:
        weights.update({name: factor * weight for name, weight in blend.weights.items()})
        temperatures |= blend.temperatures
    large = {name: weight for name, weight in weights.items() if weight >= LEAST}
    total = sum(large.values())
    return Blend({name: weight / total for name, weight in large.items()}, {name: temperatures[name] for name in large})


WAYS: dict[str, Way] = {"the first alone": first_alone, "shrunk shares": shrunk_blend, "greedy shares": greedy_blend}


def _blocks(rows: int, groups: Array | None = None) -> list[Array]:
    """Numbers of the rows of each block; a group is never divided."""
    if groups is None:
        return np.array_split(np.arange(rows), min(rows, BLOCKS))
    _, numbers = np.unique(groups, return_inverse=True)
    numbers = numbers.reshape(-1) % BLOCKS
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]


def _block_losses(outputs: Array, y: Array, loss: Loss, blocks: list[Array]) -> Array:
    """The loss of each block of rows, ``(blocks,)``, weighted by its rows, so that the mean is that of all rows."""
    weights = np.array([len(rows) for rows in blocks]) * len(blocks) / len(y)
    return weights * np.array([loss(outputs[rows].astype(np.float32), y[rows]) for rows in blocks])


def _temperatures(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> dict[str, float]:
    return {name: _temperature(out, y, loss) if mean.scaled else 1.0 for name, out in outputs.items()}


def _temperature(logits: Array, y: Array, loss: Loss) -> float:
    found = minimize_scalar(
        lambda log: loss((logits / np.exp(log)).astype(np.float32), y), bounds=LOG_TEMPERATURES, method="bounded"
    )
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Decision:
    """The selected ensemble, by rows that chose no weights.

    Attributes:
        blend: the ensemble, chosen on all rows.
        losses: loss of each way to choose weights, chosen on other rows.
        outputs: the ensemble's outputs for each row, chosen on other rows, ``(rows, …)``.
    """

    blend: Blend
    losses: dict[str, float]
    outputs: Array


def decide(
    outputs: Outputs, y: Array, mean: Mean, loss: Loss, parts: Folds | None = None, groups: Array | None = None
) -> Decision:
    """Choose the first model alone, weights that are shrunk towards it, or greedy ones.

    Weights fit the rows that choose them, so the ways are compared on rows that did not choose. Shrunk ones are taken
    where their loss there is lower, greedy ones only where it is clearly lower. One row leaves the first alone.

    Args:
        outputs: as for `greedy_blend`, with the following three.
        y: answers.
        mean: the kind of mean.
        loss: loss of outputs and answers.
        parts: folds of rows that choose and of rows that compare; None: `PARTS` at random.
        groups: group of each row, ``(rows,)``; a group counts as one row. None: each row is on its own.
    """
    parts, blocks = parts or _random_parts(len(y)), _blocks(len(y), groups)
    given = {way: _on_other_rows(make, outputs, y, mean, loss, parts) for way, make in WAYS.items()}
    losses = {way: _block_losses(part, y, loss, blocks) for way, part in given.items()}
    first, shrunk, greedy = WAYS
    way = shrunk if len(blocks) > 1 and losses[shrunk].mean() < losses[first].mean() else first
    if clearly_smaller(losses[greedy], losses[way]):
        way = greedy
    blend = WAYS[way](outputs, y, mean, loss)
    return Decision(blend, {name: loss(part, y) for name, part in given.items()}, given[way])


def losses_alone(outputs: Array, y: Array, mean: Mean, loss: Loss, groups: Array | None = None) -> Array:
    """Losses of one model at its best temperature on blocks of rows, ``(blocks,)``; their mean is that of all rows.

    Args:
        outputs: one model's, ``(rows, …)``; the other arguments as for `decide`.
        y: answers.
        mean: the kind of mean.
        loss: loss of outputs and answers.
        groups: group of each row, ``(rows,)``.
    """
    temperature = _temperature(outputs, y, loss) if mean.scaled else 1.0
    return _block_losses(outputs / temperature, y, loss, _blocks(len(y), groups))


def _random_parts(rows: int) -> Folds:
    if rows == 1:
        return [(np.arange(1), np.arange(1))]
    return list(KFold(min(PARTS, rows), shuffle=True, random_state=0).split(range(rows)))


def _on_other_rows(make: Way, outputs: Outputs, y: Array, mean: Mean, loss: Loss, parts: Folds) -> Array:
    """Outputs for each row of an ensemble that other rows chose, ``(rows, …)``."""
    given = np.empty_like(next(iter(outputs.values())))
    for chosen, held in parts:
        blend = make({name: out[chosen] for name, out in outputs.items()}, y[chosen], mean, loss)
        given[held] = blend.outputs({name: out[held] for name, out in outputs.items()}, mean)
    return given
