"""The base of all configuration, and the check of values against it: one sentence for each mistake."""

from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from pare.config.errors import PareError, unknown_name

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of all configuration: immutable, without unknown keys, so that a misspelt option is an error.

    Attributes:
        COMMON: keys that messages and pages name first; empty: all alike.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    COMMON: ClassVar[tuple[str, ...]] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is expected, of which pydantic makes 1 and 0; YAML reads yes as true."""
        types = [*_parts_of(cls.model_fields[str(info.field_name)].annotation)]
        if (int in types or float in types) and bool not in types and _holds_truth(value):
            raise ValueError(f"expected a number, found {value!r}; YAML reads yes, no, on and off as True and False")
        return value


def _parts_of(annotation: Any) -> Iterator[Any]:
    """A type and all that it is made of, such as the int of a tuple of positive whole numbers, or none."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts_of(part)


def _holds_truth(value: Any) -> bool:
    """Whether true or false is anywhere in a value of YAML."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, bool) or any(map(_holds_truth, inner))


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
        part, section = _part(model, error["loc"][:-1]), key.rpartition(".")[0]
        known, common = ([f"{section}.{name}" for name in names] for names in (part.model_fields, part.COMMON))
        return str(unknown_name("key", key, known, "docs/parameters.md" if common else "`kedro tasks show`", common))
    if error["type"] == "missing":
        return f"key {key!r} is missing; add it to the configuration."
    if error["type"] == "value_error":  # a rule of the schema about several keys, whose message is complete
        return f"{key}: {error['ctx']['error']}."
    return f"key {key!r}: {error['msg']}, found {error['input']!r}."


def _part(model: type[BaseModel], path: tuple[Any, ...]) -> type[Strict]:
    """The model at ``path`` below ``model``."""
    for part in path:
        annotation: Any = model.model_fields[part].annotation if part in model.model_fields else model
        models = (a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel))
        model = next(models, model)  # the model inside an optional one or a dictionary
    return model  # type: ignore[return-value]
