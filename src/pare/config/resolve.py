"""From YAML to a resolved run: names looked up, layers merged, every key checked."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pare.config.errors import PareError, unknown_name
from pare.config.hyperparameters import AlignmentConfig, MixingConfig, TrainingConfig
from pare.config.library import Library
from pare.config.mosaic import mosaic_of
from pare.config.raw import OWN_FILES
from pare.config.run import CHANGED, COMMAND_LINE, FOLD, SOLVED, TASK, Run, is_periodic, joined
from pare.config.schema import Candidates, LearnerConfig, Source, StartConfig, Task
from pare.config.split import FoldConfig
from pare.config.strict import validated
from pare.config.suitability import library_training

HYPERPARAMETERS = ("training", "mixing", "alignment", "options")  # sections of keys
PARAMETERS = (
    *("task", "start", "source", "method", "seed", "fold", "variant", "protocol", "minutes"),
    *(*HYPERPARAMETERS, "analyse", "predict", "tracking"),
)
STARTS = (SOLVED, "random")
SOURCE = "minilm"  # where neither the task nor a start names one
SOLVED_TRAINING = ("fraction", "class_weights", "symmetries")  # what training.* means to what is solved
VARIANT = re.compile(r"[a-z0-9_]*")
SOURCE_KEYS = ("name", "proxy", "samples")
WRITTEN = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)")  # a fold such as 2/5, the second of five
CHOICES = ("source", "start", "protocol")  # names whose origin the provenance knows
HAS_SOURCE = ("transformer", "choice")  # kinds of learners that begin with a pretrained encoder
SOURCED = ("source", "start")  # parameters of these
OTHERS = {"mixing": "method=pare mixes", "alignment": "method=orca aligns"}  # which methods take what another does not


def resolve(library: Library, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> Run:
    """Build the run that the parameters ask for.

    Hyperparameters are merged from the general defaults, the start, the task, the learner and the command line;
    the later one wins and ``Run.provenance`` remembers which did.

    Args:
        library: tasks, sources, proxies, starts and learners.
        parameters: the project's parameters, command line included.
        overrides: what the command line set.

    Raises:
        PareError: for an unknown name or key, a value of the wrong type, or one that the learner has no use for.
    """
    _check_names(parameters, overrides)
    task_name, method_name = _text(parameters, "task"), _text(parameters, "method")
    task, learner = with_fold(task_name, library.task(task_name), parameters), library.learner(method_name)
    _check_useful(method_name, _taken_by_any(learner, library, task), overrides)
    prepared = _prepared_differs(library, task_name, parameters)
    model_input = "-".join([task_name, *([joined(prepared)] if prepared else [])])
    values: dict[str, Any] = {
        "task_name": task_name,
        "method_name": method_name,
        "seed": parameters.get("seed"),
        "variant": _variant(parameters),
        "protocol": parameters.get("protocol"),
        "environment": library.environment,
        "differs": prepared,
        "places": {"task": task_name, "raw": library.raw_place("tasks", task_name), "model_input": model_input},
        "task": task,
        "learner": learner,
    }
    start = None
    if learner.kind in HAS_SOURCE:
        start_name, start = _start(library, parameters, task)
        source, differs, places = _source(library, _source_choice(parameters), task, start)
        values |= {"start_name": start_name, "start": start, **source}
        values["differs"] = prepared | _differing(start=(start_name, library.start)) | differs
        values["places"] = values["places"] | places
    resolved, provenance = _hyperparameters(task, learner, start, parameters, overrides)
    if learner.kind == "transformer":
        _check_something_is_learnt(resolved["training"], learner, task, start, library)
    if learner.candidates:
        resolved |= _candidates(library, learner, task, resolved["training"], parameters, overrides)
    chosen = {key: COMMAND_LINE for key in CHOICES if key in overrides}
    return validated(Run, "", values | resolved | {"provenance": chosen | provenance})


def _candidates(
    library: Library,
    learner: LearnerConfig,
    task: Task,
    training: TrainingConfig,
    parameters: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> dict[str, Any]:
    """The runs that a choice compares, and the folds.

    Each is as the command of the candidate would resolve it, from those values of the command line that it takes.
    """
    tried = _compared(learner, task)
    unsuited = [] if is_periodic(training.symmetries) else tried.periodic
    runs = []
    for name in (name for name in tried.methods if name not in unsuited):
        candidate = library.learner(name)
        own = _useful(overrides, _taken(candidate))
        own.pop("minutes", None)
        # Networks share the minutes of the choice, also where a task has epochs of its own.
        if tried.folds == 1 and candidate.is_trained and "epochs" not in _section(own, "training"):
            own["minutes"] = overrides.get("minutes", learner.minutes)
        runs.append(resolve(library, {**parameters, "method": name, "minutes": None}, own))
    return {"candidates": runs, "folds": tried.folds}


def _compared(learner: LearnerConfig, task: Task) -> Candidates:
    """What a choice compares for the task's kind of data."""
    if task.kind not in learner.candidates:
        raise unknown_name("list of candidates", task.kind, learner.candidates, "conf/base/learners.yml")
    return learner.candidates[task.kind]


def _source(
    library: Library, choice: Mapping[str, Any], task: Task, start: StartConfig | None
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """What a run holds of source and proxy, what of them is not the run's default, and where their files lie."""
    own_name = own_source(task, start)
    name = choice.get("name") or own_name
    source = library.source(name)
    proxy = choice.get("proxy") or default_proxy(name, source, task, own_name)
    samples = choice.get("samples")
    values = {
        "source_name": name,
        "source": source,
        "proxy_name": proxy,
        "proxy": library.proxy(proxy),
        "proxy_samples": samples,
    }
    differs = _differing(
        source=(name, own_name), proxy=(proxy, own_proxy(name, source, task, own_name)), samples=(samples, None)
    )
    places = {"encoder": library.raw_place("sources", name), "proxy": library.raw_place("proxies", proxy)}
    return values, differs, places


def _hyperparameters(
    task: Task,
    learner: LearnerConfig,
    start: StartConfig | None,
    parameters: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Minutes, options and the sections training, mixing and alignment of a run, and where each value came from."""
    by_task, by_method = f"task {parameters['task']}", f"method {parameters['method']}"
    by_start = f"start of {task.kind} data"
    provenance: dict[str, str] = {}

    def merged(section: str, layers: dict[str, dict[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for origin, layer in {**layers, COMMAND_LINE: _section(overrides, section)}.items():
            values |= layer
            provenance.update({f"{section}.{key}": origin for key in layer})
        return values

    training = {
        "defaults": _section(parameters, "training"),
        by_start: start.training if start else {},
        by_task: task.training,
        by_method: learner.training,
    }
    values: dict[str, Any] = {
        "training": validated(TrainingConfig, "training", merged("training", training)),
        "options": merged("options", {by_method: learner.options}),
    }
    values["minutes"], origin = _minutes(task, learner, start, parameters, overrides)
    provenance |= {"minutes": origin} if origin else {}
    if learner.mixing is not None:
        mixing = {
            "defaults": _section(parameters, "mixing"),
            by_start: start.mixing if start else {},
            by_method: learner.mixing.model_dump(exclude_unset=True),
            by_task: task.mixing,
        }
        values["mixing"] = validated(MixingConfig, "mixing", merged("mixing", mixing))
    if learner.alignment is not None:
        alignment = {by_method: learner.alignment.model_dump(exclude_unset=True), by_task: task.alignment}
        values["alignment"] = validated(AlignmentConfig, "alignment", merged("alignment", alignment))
    return values, provenance


def _minutes(
    task: Task,
    learner: LearnerConfig,
    start: StartConfig | None,
    parameters: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> tuple[float | None, str]:
    """Minutes of a run and where they came from; epochs that a later layer names take their place.

    A network that is solved and not trained ends when it is solved, so minutes say nothing of it.
    """
    if learner.kind == "transformer" and not learner.is_trained:
        return None, ""
    named = overrides.get("minutes")
    if "epochs" in _section(overrides, "training"):
        if named is not None:
            raise PareError("minutes and training.epochs both say how long the training takes; name one of them")
        return None, ""
    follows = learner.is_trained and "epochs" not in task.training | learner.training
    layers = {
        f"start of {task.kind} data": start.minutes if start and follows else None,
        f"method {parameters['method']}": learner.minutes,
        "parameters": parameters.get("minutes"),
        COMMAND_LINE: named,
    }
    known = [(minutes, origin) for origin, minutes in layers.items() if minutes is not None]
    return known[-1] if known else (None, "")


def _check_something_is_learnt(
    training: TrainingConfig, learner: LearnerConfig, task: Task, start: StartConfig | None, library: Library
) -> None:
    if training.epochs:
        return
    if learner.training.get("epochs") != 0:
        raise PareError("training.epochs is 0, and this method trains; set at least 1, or use method=probe")
    if start is None:
        why = f"for {task.kind} data, of which nothing is solved"
        if library.start_of(task.kind, SOLVED):
            says = "" if library.start == SOLVED else f", as conf/{library.environment} says"
            why = f"with start=random{says}; add start=solved"
        raise PareError(
            f"{learner.title} trains nothing, so it predicts nothing {why}, or use another method, see `kedro methods`"
        )


def _check_useful(method_name: str, taken: Sequence[str], overrides: Mapping[str, Any]) -> None:
    """Refuse values of the command line that have no effect on the learner, or on any candidate of a choice."""
    useless = [key for key in _named_keys(overrides) if not _is_taken(key, taken)]
    if useless:
        effect = "has no effect" if len(useless) == 1 else "have no effect"
        others = dict.fromkeys(text for key in useless if (text := OTHERS.get(key.partition(".")[0])))
        raise PareError(
            "; ".join(
                [f"{', '.join(useless)} {effect} on method {method_name!r}, which takes {', '.join(taken)}", *others]
            )
        )


def _useful(overrides: Mapping[str, Any], taken: Sequence[str]) -> dict[str, Any]:
    """Those values of the command line that have an effect on a learner."""
    useless = [key for key in _named_keys(overrides) if not _is_taken(key, taken)]
    kept = {key: value for key, value in overrides.items() if key not in useless}
    for section in HYPERPARAMETERS:
        if section in kept:
            values = _section(kept, section)
            kept[section] = {key: value for key, value in values.items() if f"{section}.{key}" not in useless}
    return kept


def _named_keys(overrides: Mapping[str, Any]) -> list[str]:
    """Keys of the command line that only some learners take, such as ``source`` and ``training.epochs``."""
    keys = [key for key in SOURCED if overrides.get(key)]
    return keys + [f"{section}.{key}" for section in HYPERPARAMETERS for key in _section(overrides, section)]


def _is_taken(key: str, taken: Sequence[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in taken)


def _taken_by_any(learner: LearnerConfig, library: Library, task: Task) -> list[str]:
    """Parameters that have an effect on a learner, or in a choice on a candidate, whose other sections are its own."""
    if not learner.candidates:
        return _taken(learner)
    of_candidates = [_taken(library.learner(name)) for name in _compared(learner, task).methods]
    keys = [*_taken(learner), *(key for keys in of_candidates for key in keys if key.startswith("training."))]
    return list(dict.fromkeys(keys))


def _taken(learner: LearnerConfig) -> list[str]:
    """Parameters that have an effect on a learner; ``*`` for all keys of a section."""
    training = library_training(learner.library) if learner.library else SOLVED_TRAINING
    sections = {"mixing": learner.mixing, "alignment": learner.alignment, "options": learner.options}
    return [
        "minutes",
        *(SOURCED if learner.kind in HAS_SOURCE else ()),
        *(f"training.{key}" for key in (("*",) if learner.is_trained else training)),
        *(f"{section}.*" for section, used in sections.items() if used),
    ]


def own_source(task: Task, start: StartConfig | None) -> str:
    """The source of a run that names none: the task's own, or the one that suits the kind of data."""
    return task.source or (start.source if start else SOURCE)


def default_proxy(source_name: str, source: Source, task: Task, own_name: str) -> str:
    """The proxy of a run that names none, see `own_proxy`.

    Raises:
        PareError: if the source names none for the kind of the task's output.
    """
    name = own_proxy(source_name, source, task, own_name)
    if name is None:
        kind = "dense" if task.output.kind == "dense" else "classification"
        raise PareError(
            f"source {source_name!r} has no proxy for {kind} tasks, only for {', '.join(source.proxy)}; "
            f"add proxy.{kind} to it in sources.yml, or name one: --params source.proxy=NAME"
        )
    return name


def own_proxy(source_name: str, source: Source, task: Task, own_name: str) -> str | None:
    """The proxy that the task names for its own source, or else the source's for the kind of the task's output.

    The kinds are dense, whose proxies have masks, and classification, which covers all others.
    """
    if task.proxy is not None and source_name == own_name:
        return task.proxy
    return source.proxy.get("dense" if task.output.kind == "dense" else "classification")


def _prepared_differs(library: Library, task_name: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """What differs of all that the model input depends on: environment, the task itself, protocol, and fold."""
    changed = {TASK: CHANGED} if task_name in library.changed else {}
    fold = asked_fold(parameters)
    folds = {FOLD: f"{fold.number}_of_{fold.folds}"} if fold else {}
    return library.differs | changed | _differing(protocol=(parameters.get("protocol"), library.protocol)) | folds


def _differing(**values: tuple[Any, Any]) -> dict[str, str]:
    """The values that are not their own defaults, given as (value, default)."""
    return {key: str(value) for key, (value, default) in values.items() if value != default}


def _start(library: Library, parameters: Mapping[str, Any], task: Task) -> tuple[str, StartConfig | None]:
    """The start that the parameters name, and what is solved for the task's kind of data; None for a random one."""
    name = parameters.get("start", library.start)
    if name not in STARTS:
        raise unknown_name("start", name, STARTS, "conf/base/parameters.yml")
    start = library.start_of(task.kind, str(name))
    if start and task.kind == "image":
        mosaic_of(task)  # which refuses volumes
    return str(name), start


def _check_names(parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    for key in [*parameters, *overrides]:
        if key not in PARAMETERS:
            raise unknown_name("parameter", key, PARAMETERS, "conf/base/parameters.yml")
    if "minutes" in _section(overrides, "training"):
        raise PareError("any method takes minutes, so they stand alone: minutes=5 in place of training.minutes=5")


def _source_choice(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``source`` of the parameters: a name, or a mapping with name, proxy and samples; each may be left out."""
    value = parameters.get("source")
    if value is None or isinstance(value, str):
        return {"name": value}
    choice = _section(parameters, "source")
    for key in choice:
        if key not in SOURCE_KEYS:
            raise unknown_name("key", f"source.{key}", [f"source.{k}" for k in SOURCE_KEYS], "conf/base/parameters.yml")
    for key in ("name", "proxy"):
        if choice.get(key) is not None and not isinstance(choice[key], str):
            raise PareError(f"source.{key} must be a name, found {choice[key]!r}; e.g. --params source.{key}=NAME")
    return choice


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


def asked_fold(parameters: Mapping[str, Any]) -> FoldConfig | None:
    """The fold that ``fold=2/5`` asks for, the second of five; None where none is asked for.

    Raises:
        PareError: where it is written in another way, or there is no such fold.
    """
    text = parameters.get(FOLD)
    if not text and not isinstance(text, int):
        return None
    found = WRITTEN.fullmatch(str(text))
    number, folds = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= folds or folds < 2:
        raise PareError(f"fold must be one of at least two, such as 2/5, found {text!r}; folds=5 runs all five")
    return FoldConfig(number=number, folds=folds)


def with_fold(name: str, task: Task, parameters: Mapping[str, Any]) -> Task:
    """The task with the fold that the parameters ask for as its test part; as it is where they ask for none.

    Raises:
        PareError: where the task's test rows are not for the user to choose, or there are fewer rows than folds.
    """
    fold = asked_fold(parameters)
    if fold is None:
        return task
    if task.raw.origin != OWN_FILES:
        raise PareError(
            f"task {name!r} is published with its test rows, and results on others could not be compared with it; "
            "folds are for your own data. Use seeds=0-4"
        )
    if "all" not in task.samples:
        raise PareError(
            f"task {name!r} has test rows of its own (samples: {', '.join(task.samples)}), and folds would train on "
            "them; use seeds=0-4, or bring all rows as one part: samples: {all: …}"
        )
    if fold.folds > task.samples["all"]:
        raise PareError(f"task {name!r} has {task.samples['all']} rows, {fold.folds} folds need as many; use fewer")
    return task.model_copy(update={"split": task.split.model_copy(update={"fold": fold})})


def hyperparameters(run: Run) -> dict[str, Any]:
    """The values of a run that have an effect on its learner, by their names on the command line.

    A choice has its folds, and what the command line named for its candidates.
    """
    sections = run.model_dump(include={*HYPERPARAMETERS})
    named = {f"{name}.{key}": value for name in HYPERPARAMETERS for key, value in (sections[name] or {}).items()}
    taken = [*_taken(run.learner), *run.overridden]
    values = {key: value for key, value in named.items() if _is_taken(key, taken)}
    minutes = {"minutes": run.minutes} if run.minutes else {}
    return minutes | ({"folds": run.folds} if run.candidates else {}) | values
