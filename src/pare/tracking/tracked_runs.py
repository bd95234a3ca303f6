"""What of a run goes to a tracker, each thing once, also where it was interrupted or trained before it was tracked."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from pare.config.errors import PareError, unknown_name
from pare.config.run import Run
from pare.storage.atomic import atomic_path
from pare.tracking.trackers import TRACKERS, Place, TrackerSpec, start

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)
NONE = "none"
NOTHING: dict[str, Any] = {"id": None, "parameters": False, "epochs": 0, "results": None}  # is logged
SECTIONS = ("training", "mixing", "alignment", "options")  # sections of a run; each of their values is a parameter
NAMES = (
    "task_name",
    "method_name",
    "variant",
    "seed",
    "protocol",
    "source_name",
    "proxy_name",
    "start_name",
    "minutes",
)


def curve(history: Sequence[dict[str, Any]], start: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Losses and validation metric over the epochs; a solved start is epoch 0, which has no loss.

    Args:
        history: one dict an epoch.
        start: the solved start with its validation metric; None where there is none, or where nothing was trained.
    """
    return [*([{"epoch": 0, "validation": start["validation"]}] if start else []), *history]


def parameters_of(run: Run) -> dict[str, Any]:
    """The values of a run by dotted names, as trackers take them: numbers, text, true and false."""
    values = run.model_dump(mode="json", include={*NAMES, *SECTIONS, "differs"})
    flat = {name.removesuffix("_name"): values[name] for name in NAMES if name in values}
    flat |= dict(values["differs"])
    for section in SECTIONS:
        flat |= {f"{section}.{name}": value for name, value in (values.get(section) or {}).items()}
    return {name: value if isinstance(value, int | float) else str(value) for name, value in flat.items()}


@dataclass
class TrackedRun:
    """A run that is open in a tracker.

    Attributes:
        tracker: Accelerate's; None: nothing is logged.
        spec: how it takes figures.
        note: a file with what was logged; nothing is logged twice.
        logged: content of that file.
    """

    tracker: Any = None
    spec: TrackerSpec | None = None
    note: Path | None = None
    logged: dict[str, Any] = field(default_factory=dict)

    def epochs(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Log the epochs that were not logged yet.

        Args:
            rows: all epochs so far, see `curve`.
        """
        if self.tracker is None:
            return
        for row in rows[self.logged["epochs"] :]:
            if values := {name: value for name, value in row.items() if name != "epoch" and _is_number(value)}:
                self.tracker.log(values, step=row["epoch"])
        self._remember(epochs=max(len(rows), self.logged["epochs"]))

    def results(self, metrics: Mapping[str, Any], figures: Mapping[str, "Figure"]) -> None:
        """Log the metrics of the test rows, and figures by name, unless these metrics were logged before."""
        values = {
            f"test/{metrics['metric']['name']}": metrics["test"],
            "test/constant_prediction": metrics["constant_prediction"],
            **{f"test/{name}": value for name, value in metrics["usual"].items() if _is_number(value)},
        }
        if self.tracker is None or self.logged["results"] == values:
            return
        self.tracker.log(values)
        for name, figure in figures.items():
            if self.spec and self.spec.draw:
                self.spec.draw(self.tracker, name, figure)
        self._remember(results=values)

    def parameters(self, run: Run) -> None:
        """Log the values of the run, the first time."""
        if not self.logged["parameters"]:
            self.tracker.store_init_configuration(parameters_of(run))
            self._remember(parameters=True, id=self.spec.id(self.tracker) if self.spec and self.spec.id else None)

    def _remember(self, **values: Any) -> None:
        self.logged |= values
        assert self.note is not None
        with atomic_path(self.note) as unfinished:
            unfinished.write_text(json.dumps(self.logged), encoding="utf-8")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


@dataclass(frozen=True)
class Tracking:
    """The tracker of all runs of a command.

    Attributes:
        folder: in which trackers keep their files, one folder each.
        name: name of the tracker, or ``none``.

    Raises:
        PareError: where there is no tracker of that name, or it is not installed.
    """

    folder: Path = Path()
    name: str = NONE

    def __post_init__(self) -> None:
        if self.name == NONE:
            return
        if self.name not in TRACKERS:
            raise unknown_name("tracking", self.name, [NONE, *TRACKERS], "docs/tracking.md")
        if not find_spec(self.name):
            raise PareError(f"tracking={self.name} needs {self.name}, which is not installed: pip install {self.name}")

    @contextmanager
    def of(self, run: Run, fingerprint: str) -> Iterator[TrackedRun]:
        """Open a run in the tracker; nothing is written where there is none, or by other processes than the first.

        One command opens its run after the other, since the first makes the database of MLflow.

        Args:
            run: the run.
            fingerprint: fingerprint of its model; a model of other values is another run.
        """
        from accelerate import PartialState  # noqa: PLC0415 - torch, which what only brings files does without

        if self.name == NONE or not PartialState().is_main_process:
            yield TrackedRun()
            return
        spec, name = TRACKERS[self.name], f"{run.folder}-{fingerprint[:6]}"
        folder = self.folder.absolute() / self.name
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / "logged" / f"{name}.json"
        logged = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        # What went to another store, such as a server, is not in this one. The folder may be moved with all in it.
        store = spec.store(folder).replace(str(folder), "")
        logged = NOTHING | (logged if logged.get("store", store) == store else {}) | {"store": store}
        with ExitStack() as opened:
            with FileLock(folder.parent / "opening.lock"):
                tracker = start(self.name, Place(folder, run.task_name, name, parameters_of(run), logged["id"]))
                opened.callback(tracker.finish)
                tracked = TrackedRun(tracker, spec, note, logged)
                tracked.parameters(run)
            yield tracked
        logger.info("Logged to %s as %s: %s.", self.name, name, folder)
