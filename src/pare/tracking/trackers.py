"""Trackers of Accelerate that a run can log to: each has one folder for its files and sends nothing unless asked to."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a second, for a command that draws nothing
    from matplotlib.figure import Figure

PROJECT = "pare"  # what trackers with projects call all runs of this project


@dataclass(frozen=True)
class Place:
    """Where a run is in a tracker.

    Attributes:
        folder: folder of the tracker's files.
        task: task of the run.
        name: name of the run.
        parameters: values of the run, by name.
        id: the tracker's own name of it, where the run goes on.
    """

    folder: Path
    task: str
    name: str
    parameters: dict[str, Any]
    id: str | None


@dataclass(frozen=True)
class TrackerSpec:
    """How one of Accelerate's trackers is opened, and how it takes figures.

    Attributes:
        arguments: arguments of Accelerate's class, with which a run that is there already goes on.
        draw: logs a figure under a name; None where Accelerate's tracker takes none.
        id: the tracker's own name of a run that is started; None where ours is enough.
        store: where runs go, by the folder of the tracker's files.
    """

    arguments: Callable[[Place], dict[str, Any]]
    draw: Callable[[Any, str, "Figure"], object] | None = None
    id: Callable[[Any], str] | None = None
    store: Callable[[Path], str] = str


def _mlflow(place: Place) -> dict[str, Any]:
    """A run of the experiment that is called as the task, in a database of SQLite unless MLFLOW_TRACKING_URI is set."""
    database = f"sqlite:///{place.folder / 'mlflow.db'}"
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_TRACKING_URI", database)
    files = (place.folder / "files").as_uri() if os.environ["MLFLOW_TRACKING_URI"] == database else None
    names = {"experiment_name": place.task, "run_id": place.id, "run_name": place.name}
    return {**names, "logging_dir": files, "nested_run": True}


def _trackio(place: Place) -> dict[str, Any]:
    os.environ.setdefault("TRACKIO_DIR", str(place.folder))
    # A run that goes on loses the parameters that it had.
    return {"run_name": PROJECT, "name": place.name, "config": place.parameters, "resume": "allow"}


def _wandb(place: Place) -> dict[str, Any]:
    """A run that stays here unless the user says WANDB_MODE=online."""
    names = {"run_name": PROJECT, "name": place.name, "id": place.name.replace("/", "-")}
    return {**names, "resume": "allow", "dir": str(place.folder), "mode": os.environ.get("WANDB_MODE", "offline")}


def _draw_wandb(tracker: Any, name: str, figure: "Figure") -> None:
    import matplotlib.pyplot  # noqa: F401, PLC0415 - wandb asks it what a figure is, without importing it

    tracker.log_images({name: [figure]})


def _dvclive(place: Place) -> dict[str, Any]:
    """A folder of metrics; no commit, and no file of DVC's, in the user's repository."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    folder = str(place.folder / place.name)
    return {"dir": folder, "resume": True, "save_dvc_exp": False, "dvcyaml": None, "report": None}


TRACKERS = {
    "tensorboard": TrackerSpec(
        lambda place: {"run_name": place.name, "logging_dir": place.folder},
        draw=lambda tracker, name, figure: tracker.writer.add_figure(name, figure, close=False),
    ),
    "mlflow": TrackerSpec(
        _mlflow,
        draw=lambda tracker, name, figure: tracker.log_figure(figure, f"{name}.png"),
        id=lambda tracker: str(tracker.tracker.info.run_id),
        store=lambda folder: os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}",
    ),
    "trackio": TrackerSpec(_trackio),
    "wandb": TrackerSpec(_wandb, draw=_draw_wandb, store=lambda _: os.environ.get("WANDB_MODE", "offline")),
    "dvclive": TrackerSpec(_dvclive, draw=lambda tracker, name, figure: tracker.live.log_image(f"{name}.png", figure)),
}


def start(name: str, place: Place) -> Any:
    """One of Accelerate's trackers, started."""
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS  # noqa: PLC0415 - torch, which commands without runs spare

    tracker = LOGGER_TYPE_TO_CLASS[name](**TRACKERS[name].arguments(place))
    tracker.start()
    return tracker
