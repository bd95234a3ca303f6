"""Several models as one: the weighted mean of what they predict.

The trainings of a network that differ in what is random, the models of a booster that hold out different folds, and
the candidates that a choice selects are ensembles alike. Probabilities are averaged, or numbers as they are. Logits are
first divided by a temperature of each model (Guo et al., 2017): the scores of a ridge classifier, for one, are none.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isclose, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit, logit, softmax

from pare.config.errors import PareError
from pare.config.run import MEMBERS
from pare.config.schema import Task
from pare.learners.learner import ENSEMBLE
from pare.learners.model import Model

SMALLEST = 1e-12  # least probability

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Mean:
    """The averaged values of a kind of output, and the way back to outputs.

    Attributes:
        name: the kind of output.
        enter: outputs ``(rows, …)`` to the averaged values.
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
    """The mean for a task: over probabilities, or over numbers as they are."""
    if task.classes:
        return CLASSES
    return LABELS if task.loss == "binary_cross_entropy" else NUMBERS


@dataclass(frozen=True)
class Ensemble:
    """A weighted mean of models; a predictor like any other.

    Attributes:
        members: the models by name.
        weights: weights by name; they add up to 1.
        temperatures: divisors of the logits by name; 1 for numbers.
        mean: the averaged values.
    """

    members: dict[str, Model]
    weights: dict[str, float]
    temperatures: dict[str, float]
    mean: Mean

    @classmethod
    def of_equals(cls, members: list[Model]) -> "Ensemble":
        """The plain mean of models of the same task, named by their numbers."""
        named = {str(number): model for number, model in enumerate(members)}
        share = 1 / len(members)
        return cls(named, dict.fromkeys(named, share), dict.fromkeys(named, 1.0), mean_of(members[0].run.task))

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """The mean of the members' outputs, as `pare.learners.learner.Predictor.outputs`."""
        outputs = {name: member.outputs(inputs, device) for name, member in self.members.items()}
        return combined(outputs, self.weights, self.temperatures, self.mean)

    def write(self, folder: Path) -> None:
        """A folder for each member, and the weights as JSON."""
        for name, member in self.members.items():
            member.save(folder / MEMBERS / name)
        content = {"weights": self.weights, "temperatures": self.temperatures}
        (folder / ENSEMBLE).write_text(json.dumps(content, indent=2), encoding="utf-8")


def load_ensemble(folder: Path, task: Task) -> Ensemble:
    """Read what `Ensemble.write` wrote; PareError where a member is not whole, of another task, or without a weight."""
    content = json.loads((folder / ENSEMBLE).read_text(encoding="utf-8"))
    weights, temperatures = ({str(k): float(v) for k, v in content[key].items()} for key in ("weights", "temperatures"))
    names = {path.name for path in (folder / MEMBERS).iterdir()}
    if not names == weights.keys() == temperatures.keys():
        raise PareError(f"{ENSEMBLE} names members {[*weights]} and {[*temperatures]}, {MEMBERS} holds {sorted(names)}")
    if not isclose(sum(weights.values()), 1, abs_tol=1e-6) or min(weights.values()) < 0:
        raise PareError(f"{ENSEMBLE} has weights {[*weights.values()]}; expected ones of 0 or more that add up to 1")
    if not all(isfinite(value) and value > 0 for value in temperatures.values()):
        raise PareError(f"{ENSEMBLE} has temperatures {[*temperatures.values()]}; expected positive ones")
    members = {name: Model.load(folder / MEMBERS / name) for name in weights}
    for name, member in members.items():
        of = member.run.task
        if (of.input.shape, of.output) != (task.input.shape, task.output):
            raise PareError(f"member {name} is a model of another task")
    return Ensemble(members, weights, temperatures, mean_of(task))


def combined(
    outputs: Mapping[str, Array], weights: Mapping[str, float], temperatures: Mapping[str, float], mean: Mean
) -> Array:
    """The outputs of several models as those of one, ``(rows, …)`` float32.

    Args:
        outputs: logits, numbers or fields by model, ``(rows, …)``.
        weights: weights by model, of those that count.
        temperatures: divisors of the logits by model.
        mean: the averaged values.
    """
    parts = [weight * mean.enter(outputs[name] / temperatures[name]) for name, weight in weights.items()]
    return mean.leave(sum(parts[1:], parts[0])).astype(np.float32)
