"""Kedro hooks: the run is resolved and checked before anything else happens."""

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset

from pare.config import Library, Run, resolve

LIBRARY = ("tasks", "sources", "proxies", "methods")


def load_library(config_loader: AbstractConfigLoader) -> Library:
    """Read all tasks, sources, proxies and methods of an environment."""
    return Library(**{kind: config_loader[kind] for kind in LIBRARY})


class RunHooks:
    """Resolve the parameters to a run, name its files, and hand it to the nodes."""

    run: Run

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters; then tell the catalog the names that its paths are made of."""
        loader = context.config_loader
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
