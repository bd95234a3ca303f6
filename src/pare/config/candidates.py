"""A choice among methods and baselines: what is tried for a kind of data, and a run of it, wholly resolved."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, PositiveFloat

from pare.config.errors import PareError
from pare.config.library import Library
from pare.config.resolve import SOLVED_TRAINING, resolve, resolve_baseline
from pare.config.run import BaselineRun, Run, TaskRun, is_periodic
from pare.config.schema import ProxyConfig, Source
from pare.config.strict import validated

CHOOSE = "choose"  # the method of a run that chooses
USELESS = ("mixing", "alignment", "options")  # what each candidate has of its own


class ChoiceRun(TaskRun):
    """A run that compares candidates and selects the best, wholly resolved: task × minutes × seed."""

    PIPELINE, KIND = CHOOSE, "a choice"

    minutes: PositiveFloat = Field(description="minutes of fitting, all candidates and the final models together")
    folds: int = Field(ge=1, description="parts of training and validation rows; 1: the validation rows are held out")
    candidates: list[Run | BaselineRun] = Field(min_length=1, description="cheapest first")
    uncompared: list[str] = Field(description="networks trained without a comparison, where two train side by side")

    @property
    def source(self) -> Source:
        """The pretrained encoder, the same for all candidates that have one."""
        return self._first.source

    @property
    def proxy(self) -> ProxyConfig:
        """Its proxy dataset."""
        return self._first.proxy

    @property
    def _first(self) -> Run:
        """The first candidate that is a method; there is always one, see `resolve_choice`."""
        return next(run for run in self.candidates if isinstance(run, Run))

    def decisive(self) -> dict[str, Any]:
        """What of the configuration decides the choice, as `TaskRun.decisive`.

        Minutes do not count: a choice of ten minutes predicts new rows whatever a command says of minutes.
        """
        return {
            **self._decisive_task("average_groups"),
            "folds": self.folds,
            "uncompared": self.uncompared,
            "candidates": {run.method_name: run.decisive() for run in self.candidates},
        }

    def _choices(self) -> dict[str, Any]:
        return {**self._first._choices(), "minutes": self.minutes}


def resolve_any(library: Library, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> TaskRun:
    """Build the run of a method, a baseline or a choice; arguments and errors as for `resolve_choice`."""
    if parameters.get("method") == CHOOSE:
        return resolve_choice(library, parameters, overrides)
    make = resolve_baseline if parameters.get("method") in library.baselines else resolve
    return make(library, parameters, overrides)


def resolve_choice(library: Library, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> ChoiceRun:
    """Build the run that chooses among all that is tried for the task's kind of data.

    Args:
        library: tasks, sources, methods, baselines and candidates.
        parameters: the project's parameters, command line included.
        overrides: what the command line set.

    Raises:
        PareError: for an unknown name, a value of the wrong type, or one that not all candidates take.
    """
    _check_useful(overrides)
    task = library.task(str(parameters["task"]))
    tried = library.candidates_of(task.kind)
    unsuited = [] if is_periodic(task.training.get("symmetries", ())) else tried.periodic
    names = [name for name in tried.methods if name not in unsuited]
    candidates = [_candidate(library, name, parameters, overrides) for name in names]
    first = next((run for run in candidates if isinstance(run, Run)), None)
    if first is None:
        raise PareError(
            f"the candidates for {task.kind} data are baselines only, {', '.join(tried.methods)}; add a method, "
            "such as probe, to conf/base/candidates.yml"
        )
    shared = {name: getattr(first, name) for name in TaskRun.model_fields}
    values = {"minutes": parameters.get("minutes"), "candidates": candidates}
    given = tried.model_dump(include={"folds", "uncompared"})
    return validated(ChoiceRun, "", shared | {"method_name": CHOOSE} | given | values)


def _candidate(
    library: Library, name: str, parameters: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Run | BaselineRun:
    """The run that the candidate's own command makes."""
    if name in library.baselines:
        own = {key: value for key, value in overrides.items() if key not in ("start", "source")}
        return resolve_baseline(library, {**parameters, "method": name}, own)
    return resolve(library, {**parameters, "method": name}, overrides)


def _check_useful(overrides: Mapping[str, Any]) -> None:
    training = overrides.get("training") or {}
    useless = [key for key in USELESS if overrides.get(key)]
    useless += [f"training.{key}" for key in training if key not in SOLVED_TRAINING]
    if useless:
        raise PareError(
            f"{', '.join(useless)} has no effect on a choice, whose candidates have values of their own; it takes "
            f"minutes, source and {', '.join(f'training.{key}' for key in SOLVED_TRAINING)}"
        )
