"""The page of one run in one file: result, figures, other methods, hyperparameters and commands."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pare.config import Run
from pare.config.raw import OWN_FILES
from pare.config.run import ENV, PREPARATION, RECORD
from pare.evaluation.metrics_record import summary
from pare.report.html_page import Plot, Section, picture, render_page
from pare.report.results import collect_results
from pare.report.run_tables import (
    SEEDS,
    candidates_table,
    facts_table,
    hyperparameters_table,
    metrics_table,
    results_table,
)
from pare.storage.atomic import atomic_path

MODELS = "06_models"
# Pictures in their order: heading and caption.
PICTURES = {
    "prediction": ("Predictions", "Test rows, which were predicted once."),
    "uncertainty": ("How sure", "How sure the model was of the test rows, and whether it should have been."),
    "leaderboard": ("Candidates", "Each on the held-out rows of its folds."),
    "explanation": ("What predictions rest on", "Columns, spans or patches, hidden one by one."),
    "training": ("Training", "Loss, share of replaced patches, and validation metric of each epoch."),
    "replaced": ("Replaced patches", "Which tokens held patches of the source."),
}


class RunPage:
    """A page that is described and not written yet; lazily saved, see `pare.storage.fingerprint.Lazy`.

    Args:
        run: whose results it shows.
        made: what is saved before: the run's metrics and figures.
    """

    def __init__(self, run: Run, *made: object) -> None:
        self.run = run

    def is_current(self, path: Path) -> bool:
        """Never: it shows what lies in the folders of results now."""
        return False

    def write(self, path: Path) -> None:
        """Write the page whole or not at all, from what lies next to it and from other results of the task.

        Nothing is written before the run is evaluated.

        Args:
            path: the page, in the folder of the run.
        """
        metrics = path.with_name("metrics.json")
        if not metrics.is_file():
            return
        text = self.html(path.parent, json.loads(metrics.read_text(encoding="utf-8")))
        with atomic_path(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")

    def html(self, folder: Path, metrics: Mapping[str, Any]) -> str:
        """The page.

        Args:
            folder: the run's results.
            metrics: content of its metrics.json.
        """
        sections = [
            Section("result", "Result", tables=[metrics_table(metrics, self._classes(folder))]),
            Section("figures", "Figures", plots=self._pictures(folder, metrics)),
            self._others(folder, metrics),
            _model_section(self.run, metrics),
            Section("use", "Use it", commands=_commands(self.run)),
        ]
        result = summary(metrics)
        kept = f". Selected: {metrics['kept']}" if metrics.get("kept") and "Selected" not in result else ""
        return render_page(self.run.title, f"{result[0].upper()}{result[1:]}{kept}.", [], sections)

    def _pictures(self, folder: Path, metrics: Mapping[str, Any]) -> list[Plot]:
        """The figures that show something of this model."""
        paths = {name: folder / f"{name}.png" for name in PICTURES if _says_something(self.run, name, metrics)}
        found = {name: path for name, path in paths.items() if path.is_file()}
        if "explanation" in found and not self._is_of_the_model(folder, found["explanation"]):
            del found["explanation"]
        return [
            picture(PICTURES[name][0], path.read_bytes(), PICTURES[name][1], path.name) for name, path in found.items()
        ]

    def _is_of_the_model(self, folder: Path, path: Path) -> bool:
        """Whether a figure is not older than the model; so where the model is elsewhere."""
        record = self._model_file(folder, RECORD)
        return not record.is_file() or record.stat().st_mtime <= path.stat().st_mtime

    def _classes(self, folder: Path) -> list[str] | None:
        """Names of the classes, where they have some and the model is here."""
        names = self._model_file(folder, PREPARATION)
        return json.loads(names.read_text(encoding="utf-8"))["classes"] if names.is_file() else None

    def _model_file(self, folder: Path, name: str) -> Path:
        return self._results(folder).parent / MODELS / self.run.folder / "model" / name

    def _results(self, folder: Path) -> Path:
        """The folder of all results."""
        return folder.parents[len(Path(self.run.folder).parts) - 1]

    def _others(self, folder: Path, metrics: Mapping[str, Any]) -> Section:
        """All results of the task, the best first."""
        environment = self.run.differs.get(ENV, "")
        frame = collect_results(self._results(folder), environment, self.run.task_name).frame
        up = "/".join([".."] * len(Path(self.run.folder).parts))
        text = f"All results of this task when this page was written; this run's method is bold. {SEEDS}"
        table = results_table(frame, "", self.run.label, up)
        return Section("others", "Other methods", [text], tables=[table])


def _says_something(run: Run, name: str, metrics: Mapping[str, Any]) -> bool:
    """Whether a figure is more than a sentence that there is nothing to show."""
    match name:
        case "uncertainty":
            known = metrics.get("uncertainty") or {}
            return "temperature" in known or known.get("coverage") is not None
        case "training":
            return bool(metrics.get("epochs"))
        case "replaced":
            return bool(metrics.get("epochs")) and run.mixing is not None
    return True


def _model_section(run: Run, metrics: Mapping[str, Any]) -> Section:
    candidates = [candidates_table(metrics["candidates"])] if metrics.get("candidates") else []
    return Section("model", "The model", tables=[*candidates, facts_table(metrics), hyperparameters_table(run)])


def _commands(run: Run) -> list[str]:
    """What can be done with the model; new rows are a file where the task's own are."""
    predict = f"{run.command('predict', predict='FILE')}    # a file of new rows"
    return [
        *([predict] if run.task.raw.origin == OWN_FILES else []),
        f"{run.command('explain')}    # what predictions rest on",
        f"{run.command()}    # the same run again",
        "",
        "from pare import load    # in Python",
        f'load("data/{MODELS}/{run.folder}").predict(new_rows)',
    ]
