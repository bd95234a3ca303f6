"""Which tasks a method can learn, told before any library is imported and any file is brought."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pare.config.errors import PareError
from pare.config.run import LIBRARY_TRAINING, Run
from pare.config.schema import LearnerConfig, Task

LEAST = {"operators:u_net": 16}  # points along each axis that a network needs: it halves them four times


def as_series(task: Task) -> tuple[int, int] | None:
    """Channels and length of a task's series; none where its input is no series.

    A single channel on a grid of two axes, such as 16 electrodes × 52 samples or a spectrogram, is a series along the
    second axis with a channel for each line of the first.
    """
    shape = task.input.shape
    match shape if len(shape) != 3 or shape[0] != 1 else shape[1:]:
        case (channels, length):
            return channels, length
    return None


INPUTS: dict[str, Callable[[Task], bool]] = {
    "tables": lambda task: len(task.input.shape) == 1,
    "series": lambda task: as_series(task) is not None,
    "images": lambda task: task.kind == "image" and len(task.input.shape) == 3,
    "grids": lambda task: len(task.input.shape) > 1,
}


@dataclass(frozen=True)
class Suited:
    """What a library's model learns, and with what.

    Attributes:
        inputs: a key of `INPUTS`.
        kinds: the kinds of output that it predicts.
        training: keys of ``training`` that have an effect on it, next to ``fraction``.
    """

    inputs: str
    kinds: tuple[str, ...]
    training: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Such as ``predicts dense from grids``."""
        return f"predicts {', '.join(self.kinds)} from {self.inputs}"


_LABELS = ("classification", "multilabel")
_WEIGHTS = ("class_weights", "positive_weight")
# By the name that learners.yml gives a library's model; its `Estimator` is in pare.learners.libraries.
LIBRARIES = {
    **{
        f"boosting:{name}": Suited("tables", (*_LABELS, "regression"), _WEIGHTS)
        for name in ("catboost", "lightgbm", "xgboost")
    },
    **{
        f"series:{name}": Suited("series", (*_LABELS, "regression"), ("class_weights",))
        for name in ("minirocket", "multirocket", "multirocket_hydra")
    },
    "kernel_ridge:kernel_ridge": Suited("grids", ("dense",)),
    "lightpfn:lightpfn": Suited("tables", ("classification",)),
    "scikit_learn:logistic_regression": Suited("tables", _LABELS, _WEIGHTS),
    "scikit_learn:svm": Suited("images", ("classification",), ("class_weights",)),
}


def library_training(library: str) -> tuple[str, ...]:
    """Keys of ``training`` that have an effect on a library's model; all that libraries know for one of your own."""
    known = LIBRARIES.get(library)
    return LIBRARY_TRAINING if known is None else ("fraction", *known.training)


def unsuited(learner: LearnerConfig, task: Task) -> str:
    """Why a learner cannot learn a task, such as ``predicts dense from grids``; empty where it can."""
    if learner.network:
        return _unsuited_network(learner.network, task)
    suited = LIBRARIES.get(learner.library)  # a name that does not exist is refused where it is imported
    if suited is None or (INPUTS[suited.inputs](task) and task.output.kind in suited.kinds):
        return ""
    return str(suited)


def check_suited(run: Run) -> None:
    """Refuse a run whose learner cannot learn its task; PareError with methods that can."""
    if why := unsuited(run.learner, run.task):
        raise PareError(
            f"{run.method_name} {why}; task {run.task_name!r} predicts {run.task.output.kind} from input of shape "
            f"{list(run.task.input.shape)}; use method=choose, which compares those that suit it, or method=pare"
        )


def _unsuited_network(network: str, task: Task) -> str:
    """Why a network for fields cannot predict a task; empty where it can."""
    if task.output.kind != "dense":
        return "predicts fields"
    grid, found = (shape[1:] for shape in (task.input.shape, task.output.shape))
    if grid != found:
        return f"predicts on the grid of the input, {_text(grid)}, and the field of the task has {_text(found)} points"
    few = min(grid) < (least := LEAST.get(network, 1))
    return f"needs at least {least} points along each axis, and the task has {_text(grid)}" if few else ""


def _text(grid: Sequence[int]) -> str:
    return "×".join(map(str, grid))
