"""Checking values against a schema: one sentence for each mistake."""

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from pare.config.errors import PareError, unknown_name

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], where: str, values: Any) -> Model:
    """The values as that model; PareError with one sentence a mistake, each beginning with ``where``."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise PareError("\n".join(_sentence(model, where, e) for e in error.errors())) from None


def _sentence(model: type[BaseModel], where: str, error: Any) -> str:
    """One pydantic error as: which key, what was found, what would have been right."""
    path = ".".join(str(part) for part in error["loc"])
    key = ".".join(part for part in (where, path) if part)
    if error["type"] == "extra_forbidden":
        known = _fields(model, error["loc"][:-1])
        return str(
            unknown_name("key", key, [f"{key.rpartition('.')[0]}.{name}" for name in known], "`kedro tasks show`")
        )
    if error["type"] == "missing":
        return f"key {key!r} is missing; add it to the configuration."
    if error["type"] == "value_error":  # a rule of the schema about several keys, whose message is complete
        return f"{key}: {error['ctx']['error']}."
    return f"key {key!r}: {error['msg']}, found {error['input']!r}."


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Names of the fields of the model at ``path`` below ``model``."""
    for part in path:
        annotation: Any = model.model_fields[part].annotation if part in model.model_fields else model
        models = (a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel))
        model = next(models, model)  # of an optional model or a dictionary of models, the model
    return list(model.model_fields)
