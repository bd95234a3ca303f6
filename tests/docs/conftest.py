"""The project's own pages, and its results as git knows them."""

import subprocess
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader

from pare.config_loader import load_library
from pare.matrix.blocks import Cell, expand, unique
from pare.paper.pages.results import runs_in
from pare.report.results import collect_results
from pare.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def page() -> Callable[[str], str]:
    """Text of a page, by its path in the project."""
    return lambda path: (PROJECT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    """A program of benchmarks/ as a module, by its name."""

    def load(name: str) -> ModuleType:
        spec = spec_from_file_location(name, PROJECT / "benchmarks" / f"{name}.py")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def matrix(conf: Path, env: str) -> dict[str, Cell]:
    """The runs of an environment's matrix."""
    loader = OmegaConfigLoader(conf_source=str(conf), env=env, **CONFIG_LOADER_ARGS)
    return unique(expand(loader["matrix"], load_library(loader), loader["parameters"]))


@pytest.fixture(scope="session")
def matrix_runs(conf, tmp_path_factory) -> pd.DataFrame:
    """The results of the run matrix, from git's index: a demonstration on this machine writes over its own."""
    folder = tmp_path_factory.mktemp("index")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "data/08_reporting"], cwd=PROJECT, capture_output=True, check=False
    )
    if listed.stdout:
        command = ["git", "checkout-index", "-z", "--stdin", f"--prefix={folder}/"]
        subprocess.run(command, cwd=PROJECT, input=listed.stdout, check=True)
    results = collect_results((folder if listed.stdout else PROJECT) / "data" / "08_reporting")
    assert not results.warnings
    return runs_in(results.frame, {cell.run.folder for cell in matrix(conf, "base").values()})
