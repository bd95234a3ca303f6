"""The results of all runs, as one table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from pare.config.run import ENV, differing_text, run_folder

PAGE = "run.html"  # next to metrics.json
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


class Metric(BaseModel):
    """How a run was measured."""

    name: str
    title: str
    unit: str = ""
    direction: Literal["lower", "higher"]


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


# Counts too, because some methods have none.
NUMBERS = (
    *("test", "validation", "constant_prediction"),
    *("n_train", "n_test", "epochs", "train_seconds", "peak_memory_mb", "start"),
)
FIELDS = [name for name, field in RunMetrics.model_fields.items() if not field.exclude]
COLUMNS = [*FIELDS, "title", "unit", "direction", "name", "differs", "folder", "start", "page"]


@dataclass(frozen=True)
class Results:
    """All runs, and what could not be read.

    Attributes:
        frame: one line a run; columns as in metrics.json, the metric's ``title``, ``unit`` and ``direction`` next to
            its name, ``name``, the method with its variant and all that differs, ``differs``, source, proxy and
            protocol in one text where they are not the task's own, ``folder`` of the run, ``start``, the share of
            tokens replaced at first where the command line set it, and ``page``, that of the run if there is one.
        warnings: a sentence for each file that was left out.
    """

    frame: pd.DataFrame
    warnings: list[str]


def collect_results(folder: Path, environment: str = "", task: str = "*") -> Results:
    """Read the ``metrics.json`` of every run; a file that is broken or misplaced is left out and named.

    Args:
        folder: where evaluation writes, ``data/08_reporting``.
        environment: the one whose runs are read; none: those of conf/base and conf/local.
        task: the one whose runs are read; by default all.
    """
    lines, warnings = [], []
    for path in sorted(folder.glob(f"{task}/*/**/seed_*/metrics.json")):
        shown = path.relative_to(folder).as_posix()
        try:
            run = RunMetrics.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            where = f"key {key!r}: " if key else ""
            warnings.append(f"{shown} is left out ({where}{first['msg']}); evaluate that run again.")
            continue
        except OSError as error:
            warnings.append(f"{shown} is left out: it cannot be read ({error.strerror}).")
            continue
        place = run_folder(run.task, run.method_folder, run.seed, run.differs)
        if f"{place}/metrics.json" != shown:
            warnings.append(f"{shown} is left out: it says that it belongs to {place}/metrics.json.")
        elif run.differs.get(ENV, "") == environment:
            page = f"{place}/{PAGE}" if path.with_name(PAGE).is_file() else ""
            lines.append(_line(run) | {"folder": place, "page": page})
    frame = pd.DataFrame(lines, columns=COLUMNS).astype(dict.fromkeys(NUMBERS, float))
    return Results(frame.sort_values(["task", "name", "seed"], ignore_index=True), warnings)


def plain_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs without a variant, with their task's own source, proxy and protocol."""
    return frame[(frame["variant"] == "") & (frame["differs"] == "")]


def _line(run: RunMetrics) -> dict[str, object]:
    metric = run.metric
    differs = differing_text({key: value for key, value in run.differs.items() if key != ENV})
    return run.model_dump() | {
        "metric": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "direction": metric.direction,
        "name": f"{run.method_folder}, {differs}" if differs else run.method_folder,
        "differs": differs,
        "start": run.overridden.get("mixing.start"),
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
