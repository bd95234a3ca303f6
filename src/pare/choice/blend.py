"""Several models as one: a weighted mean of what they predict.

Shares come of greedy selection with replacement (Caruana et al., *Ensemble Selection from Libraries of Models*, 2004)
on rows that no model learnt from; where rows are few they are shrunk towards the first model, or it is kept alone.
Logits are first divided by a temperature of each model (Guo et al., 2017), since the scores of a ridge classifier, for
one, are no logits.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax
from sklearn.model_selection import KFold

from pare.config.schema import Task
from pare.start.cross_validation import Folds, clearly_smaller
from pare.training.losses import build_loss

ROUNDS = 25  # of greedy selection: weights are multiples of a twenty-fifth
PARTS = 5  # of the rows, in which ways to choose shares are compared
BLOCKS = 500  # of rows, at most, whose losses say whether one way is clearly better
SHRUNK = 0.5  # of the mean, that is the first model's where shares are shrunk
LEAST = 0.05  # share of a shrunk mean that is worth a model
SMALLEST = 1e-12  # probability
LOG_TEMPERATURES = (-4.0, 4.0)

Array = np.ndarray[Any, Any]
Outputs = Mapping[str, Array]  # of each model, (rows, …): logits, numbers or fields
Loss = Callable[[Array, Array], float]  # of outputs and answers, a mean over the rows
Way = Callable[[Outputs, Array, "Mean", Loss], "Blend"]  # to shares, as `greedy_blend`


@dataclass(frozen=True)
class Mean:
    """What is averaged of a kind of output, and how it becomes the output again.

    Attributes:
        name: of the kind of output.
        enter: outputs ``(rows, …)`` to what is averaged.
        leave: the way back.
        scaled: whether outputs are logits, whose scale is of no meaning before a temperature is found.
    """

    name: str
    enter: Callable[[Array], Array]
    leave: Callable[[Array], Array]
    scaled: bool


CLASSES = Mean("classes", lambda x: softmax(x, axis=1), lambda p: np.log(p.clip(SMALLEST)), scaled=True)
LABELS = Mean("labels", expit, lambda p: logit(p.clip(SMALLEST, 1 - 1e-7)), scaled=True)
NUMBERS = Mean("numbers", lambda x: x, lambda x: x, scaled=False)


def mean_of(task: Task) -> Mean:
    """What is averaged for a task: probabilities, or numbers as they are."""
    if task.classes:
        return CLASSES
    return LABELS if task.loss == "binary_cross_entropy" else NUMBERS


def task_loss(task: Task, positive_weight: float = 1.0, spread: Array | None = None) -> Loss:
    """The task's loss of outputs and answers ``(rows, …)``, a mean over the rows.

    Args:
        task: whose loss it is.
        positive_weight: of labels that are 1.
        spread: of each number of a regression, ``(numbers,)``, in which it is compared, so that several numbers count
            alike; None: as they are.
    """
    loss = build_loss(task.loss, task.output.kind, positive_weight=positive_weight)

    def of(outputs: Array, y: Array) -> float:
        if spread is not None and task.output.kind == "regression":
            outputs, y = outputs / spread, y / spread
        return float(loss(torch.from_numpy(outputs), torch.from_numpy(y)))

    return of


@dataclass(frozen=True)
class Blend:
    """Shares of models in a mean; they add up to 1.

    Attributes:
        shares: by the name of the model.
        temperatures: by which its logits are divided; 1 for numbers.
    """

    shares: dict[str, float]
    temperatures: dict[str, float]

    def outputs(self, outputs: Outputs, mean: Mean) -> Array:
        """The models' outputs as those of one model, ``(rows, …)`` float32."""
        parts = [share * mean.enter(outputs[name] / self.temperatures[name]) for name, share in self.shares.items()]
        return mean.leave(sum(parts[1:], parts[0])).astype(np.float32)


def shares_text(shares: Mapping[str, float]) -> str:
    """Shares for a reader: ``ridge 60 %, pare 40 %``, or the name of the only model."""
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())


def greedy_blend(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> Blend:
    """The shares with the least loss that greedy selection meets; each round adds the model that helps most.

    Args:
        outputs: of each model, of rows that it did not learn from.
        y: answers of these rows.
        mean: what is averaged.
        loss: of outputs and answers.
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
    shares = {name: count / best.total() for name, count in best.items()}
    return Blend(shares, {name: temperatures[name] for name in shares})


def first_alone(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> Blend:
    """The first model alone; arguments as for `greedy_blend`."""
    name, own = next(iter(outputs.items()))
    return Blend({name: 1.0}, _temperatures({name: own}, y, mean, loss))


def shrunk_blend(outputs: Outputs, y: Array, mean: Mean, loss: Loss) -> Blend:
    """Half of the mean for the first model and half by greedy selection; arguments as for `greedy_blend`.

    Where rows are few, shares that are fitted to them gain less than they vary. Models of less than `LEAST`
    are left out.
    """
    parts = [(SHRUNK, first_alone(outputs, y, mean, loss)), (1 - SHRUNK, greedy_blend(outputs, y, mean, loss))]
    shares: Counter[str] = Counter()
    temperatures: dict[str, float] = {}
    for weight, blend in parts:
        shares.update({name: weight * share for name, share in blend.shares.items()})
        temperatures |= blend.temperatures
    kept = {name: share for name, share in shares.items() if share >= LEAST}
    total = sum(kept.values())
    return Blend({name: share / total for name, share in kept.items()}, {name: temperatures[name] for name in kept})


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
    """Which shares are kept, by rows that chose none.

    Attributes:
        blend: what is kept, chosen on all rows.
        losses: of each way to choose shares, chosen on other rows.
        outputs: what is kept gives for each row, chosen on other rows, ``(rows, …)``.
    """

    blend: Blend
    losses: dict[str, float]
    outputs: Array


def decide(
    outputs: Outputs, y: Array, mean: Mean, loss: Loss, parts: Folds | None = None, groups: Array | None = None
) -> Decision:
    """Choose the first model alone, shares that are shrunk towards it, or greedy ones.

    Shares fit the rows that choose them, so the ways are compared on rows that did not choose. Shrunk ones are taken
    where their loss there is lower, greedy ones only where it is clearly lower. One row leaves the first alone.

    Args:
        outputs: as for `greedy_blend`, with the following three.
        y: answers.
        mean: what is averaged.
        loss: of outputs and answers.
        parts: of the rows that choose, and of those that are left out; None: `PARTS` at random.
        groups: of the rows, ``(rows,)``; those of a group say as much as one. None: each row is on its own.
    """
    parts, blocks = parts or _random_parts(len(y)), _blocks(len(y), groups)
    given = {way: _on_other_rows(make, outputs, y, mean, loss, parts) for way, make in WAYS.items()}
    losses = {way: _block_losses(part, y, loss, blocks) for way, part in given.items()}
    first, shrunk, greedy = WAYS
    kept = shrunk if len(blocks) > 1 and losses[shrunk].mean() < losses[first].mean() else first
    if clearly_smaller(losses[greedy], losses[kept]):
        kept = greedy
    blend = WAYS[kept](outputs, y, mean, loss)
    return Decision(blend, {way: loss(part, y) for way, part in given.items()}, given[kept])


def losses_alone(outputs: Array, y: Array, mean: Mean, loss: Loss, groups: Array | None = None) -> Array:
    """The losses of one model at its best temperature, of blocks of rows, ``(blocks,)``; their mean is that of all.

    Args:
        outputs: of one model, ``(rows, …)``, with the others as for `decide`.
        y: answers.
        mean: what is averaged.
        loss: of outputs and answers.
        groups: of the rows, ``(rows,)``.
    """
    temperature = _temperature(outputs, y, loss) if mean.scaled else 1.0
    return _block_losses(outputs / temperature, y, loss, _blocks(len(y), groups))


def _random_parts(rows: int) -> Folds:
    if rows == 1:
        return [(np.arange(1), np.arange(1))]
    return list(KFold(min(PARTS, rows), shuffle=True, random_state=0).split(range(rows)))


def _on_other_rows(make: Way, outputs: Outputs, y: Array, mean: Mean, loss: Loss, parts: Folds) -> Array:
    """What a choice gives for each row that is made on the other parts of the rows, ``(rows, …)``."""
    given = np.empty_like(next(iter(outputs.values())))
    for chosen, held in parts:
        blend = make({name: out[chosen] for name, out in outputs.items()}, y[chosen], mean, loss)
        given[held] = blend.outputs({name: out[held] for name, out in outputs.items()}, mean)
    return given
