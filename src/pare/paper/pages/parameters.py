"""The page of all parameters, docs/parameters.md, made from the schema of the configuration."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from pare.config.hyperparameters import AlignmentConfig, MixingConfig, TrainingConfig
from pare.config.schema import LearnerConfig, ProxyConfig, Source, StartConfig, Task
from pare.config.strict import Strict

HEADER = """# Parameters

Made from the schema of the configuration by `kedro paper pages`; a test compares the two. In
these sections a key that is not here is refused.

`training`, `mixing` and `alignment` are hyperparameters of a run: `--params training.epochs=3`. Their defaults here are
those of `conf/base/parameters.yml`, else of the schema. Starts, tasks and learners have values of their own;
`kedro tasks show TASK` says which value a run has, and where it comes from. What else a run is asked for, such as task,
method, start, source, seed and minutes, is in `conf/base/parameters.yml` and in `kedro run --help`. Of a task, loss,
metric, tokens and more have defaults that follow from its data: [what a task file says](task_file.md)."""
SECTIONS: dict[str, type[Strict]] = {
    "training": TrainingConfig,
    "mixing": MixingConfig,
    "alignment": AlignmentConfig,
    "A task (conf/base/tasks)": Task,
    "A source (conf/base/sources.yml)": Source,
    "A proxy (conf/base/proxies.yml)": ProxyConfig,
    "A start (conf/base/starts.yml)": StartConfig,
    "A learner (conf/base/learners.yml)": LearnerConfig,
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
WORDS = {"string": "text", "boolean": "true or false", "null": "none", "object": "keys and values"}


def schema_page(parameters: Mapping[str, Any]) -> str:
    """Markdown of all sections: a table for each, and one for the keys of experts.

    Args:
        parameters: content of conf/base/parameters.yml.
    """
    parts = [HEADER]
    for title, model in SECTIONS.items():
        shipped = parameters.get(title, {})
        names = [*model.model_fields]
        common = model.COMMON or names
        parts += [f"## {title}", str(model.__doc__).partition("\n")[0], _table(model, common, shipped)]
        if experts := [name for name in names if name not in common]:
            parts += [f"### {title}, for experts", _table(model, experts, shipped)]
    return "\n\n".join(parts) + "\n"


def _table(model: type[Strict], names: Iterable[str], shipped: Mapping[str, Any]) -> str:
    return "\n".join(["| key | value | default | |", "|---|---|---|---|", *_lines(model, names, shipped)])


def _lines(model: type[Strict], names: Iterable[str], shipped: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    properties = model.model_json_schema()["properties"]
    for name in names:
        field = model.model_fields[name]
        part = _part(field)
        if part and part not in SECTIONS.values():
            named = "NAME." if get_origin(field.annotation) is dict else ""
            yield from _lines(part, part.model_fields, {}, f"{prefix}{name}.{named}")
            continue
        default = _value(shipped[name]) if name in shipped else _default(field)
        words = f"see [{name}](#{name})" if part else _words(properties[name])
        yield f"| `{prefix}{name}` | {words} | {default} | {field.description or ''} |"


def _part(field: FieldInfo) -> type[Strict] | None:
    """The model of a field that has keys of its own."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Strict)), None)


def _default(field: FieldInfo) -> str:
    return "needed" if field.is_required() else _value(field.get_default(call_default_factory=True))


def _value(value: Any) -> str:
    if value is None or value in ("", (), [], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _words(schema: Mapping[str, Any]) -> str:
    """What a value may be."""
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{name}`" for name in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_words(schema['items'])}"
    if "propertyNames" in schema:
        return f"a value for each of {_words(schema['propertyNames'])}"
    bounds = ", ".join(f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema)
    kind = str(schema.get("type", "object"))
    return f"{WORDS.get(kind, kind)} {bounds}".strip()
