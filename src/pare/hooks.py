"""Kedro hooks: the run is resolved and checked before anything else happens."""

import logging
from pathlib import Path
from typing import cast

import click
from kedro.config import OmegaConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from pare.config import BaselineRun, Library, Run, resolve, resolve_baseline

logger = logging.getLogger(__name__)
LIBRARY = ("tasks", "sources", "proxies", "methods", "baselines")


def load_library(config_loader: OmegaConfigLoader) -> Library:
    """Read all tasks, sources, proxies, methods and baselines of an environment, and those of the user's own.

    Another environment, such as paper, is read in the place of conf/local. What the user named there and nobody else
    is known in it as well; what the user changed of listed entries is not.
    """
    entries = {kind: config_loader[kind] for kind in LIBRARY}
    base, local = config_loader.base_env, config_loader.default_run_env
    environment = config_loader.env or local
    folder = Path(config_loader.conf_source)
    if environment in (base, local) or not (folder / local).is_dir():
        return Library(environment=environment, **entries)
    own = OmegaConfigLoader(
        conf_source=str(folder),
        env=local,
        base_env=base,
        default_run_env=local,
        config_patterns=config_loader.config_patterns,
        merge_strategy=config_loader.merge_strategy,
    )
    return Library(environment=environment, **{kind: own[kind] | entries[kind] for kind in LIBRARY})


class RunHooks:
    """Resolve the parameters to a run, name its files, and hand it to the nodes."""

    run: Run | BaselineRun
    library: Library

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters; then tell the catalog the names that its paths are made of."""
        loader = cast(OmegaConfigLoader, context.config_loader)  # the one of settings.py
        overrides = dict(loader.runtime_params or {})
        self.library = load_library(loader)
        parameters = loader["parameters"]
        baseline = parameters.get("method") in self.library.baselines
        self.run = (resolve_baseline if baseline else resolve)(self.library, parameters, overrides)
        names = {"task": self.run.task_name, "method": self.run.method_name, "seed": self.run.seed}
        if isinstance(self.run, Run):
            names |= {"source": self.run.source_name, "proxy": self.run.proxy_name}
        loader.runtime_params = {**overrides, **names, "method_folder": self.run.method_folder}
        if (command := click.get_current_context(silent=True)) and command.command.name == "run":
            _tell(self.run, command.params["pipelines"])

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Offer the resolved run, and all that could be run, to the nodes."""
        for name, value in {"params:run": self.run, "params:library": self.library}.items():
            catalog[name] = MemoryDataset(value, copy_mode="assign")

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Refuse what cannot be, such as a metric that does not suit, before hours are spent on the files."""
        datasets = pipeline.datasets()
        if {"encoder", "model"} & datasets:
            self.library.method(self.run.method_name)
        if "baseline_record" in datasets:
            self.library.baseline(self.run.method_name)
        if {"model", "baseline_record"} & datasets:
            from pare.evaluation.metrics import build_metric  # noqa: PLC0415 - torch, which ingestion does without
            from pare.training.losses import build_loss  # noqa: PLC0415
            from pare.training.objective import check_mixing  # noqa: PLC0415

            build_metric(self.run.metric, self.run.task.output)
            build_loss(self.run.task.loss, self.run.task.output.kind)
            if isinstance(self.run, BaselineRun):
                from pare.baselines import check_baseline  # noqa: PLC0415

                check_baseline(self.run)
            elif self.run.mixing:
                check_mixing(self.run.mixing)


def _tell(run: Run | BaselineRun, pipelines: list[str]) -> None:
    """Say what `kedro run` begins, before the seconds that the import of torch takes."""
    names = ", ".join(pipelines)
    if pipelines == ["report"]:
        logger.info("report: all results to data/08_reporting/report.")
    elif {*pipelines} <= {"ingest", "preprocess"}:
        logger.info("%s: %s (%s).", names, run.task.title, run.task_name)
    else:
        logger.info("%s: %s. Results: data/08_reporting/%s.", names, run.title, run.folder)


class ReportHooks:
    """Hand report.yml to the report, which alone needs it."""

    loader: OmegaConfigLoader

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember where the configuration is read from."""
        self.loader = cast(OmegaConfigLoader, context.config_loader)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Offer the content of report.yml."""
        if "params:report_entries" in pipeline.datasets():
            catalog["params:report_entries"] = MemoryDataset(self.loader["report"], copy_mode="assign")
