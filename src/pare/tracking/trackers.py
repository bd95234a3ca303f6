"""The trackers that a run can log to: each has one folder for its files, and sends nothing unless asked to."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a second, for a command that draws nothing
    import numpy as np
    from matplotlib.figure import Figure

PROJECT = "pare"  # what trackers with projects call all runs of this project
DOTS = 100  # dots per inch in a figure that a tracker takes as a picture


@dataclass(frozen=True)
class Place:
    """Where a run is in a tracker.

    Attributes:
        folder: folder of the tracker's files.
        task: task of the run.
        name: name of the run.
        id: the tracker's own name of it, where the run goes on.
    """

    folder: Path
    task: str
    name: str
    id: str | None


@dataclass(frozen=True)
class TrackerSpec:
    """How one tracker is opened, and how it takes figures.

    Attributes:
        package: package that must be installed.
        open: gives one of Accelerate's trackers, not started yet; a run that is there already goes on.
        draw: logs a figure under a name; None where Accelerate's tracker takes none.
        id: the tracker's own name of a run that is started; None where ours is enough.
    """

    package: str
    open: Callable[[Place], Any]
    draw: Callable[[Any, str, "Figure"], None] | None = None
    id: Callable[[Any], str] | None = None


def _picture(figure: "Figure") -> "np.ndarray":
    """A figure as ``(height, width, 3)`` bytes."""
    import numpy as np  # noqa: PLC0415
    from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415

    file = BytesIO()
    figure.savefig(file, format="png", dpi=DOTS)
    file.seek(0)
    return np.asarray(PngImageFile(file).convert("RGB"))


def _tensorboard(place: Place) -> Any:
    from accelerate.tracking import TensorBoardTracker  # noqa: PLC0415 - torch

    return TensorBoardTracker(place.name, place.folder)


def _draw_tensorboard(tracker: Any, name: str, figure: "Figure") -> None:
    tracker.log_images({name: _picture(figure)[None]}, dataformats="NHWC")


def _mlflow(place: Place) -> Any:
    """A run of the experiment that is called as the task, in a database of SQLite unless MLFLOW_TRACKING_URI is set."""
    from accelerate.tracking import MLflowTracker  # noqa: PLC0415

    database = f"sqlite:///{place.folder / 'mlflow.db'}"
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_TRACKING_URI", database)
    files = (place.folder / "files").as_uri() if os.environ["MLFLOW_TRACKING_URI"] == database else None
    return MLflowTracker(place.task, files, run_id=place.id, run_name=place.name, nested_run=True)


def _draw_mlflow(tracker: Any, name: str, figure: "Figure") -> None:
    tracker.log_figure(figure, f"{name}.png")


def _trackio(place: Place) -> Any:
    os.environ.setdefault("TRACKIO_DIR", str(place.folder))
    from accelerate.tracking import TrackioTracker  # noqa: PLC0415

    return TrackioTracker(PROJECT, name=place.name, resume="allow")


def _wandb(place: Place) -> Any:
    """A run that stays here unless the user says WANDB_MODE=online."""
    from accelerate.tracking import WandBTracker  # noqa: PLC0415

    mode, identity = os.environ.get("WANDB_MODE", "offline"), place.name.replace("/", "-")
    return WandBTracker(PROJECT, name=place.name, id=identity, resume="allow", dir=str(place.folder), mode=mode)


def _draw_wandb(tracker: Any, name: str, figure: "Figure") -> None:
    tracker.log_images({name: [_picture(figure)]})


def _dvclive(place: Place) -> Any:
    """A folder of metrics; no commit, and no file of DVC's, in the user's repository."""
    from accelerate.tracking import DVCLiveTracker  # noqa: PLC0415

    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    folder = str(place.folder / place.name)
    return DVCLiveTracker(dir=folder, resume=True, save_dvc_exp=False, dvcyaml=None, report=None)


def _draw_dvclive(tracker: Any, name: str, figure: "Figure") -> None:
    tracker.live.log_image(f"{name}.png", _picture(figure))


TRACKERS = {
    "tensorboard": TrackerSpec("tensorboard", _tensorboard, _draw_tensorboard),
    "mlflow": TrackerSpec("mlflow", _mlflow, _draw_mlflow, id=lambda tracker: str(tracker.tracker.info.run_id)),
    "trackio": TrackerSpec("trackio", _trackio),
    "wandb": TrackerSpec("wandb", _wandb, _draw_wandb),
    "dvclive": TrackerSpec("dvclive", _dvclive, _draw_dvclive),
}
