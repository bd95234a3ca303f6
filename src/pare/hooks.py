"""Kedro hooks: the run is resolved and checked before anything else happens."""

from pathlib import Path
from typing import cast

from kedro.config import OmegaConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from pare.config import Library, Run, resolve

LIBRARY = ("tasks", "sources", "proxies", "methods")


def load_library(config_loader: OmegaConfigLoader) -> Library:
    """Read all tasks, sources, proxies and methods of an environment, and those of the user's own.

    Another environment, such as paper, is read in the place of conf/local. What the user named there and nobody else
    is known in it as well; what the user changed of listed entries is not.
    """
    entries = {kind: config_loader[kind] for kind in LIBRARY}
    base, local = config_loader.base_env, config_loader.default_run_env
    folder = Path(config_loader.conf_source)
    if config_loader.env in (None, "", base, local) or not (folder / local).is_dir():
        return Library(**entries)
    own = OmegaConfigLoader(
        conf_source=str(folder),
        env=local,
        base_env=base,
        default_run_env=local,
        config_patterns=config_loader.config_patterns,
        merge_strategy=config_loader.merge_strategy,
    )
    return Library(**{kind: own[kind] | entries[kind] for kind in LIBRARY})


class RunHooks:
    """Resolve the parameters to a run, name its files, and hand it to the nodes."""

    run: Run

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters; then tell the catalog the names that its paths are made of."""
        loader = cast(OmegaConfigLoader, context.config_loader)  # the one of settings.py
        overrides = dict(loader.runtime_params or {})
        self.run = resolve(load_library(loader), loader["parameters"], overrides)
        loader.runtime_params = {
            **overrides,
            "task": self.run.task_name,
            "source": self.run.source_name,
            "proxy": self.run.proxy_name,
            "method": self.run.method_name,
            "seed": self.run.seed,
        }

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Offer the resolved run to the nodes."""
        catalog["run"] = MemoryDataset(self.run, copy_mode="assign", metadata={"kedro-viz": {"layer": "parameters"}})

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Refuse a loss or a metric that does not exist or does not suit, before hours are spent on the files."""
        if "model" in pipeline.datasets():
            from pare.evaluation.metrics import build_metric  # noqa: PLC0415 - torch, which ingestion does without
            from pare.training.losses import build_loss  # noqa: PLC0415

            build_metric(self.run.metric, self.run.task.output)
            build_loss(self.run.task.loss, self.run.task.output.kind)
