"""Packages that only some learners need, and the extra that brings all of them."""

from importlib.util import find_spec
from typing import Any

from pare.config.errors import import_extra

EXTRA = "pare-transfer[baselines]"


def require(module: str) -> Any:
    """Import one; PareError where it is not installed."""
    return import_extra(module, "this method", EXTRA)


def lacking(*packages: str) -> str:
    """Which of them are not installed, and how they are; empty where all are."""
    missing = [package for package in packages if find_spec(package) is None]
    return f"needs {', '.join(missing)}: pip install '{EXTRA}'" if missing else ""
