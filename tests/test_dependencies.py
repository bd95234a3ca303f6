"""Each dependency of pyproject.toml is used, and each library that the package imports is a dependency."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib")  # new in Python 3.11
ROOT = Path(__file__).parents[1]
PARTS_OF = {"cycler": "matplotlib", "markupsafe": "jinja2", "omegaconf": "kedro"}  # arguments and errors of these


def distributions(requirements):
    """Names of distributions, without versions and extras."""
    return {re.match(r"[\w.-]+", text)[0].lower().replace("_", "-") for text in requirements}


@pytest.fixture(scope="module")
def project():
    """The project's table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def imported():
    """Distributions that the package imports from."""
    modules = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.add(node.module.split(".")[0])
    known = packages_distributions()
    return distributions(name for module in modules - {*sys.stdlib_module_names, "pare"} for name in known[module])


def test_each_dependency_is_used(project, imported):
    assert distributions(project["dependencies"]) <= imported


def test_each_library_that_is_imported_is_a_dependency(project, imported):
    extras = {name for texts in project["optional-dependencies"].values() for name in texts}
    assert imported - distributions([*project["dependencies"], *extras]) == PARTS_OF.keys()


def test_every_extra_that_a_message_or_a_page_names_is_one(project):
    texts = [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {found for path in texts for found in re.findall(rf"{project['name']}\[(.*?)\]", path.read_text())}
    assert {name for names in named for name in names.split(",")} <= project["optional-dependencies"].keys()
    assert len(named) >= 3
