"""Several models as one: a weighted mean of what they predict.

Weights come of greedy selection with replacement (Caruana et al., *Ensemble Selection from Libraries of Models*, 2004)
on rows that no model learnt from. Logits are first divided by a temperature of each model (Guo et al., 2017), since the
scores of a ridge classifier, for one, are no logits.
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
from pare.training.losses import build_loss

ROUNDS = 25  # of greedy selection: weights are multiples of a twenty-fifth
PARTS = 5  # of the rows, in which one model and a mean are compared
SMALLEST = 1e-12  # probability
LOG_TEMPERATURES = (-4.0, 4.0)

Array = np.ndarray[Any, Any]
Outputs = Mapping[str, Array]  # of each model, (rows, …): logits, numbers or fields


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


def task_loss(task: Task, positive_weight: float = 1.0) -> Callable[[Array, Array], float]:
    """The task's loss of outputs and answers ``(rows, …)``, a mean over the rows."""
    loss = build_loss(task.loss, task.output.kind, positive_weight=positive_weight)
    return lambda outputs, y: float(loss(torch.from_numpy(outputs), torch.from_numpy(y)))


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
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in shares.items())


def fit_blend(
    outputs: Outputs, y: Array, mean: Mean, loss: Callable[[Array, Array], float], rounds: int = ROUNDS
) -> Blend:
    """The shares with the least loss that greedy selection meets; one round gives the best model alone.

    Args:
        outputs: of each model, of rows that it did not learn from.
        y: answers of these rows.
        mean: what is averaged.
        loss: of outputs and answers.
        rounds: each adds one model to the mean, the one that helps most.
    """
    temperatures = {name: _temperature(out, y, loss) if mean.scaled else 1.0 for name, out in outputs.items()}
    entered = {name: mean.enter(out / temperatures[name]) for name, out in outputs.items()}
    total = np.zeros_like(next(iter(entered.values())))
    counts: Counter[str] = Counter()
    best_loss, best = np.inf, counts
    for taken in range(1, rounds + 1):
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


def _temperature(logits: Array, y: Array, loss: Callable[[Array, Array], float]) -> float:
    found = minimize_scalar(
        lambda log: loss((logits / np.exp(log)).astype(np.float32), y), bounds=LOG_TEMPERATURES, method="bounded"
    )
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Decision:
    """Whether one model or a mean of several is kept, by rows that neither was chosen on.

    Attributes:
        blend: what is kept, chosen on all rows.
        alone: loss of the best model alone, chosen on other rows.
        together: loss of the mean, the same.
        outputs: what is kept gives for each row, chosen on other rows, ``(rows, …)``.
    """

    blend: Blend
    alone: float
    together: float
    outputs: Array


def decide(outputs: Outputs, y: Array, mean: Mean, loss: Callable[[Array, Array], float]) -> Decision:
    """Choose one model or a mean of several; arguments as for `fit_blend`, of at least `PARTS` rows.

    Both are chosen on some of the rows and compared on the others, since a mean fits the rows that choose its shares.
    """
    alone, together = (_on_other_rows(outputs, y, mean, loss, rounds) for rounds in (1, ROUNDS))
    losses = loss(alone, y), loss(together, y)
    is_mean = losses[1] < losses[0]
    kept = fit_blend(outputs, y, mean, loss, ROUNDS if is_mean else 1)
    return Decision(kept, *losses, together if is_mean else alone)


def _on_other_rows(outputs: Outputs, y: Array, mean: Mean, loss: Callable[[Array, Array], float], rounds: int) -> Array:
    """What a choice gives for each row that is made on the other parts of the rows, ``(rows, …)``."""
    given = np.empty_like(next(iter(outputs.values())))
    for chosen, held in KFold(PARTS, shuffle=True, random_state=0).split(y):
        blend = fit_blend({name: out[chosen] for name, out in outputs.items()}, y[chosen], mean, loss, rounds)
        given[held] = blend.outputs({name: out[held] for name, out in outputs.items()}, mean)
    return given
