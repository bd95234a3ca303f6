"""Kedro hooks: the run is resolved and checked before anything else happens."""

import atexit
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import click
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from pare.config import PareError, Run
from pare.config.errors import causes
from pare.config_loader import RunConfigLoader, catalog_names
from pare.prediction.asked import check_asked
from pare.storage.access import held_alone
from pare.tracking import NONE, Tracking, curve

logger = logging.getLogger(__name__)
LOGGED = ("metrics", *(f"{name}_figure" for name in ("prediction", "uncertainty", "training", "replaced")))
CANDIDATES = "candidate_figures"
LEARNS = {"train", "evaluate"}  # tags of nodes that learn a task or score what was learnt
NEW_ROWS = {"predict", "explain"}  # tags of nodes that read the file of new rows
USES_FILES = {"preprocess", "train", "evaluate", "predict", "explain", "export"}  # tags of nodes after the ingestion
RESULTS = {"evaluate", "predict", "explain", "export", "analyse"}  # tags of nodes that write results of a run


class RunHooks:
    """Resolve the parameters to a run, hand it to the nodes, and refuse what it cannot do."""

    config: RunConfigLoader

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters, and say what `kedro run` begins."""
        self.config = cast(RunConfigLoader, context.config_loader)  # the one of settings.py
        run = self.config.run  # resolved now, so that a mistake is shown first
        if (command := click.get_current_context(silent=True)) and command.command.name == "run":
            pipelines, data = command.params["pipelines"], Path(self.config.conf_source).parent / "data"
            check_asked(run, pipelines, str(self.config["parameters"]["predict"] or ""), data / "06_models")
            _tell(run, pipelines)

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Offer the resolved run, and all that could be run, to the nodes."""
        for name, value in {"params:run": self.config.run, "params:library": self.config.library}.items():
            catalog[name] = MemoryDataset(value, copy_mode="assign")

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse what cannot work, such as a metric that does not suit, before hours are spent on the files."""
        tags, run = {tag for node in pipeline.nodes for tag in node.tags}, self.config.run
        if "analyse" in tags and not run.mixing:
            raise PareError(f"analyse follows replaced tokens, {run.method_name!r} replaces none; use method=pare")
        file = (self.config.runtime_params or {}).get("predict")
        if file and not tags & NEW_ROWS:
            raise PareError(f"new rows are not read here; predict them: {run.command('predict', predict=file)}")
        if tags & USES_FILES and "ingest" not in tags:
            self._tell_of_changed_files(trains="train" in tags)
        if tags & LEARNS:
            from pare.learners.check import check_run  # noqa: PLC0415 - torch, which ingestion does without

            check_run(run)
        if "report" in tags:  # read only here: it takes a fifth of a second
            catalog["params:report"] = MemoryDataset(self.config["report"], copy_mode="assign")

    def _tell_of_changed_files(self, *, trains: bool) -> None:
        """Warn where pipelines that do not ingest would go on with what was made of the user's files before."""
        from pare.matrix.states import is_outdated  # noqa: PLC0415 - manifests, which a whole run reads by itself

        run, data = self.config.run, Path(self.config.conf_source).parent / "data"
        if is_outdated(run, data, trains=trains):
            logger.warning(
                "The files of task %s were changed or moved since; results are of the files before. To use them as "
                "they are now: %s",
                *(run.task_name, run.command()),
            )

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Put the run's whole command into a message that does not know it."""
        run = self.config.run
        for cause in causes(error):
            if isinstance(cause, PareError):
                cause.name_commands(run.command)


class LockHooks:
    """Keep two processes from writing results of a run at once: files of both would lie side by side."""

    held: ExitStack | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Note which results the command would write."""
        self.config = cast(RunConfigLoader, context.config_loader)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Lock the folder before the first result; a process that holds it is waited for."""
        if node.tags & RESULTS and self.held is None:
            run, data = self.config.run, Path(self.config.conf_source).parent / "data"
            self.held = ExitStack()
            lock = data / "07_model_output" / run.folder / ".writing"
            self.held.enter_context(held_alone(lock, f"results of {run.folder} are being written"))
            atexit.register(self.held.close)  # for a signal, of which Kedro tells no hook

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Give the folder free."""
        if self.held is not None:
            self.held.close()
            atexit.unregister(self.held.close)
            self.held = None

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Give the folder free."""
        self.after_pipeline_run()


class TrackingHooks:
    """Hand the tracker that the parameters name to the training, and the results to the tracker."""

    config: RunConfigLoader
    tracking: Tracking

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse a tracker that is unknown or not installed."""
        self.config = cast(RunConfigLoader, context.config_loader)
        folder = Path(self.config.conf_source).parent / "data" / "tracking"
        self.tracking = Tracking(folder, self.config["parameters"].get("tracking") or NONE)

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Offer the tracker to the nodes."""
        catalog["params:tracker"] = MemoryDataset(self.tracking, copy_mode="assign")

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Forget what another pipeline of this process gave."""
        self.record, self.given = None, dict[str, Any]()

    @hook_impl
    def after_node_run(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Keep the results, which the tracker gets together."""
        if self.tracking.name != NONE:
            self.given |= {name: value for name, value in outputs.items() if name in LOGGED}
            self.given |= outputs.get(CANDIDATES, {})
            self.record = inputs["model"].record if "metrics" in outputs else self.record

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Log the test metrics and the figures, and the epochs of a training that was not tracked."""
        if self.record is None:
            return
        metrics = self.given.pop("metrics")
        with self.tracking.of(self.config.run, self.record["fingerprint"]) as tracked:
            tracked.epochs(curve(self.record.get("history", []), self.record.get("start")))
            tracked.results(metrics, {name.removesuffix("_figure"): figure for name, figure in self.given.items()})


def _tell(run: Run, pipelines: list[str]) -> None:
    """Say what `kedro run` begins, before the seconds that the import of torch takes."""
    names = ", ".join(pipelines)
    if pipelines == ["report"]:
        logger.info("report: all results to data/08_reporting/%s.", catalog_names(run)["report"])
    elif {*pipelines} <= {"ingest", "preprocess"}:
        logger.info("%s: %s (%s).", names, run.task.title, run.task_name)
    else:
        logger.info("%s: %s. Results: data/08_reporting/%s.", names, run.title, run.folder)
