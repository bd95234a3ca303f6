"""From YAML to a resolved run: names looked up, layers merged, every key checked."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from pare.config.errors import PareError, unknown_name
from pare.config.run import COMMAND_LINE, LOCAL, BaselineRun, Run, own_proxy
from pare.config.schema import (
    AlignmentConfig,
    Baseline,
    Method,
    MixingConfig,
    ProxyConfig,
    Source,
    Task,
    TrainingConfig,
)

Model = TypeVar("Model", bound=BaseModel)
PARAMETERS = (
    *("task", "source", "method", "seed", "variant", "protocol"),
    *("training", "mixing", "alignment", "options", "analyse", "predict"),
)
BASELINE_TRAINING = ("fraction", "class_weights", "positive_weight")  # what training.* means to a baseline
VARIANT = re.compile(r"[a-z0-9_]*")
SOURCE_KEYS = ("name", "proxy", "samples")
CHOICES = ("source", "protocol")  # names whose origin the provenance knows
NAME = re.compile(r"\w+", re.ASCII)


class Library(BaseModel):
    """Everything that the configuration folder defines in one of its environments, by name."""

    model_config = ConfigDict(frozen=True)

    environment: str = LOCAL
    tasks: dict[str, Any]
    sources: dict[str, Any]
    proxies: dict[str, Any]
    methods: dict[str, Any]
    baselines: dict[str, Any]

    def task(self, name: str) -> Task:
        """The task of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(Task, "task", name, self.tasks, "`kedro tasks`")

    def source(self, name: str) -> Source:
        """The source of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(Source, "source", name, self.sources, "conf/base/sources.yml")

    def proxy(self, name: str) -> ProxyConfig:
        """The proxy dataset of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(ProxyConfig, "proxy", name, self.proxies, "conf/base/proxies.yml")

    def method(self, name: str) -> Method:
        """The method of that name; PareError where it is unknown or its YAML is wrong, or where it is a baseline."""
        if name in self.baselines:
            raise PareError(f"{name!r} is a baseline; run it: kedro run --pipelines=baseline --params method={name}")
        return _entry(Method, "method", name, self.methods, "conf/base/methods.yml")

    def baseline(self, name: str) -> Baseline:
        """The baseline of that name; PareError where it is unknown or its YAML is wrong, or where it is a method."""
        if name in self.methods:
            raise PareError(f"{name!r} is no baseline; run it: kedro run --pipelines=pare_train --params method={name}")
        return _entry(Baseline, "baseline", name, self.baselines, "conf/base/baselines.yml")


def resolve(library: Library, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> Run:
    """Build the run that the parameters ask for.

    Hyperparameters are merged from the general defaults, the task, the method and the command line;
    the later one wins and ``Run.provenance`` remembers which did.

    Args:
        library: tasks, sources, proxies, methods and baselines.
        parameters: the project's parameters, command line included.
        overrides: what the command line set.

    Raises:
        PareError: for an unknown name or key, or a value of the wrong type.
    """
    _check_names(parameters, overrides)
    task_name, method_name = _text(parameters, "task"), _text(parameters, "method")
    task, method = library.task(task_name), library.method(method_name)
    choice = _source_choice(parameters)
    source_name = choice.get("name") or task.source
    source = library.source(source_name)
    proxy_name = choice.get("proxy") or default_proxy(source_name, source, task)

    training, provenance = _merge(
        "training",
        {
            "defaults": _section(parameters, "training"),
            f"task {task_name}": task.training,
            f"method {method_name}": method.training,
            COMMAND_LINE: _section(overrides, "training"),
        },
    )
    mixing, origins = _merge(
        "mixing",
        {
            "defaults": _section(parameters, "mixing"),
            f"method {method_name}": method.mixing.model_dump(exclude_unset=True) if method.mixing else {},
            f"task {task_name}": task.mixing,
            COMMAND_LINE: _section(overrides, "mixing"),
        },
    )
    alignment, alignment_origins = _merge(
        "alignment",
        {
            f"method {method_name}": method.alignment.model_dump(exclude_unset=True) if method.alignment else {},
            f"task {task_name}": task.alignment,
            COMMAND_LINE: _section(overrides, "alignment"),
        },
    )
    if method.alignment is None and _section(overrides, "alignment"):
        raise PareError(
            f"method {method_name!r} does not align, so alignment.* has no effect; drop it or use method=orca"
        )
    if method.mixing is None and _section(overrides, "mixing"):
        raise PareError(f"method {method_name!r} does not mix, so mixing.* has no effect; drop it or use method=pare")
    if _section(overrides, "options"):
        raise PareError(f"options.* are those of a baseline, {method_name!r} is a method; use training.* or mixing.*")
    return validated(
        Run,
        "",
        {
            "task_name": task_name,
            "source_name": source_name,
            "method_name": method_name,
            "proxy_name": proxy_name,
            "proxy_samples": choice.get("samples"),
            "seed": parameters.get("seed"),
            "variant": _variant(parameters),
            "protocol": parameters.get("protocol"),
            "environment": library.environment,
            "task": task,
            "source": source,
            "proxy": library.proxy(proxy_name),
            "method": method,
            "training": validated(TrainingConfig, "training", training),
            "mixing": validated(MixingConfig, "mixing", mixing) if method.mixing else None,
            "alignment": validated(AlignmentConfig, "alignment", alignment) if method.alignment else None,
            "provenance": _chosen(overrides)
            | provenance
            | (origins if method.mixing else {})
            | (alignment_origins if method.alignment else {}),
        },
    )


def resolve_baseline(library: Library, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> BaselineRun:
    """Build the run of a baseline that the parameters ask for; arguments as for `resolve`.

    A baseline learns from the same rows as a method, weighted in the same way; else it has options of its own.

    Raises:
        PareError: for an unknown name or key, a value of the wrong type, or one that a baseline has no use for.
    """
    _check_names(parameters, overrides)
    task_name, name = _text(parameters, "task"), _text(parameters, "method")
    task, baseline = library.task(task_name), library.baseline(name)
    useless = [key for key in ("source", "mixing", "alignment") if overrides.get(key)]
    useless += [f"training.{key}" for key in _section(overrides, "training") if key not in BASELINE_TRAINING]
    if useless:
        raise PareError(
            f"{', '.join(useless)} has no effect on baseline {name!r}; it takes "
            f"{', '.join(f'training.{key}' for key in BASELINE_TRAINING)} and options of its own: "
            f"{', '.join(f'options.{key}' for key in baseline.options)}"
        )
    training, provenance = _merge(
        "training",
        {
            "defaults": _section(parameters, "training"),
            f"task {task_name}": task.training,
            COMMAND_LINE: _section(overrides, "training"),
        },
    )
    options, origins = _merge(
        "options", {f"baseline {name}": baseline.options, COMMAND_LINE: _section(overrides, "options")}
    )
    return validated(
        BaselineRun,
        "",
        {
            "task_name": task_name,
            "method_name": name,
            "seed": parameters.get("seed"),
            "variant": _variant(parameters),
            "protocol": parameters.get("protocol"),
            "environment": library.environment,
            "task": task,
            "baseline": baseline,
            "training": validated(TrainingConfig, "training", training),
            "options": options,
            "provenance": _chosen(overrides) | provenance | origins,
        },
    )


def default_proxy(source_name: str, source: Source, task: Task) -> str:
    """The proxy of a run that names none, see `own_proxy`.

    Raises:
        PareError: if the source names none for the kind of the task's output.
    """
    name = own_proxy(source_name, source, task)
    if name is None:
        kind = "dense" if task.output.kind == "dense" else "classification"
        raise PareError(
            f"source {source_name!r} has no proxy for {kind} tasks, only for {', '.join(source.proxy)}; "
            f"add proxy.{kind} to it in sources.yml, or name one: --params source.proxy=NAME"
        )
    return name


def _check_names(parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    for key in [*parameters, *overrides]:
        if key not in PARAMETERS:
            raise unknown_name("parameter", key, PARAMETERS, "conf/base/parameters.yml")


def _source_choice(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``source`` of the parameters: a name, or a mapping with name, proxy and samples; each may be left out."""
    value = parameters.get("source")
    if value is None or isinstance(value, str):
        return {"name": value}
    choice = _section(parameters, "source")
    for key in choice:
        if key not in SOURCE_KEYS:
            raise unknown_name("key", f"source.{key}", [f"source.{k}" for k in SOURCE_KEYS], "conf/base/parameters.yml")
    return choice


def _chosen(overrides: Mapping[str, Any]) -> dict[str, str]:
    return {key: COMMAND_LINE for key in CHOICES if key in overrides}


def _text(parameters: Mapping[str, Any], key: str) -> str:
    value = parameters.get(key)
    if not isinstance(value, str):
        raise PareError(f"parameter {key!r} must be a name, found {value!r}; e.g. --params {key}=NAME")
    return value


def _variant(parameters: Mapping[str, Any]) -> str:
    """Name of the variant; the command line reads bare digits as a number, so these are no name."""
    value = parameters.get("variant", "")
    if not isinstance(value, str) or not VARIANT.fullmatch(value):
        raise PareError(
            "a variant is named with small letters, digits and underscores, not digits alone; "
            f"found {value!r}; e.g. --params variant=start_10,mixing.start=0.1"
        )
    return value


def _section(parameters: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = {} if parameters.get(key) is None else parameters[key]
    if not isinstance(value, Mapping):
        raise PareError(f"parameter {key!r} has keys of its own, found {value!r}; e.g. --params {key}.KEY=VALUE")
    return dict(value)


def _merge(section: str, layers: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    provenance: dict[str, str] = {}
    for origin, layer in layers.items():
        values |= layer
        provenance |= {f"{section}.{key}": origin for key in layer}
    return values, provenance


def _entry(model: type[Model], kind: str, name: str, entries: Mapping[str, Any], where: str) -> Model:
    if name not in entries:
        raise unknown_name(kind, name, entries, where)
    if not NAME.fullmatch(name):
        raise PareError(f"{kind} {name!r} names folders, so it may have letters, digits and _ only; rename it")
    return validated(model, f"{kind} {name}", entries[name])


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
    if error["type"] == "value_error":  # a rule of ours about several keys: it says itself what it found
        return f"{key}: {error['ctx']['error']}."
    return f"key {key!r}: {error['msg']}, found {error['input']!r}."


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Names of the fields of the model that stands at ``path`` below ``model``."""
    for part in path:
        annotation: Any = model.model_fields[part].annotation if part in model.model_fields else model
        models = (a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel))
        model = next(models, model)  # of an optional model or a dictionary of models, the model
    return list(model.model_fields)
