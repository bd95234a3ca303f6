"""Options from YAML, checked against the signature of the function that they are for."""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError, validate_call

from pare.config.errors import PareError

T = TypeVar("T")


def bind_options(kind: str, name: str, function: Callable[..., T], options: dict[str, Any]) -> Callable[[Path], T]:
    """Check options by the function's signature and types, and bind them.

    Args:
        kind: what the function is to the user, e.g. ``origin``.
        name: its name in the configuration.
        function: takes a folder, then the options.
        options: keyword arguments as YAML gives them.

    Returns:
        The function, waiting for the folder only.

    Raises:
        PareError: naming each unknown, missing or mistyped option, and the valid ones.
    """

    @wraps(function)
    def arguments(folder: Path, **validated: Any) -> dict[str, Any]:
        return validated

    try:
        validated = validate_call(arguments)(Path(), **options)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PareError(
            f"options of {kind} {name!r} do not fit: {wrong}. Valid options: {_describe(function) or 'none'}"
        ) from error
    return partial(function, **validated)


def _describe(function: Callable[..., Any]) -> str:
    """Options as a user would write them: ``stride (5), target``."""
    _, *parameters = inspect.signature(function).parameters.values()
    return ", ".join(p.name if p.default is p.empty else f"{p.name} ({p.default!r})" for p in parameters)
