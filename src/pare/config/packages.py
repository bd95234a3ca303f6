"""Packages that only some commands need, the extras of this project."""

from importlib import import_module
from typing import Any

from pare.config.errors import PareError


def import_extra(module: str, user: str, requirement: str) -> Any:
    """Import a library that is no dependency of the whole project.

    Args:
        module: of the library.
        user: what needs it, in messages.
        requirement: what pip installs, this project with an extra.

    Raises:
        PareError: where it is not installed, or what it needs itself.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise PareError(
            f"{user} needs the package {error.name!r}, not installed; pip install {requirement!r}"
        ) from error
