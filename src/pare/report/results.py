"""The results of all runs, as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import AfterValidator, BaseModel, Field, FiniteFloat, ValidationError

from pare.config.errors import PareError
from pare.config.run import ENV, differing_text, run_folder
from pare.evaluation.metrics import find_metric
from pare.storage.result_lines import FILE, read_lines

METRICS = "metrics.json"
PAGE = "run.html"  # next to it
# What compared runs should have in common, and its name in messages.
CONDITIONS = {
    "metric": "metrics",
    "protocol": "protocols",
    "simulated": "files (simulated or not)",
    "source": "sources",
    "n_train": "training rows",
    "n_test": "test rows",
    "epochs": "epochs",
    "precision": "precisions",
    "device": "devices",
}


def _known(name: str) -> str:
    """The name of a metric that there is; the order of runs depends on it."""
    try:
        find_metric(name)
    except PareError as error:
        raise ValueError(str(error)) from error
    return name


class Metric(BaseModel):
    """How a run was measured."""

    name: Annotated[str, AfterValidator(_known)]
    title: str
    unit: str = ""
    direction: Literal["lower", "higher"]


class Interval(BaseModel):
    """The test metric's, over draws of the test rows."""

    lower: float
    upper: float


class LogLoss(BaseModel):
    """Log loss of the test rows before and after the temperature."""

    before: float
    after: float


class Uncertainty(BaseModel):
    """What the test rows show about sets, intervals and probabilities."""

    n_validation: int | None = None
    coverage: float | None = None
    set_size: float | None = None
    temperature: float | None = None
    log_loss: LogLoss | None = None


class RunMetrics(BaseModel):
    """What the report needs of a metrics.json; some methods have no epochs, source or precision."""

    task: str
    method: str
    variant: str = ""
    overridden: dict[str, Any] = Field(default_factory=dict, exclude=True)
    differs: dict[str, str] = Field(default_factory=dict, exclude=True)
    seed: int
    protocol: str
    simulated: bool
    metric: Metric
    test: FiniteFloat
    test_interval: Interval | None = Field(default=None, exclude=True)
    uncertainty: Uncertainty | None = Field(default=None, exclude=True)
    validation: FiniteFloat | None = None
    kept: str | None = None
    constant_prediction: FiniteFloat | None = None
    source: str | None = None
    proxy: str | None = None
    n_train: int | None = None
    n_test: int | None = None
    epochs: int | None = None
    train_seconds: FiniteFloat | None = None
    peak_memory_mb: FiniteFloat | None = None
    device: str | None = None
    precision: str | None = None

    @property
    def method_folder(self) -> str:
        """``method`` or ``method-variant``."""
        return f"{self.method}-{self.variant}" if self.variant else self.method

    @property
    def folder(self) -> str:
        """Where the run's results belong."""
        return run_folder(self.task, self.method_folder, self.seed, self.differs)


MEASURED = ("lower", "upper", "n_validation", "coverage", "set_size", "temperature", "log_loss", "log_loss_after")
# Counts too, because some methods have none.
NUMBERS = (
    *("test", "validation", "constant_prediction", *MEASURED),
    *("n_train", "n_test", "epochs", "train_seconds", "peak_memory_mb", "start"),
)
FIELDS = [name for name, field in RunMetrics.model_fields.items() if not field.exclude]
COLUMNS = [*FIELDS, *MEASURED, "title", "unit", "direction", "name", "differs", "folder", "start", "page"]


@dataclass(frozen=True)
class Results:
    """All runs, and what could not be read.

    Attributes:
        frame: one line a run; columns as in metrics.json, ``lower`` and ``upper`` end of the test metric's 95 %
            interval, the numbers of `Uncertainty`, the metric's ``title``, ``unit`` and ``direction`` next to its
            name, ``name``, the method with its variant and all that differs, ``differs``, source, proxy and protocol
            in one text where they are not the task's own, ``folder`` of the run, ``start``, the share of tokens
            replaced at first where the command line set it, and ``page``, that of the run if it exists.
        warnings: a sentence for each file that was left out.
    """

    frame: pd.DataFrame
    warnings: list[str]


def collect_results(folder: Path, environment: str = "", task: str = "*") -> Results:
    """Read the ``metrics.json`` of every run, and results.csv for runs that have none on this machine.

    A file or line that is broken or misplaced is left out and named.

    Args:
        folder: where evaluation writes, ``data/08_reporting``.
        environment: the one whose runs are read; none: those of conf/base and conf/local.
        task: the one whose runs are read; by default all.
    """
    listed = listed_results(folder, environment, task)
    runs: dict[str, RunMetrics] = {}
    here, warnings = set(), listed.warnings
    for path in sorted(folder.glob(f"{task}/*/**/seed_*/{METRICS}")):
        place = path.parent.relative_to(folder).as_posix()
        here.add(place)
        try:
            run = RunMetrics.model_validate_json(path.read_bytes())
        except ValidationError as error:
            warnings.append(f"{place}/{METRICS} is left out ({_first(error)}); evaluate that run again.")
        except OSError as error:
            warnings.append(f"{place}/{METRICS} is left out: it cannot be read ({error.strerror}).")
        else:
            if run.folder == place:
                runs[place] = run
            else:
                warnings.append(f"{place}/{METRICS} is left out: it says that it belongs to {run.folder}/{METRICS}.")
    elsewhere = listed.frame[~listed.frame["folder"].isin(here)]
    return Results(_sorted(pd.concat([_frame(runs, folder, environment), elsewhere])), warnings)


def listed_results(folder: Path, environment: str = "", task: str = "*") -> Results:
    """The results in results.csv alone, which are the same on every machine; arguments as for `collect_results`."""
    try:
        lines = read_lines(folder)
    except PareError as error:
        return Results(_frame({}, folder, environment), [f"{FILE} is left out: {error}."])
    runs, warnings = {}, []
    for place, values in lines.items():
        if task in ("*", values.get("task")):
            try:
                runs[place] = RunMetrics.model_validate(values)
            except ValidationError as error:
                warnings.append(
                    f"{place} in {FILE} is left out ({_first(error)}); write it again: kedro matrix results."
                )
    return Results(_frame(runs, folder, environment), warnings)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    return f"{f'key {key!r}: ' if key else ''}{first['msg']}"


def _frame(runs: Mapping[str, RunMetrics], folder: Path, environment: str) -> pd.DataFrame:
    """The runs of an environment, given by their folders, one line each."""
    lines = [
        _line(run) | {"folder": place, "page": f"{place}/{PAGE}" if (folder / place / PAGE).is_file() else ""}
        for place, run in runs.items()
        if run.differs.get(ENV, "") == environment
    ]
    return _sorted(pd.DataFrame(lines, columns=COLUMNS).astype(dict.fromkeys(NUMBERS, float)))


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["task", "name", "seed"], ignore_index=True)


def plain_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs without a variant, with their task's own source, proxy and protocol."""
    return frame[(frame["variant"] == "") & (frame["differs"] == "")]


def _line(run: RunMetrics) -> dict[str, object]:
    metric, interval, sure = run.metric, run.test_interval, run.uncertainty or Uncertainty()
    differs = differing_text({key: value for key, value in run.differs.items() if key != ENV})
    return run.model_dump() | {
        "metric": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "direction": metric.direction,
        "name": f"{run.method_folder}, {differs}" if differs else run.method_folder,
        "differs": differs,
        "start": run.overridden.get("mixing.start"),
        "lower": interval.lower if interval else None,
        "upper": interval.upper if interval else None,
        **sure.model_dump(exclude={"log_loss"}),
        "log_loss": sure.log_loss.before if sure.log_loss else None,
        "log_loss_after": sure.log_loss.after if sure.log_loss else None,
    }


def differing_conditions(frame: pd.DataFrame) -> list[str]:
    """A sentence for each condition in which plain runs of the same task differ, with tasks, values and methods.

    Args:
        frame: as in `Results`; variants are meant to differ and are left out, and so are values that a run does
            not have.
    """
    plain = plain_runs(frame)
    sentences = []
    for key, called in CONDITIONS.items():
        found: dict[str, list[str]] = {}
        for task, runs in plain.dropna(subset=[key]).groupby("task"):
            names = {value: sorted(set(some["name"])) for value, some in runs.groupby(key)}
            if len(names) > 1:
                values = "; ".join(f"{_value(value)}: {', '.join(methods)}" for value, methods in names.items())
                found.setdefault(values, []).append(str(task))
        if found:
            cases = " · ".join(f"{', '.join(tasks)} ({values})" for values, tasks in found.items())
            sentences.append(f"Runs of the same task have different {called}: {cases}.")
    return sentences


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
