"""The project's own pages, and its committed results."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from pare.config_loader import load_library
from pare.matrix.blocks import Cell, expand, unique
from pare.paper.pages.results_page import runs_in
from pare.report.results import listed_results
from shipped import config_loader

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


def matrix(env: str) -> dict[str, Cell]:
    """The runs of an environment's matrix."""
    loader = config_loader(env)
    return unique(expand(loader["matrix"], load_library(loader), loader["parameters"]))


@pytest.fixture(scope="session")
def matrix_runs() -> pd.DataFrame:
    """The results of the run matrix in results.csv."""
    results = listed_results(PROJECT / "data" / "08_reporting")
    assert not results.warnings
    return runs_in(results.frame, {cell.run.folder for cell in matrix("base").values()})
