"""A run, wholly resolved: what makes it, where its files are, and the command that repeats it."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from shlex import quote
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pare.config.hyperparameters import AlignmentConfig, MixingConfig, TrainingConfig
from pare.config.mosaic import mosaic_of
from pare.config.schema import LearnerConfig, ProxyConfig, Source, StartConfig, Task
from pare.config.strict import Strict

COMMAND_LINE = "command line"  # in the provenance of a run
BASE, LOCAL = "base", "local"  # Kedro's environments that count as one: conf/local adds to conf/base
NOWHERE = "none"  # folder of the encoder and the proxy of a run that has none
ENV = "env"  # key of the environment in what differs
FOLD = "fold"  # and of the fold of a cross-validation
TASK, CHANGED = "task", "changed"  # what differs where conf/local changes a task of conf/base
PROTOCOL, SOLVED = "validated", "solved"  # the words of conf/base/parameters.yml
PREPARED = {"reader", "samples", "input", "output", "split", "normalisation"}  # what a task says of its model input
LEARNT = {"loss", "metric", "tokens", "average_groups"}  # and of what learns from it
# Folder of a run's model, and in it the record of its making and the file of columns and classes.
MODEL, RECORD, PREPARATION = "model", "record.json", "preparation.json"
FILES, MEMBERS = "files", "members"  # digests in the record by path in the folder; folder of an ensemble's models
POINT_BY_POINT = ("pointwise", "feature")  # normalisations of inputs that no symmetry leaves alone
WHOLE = "pare_train"  # the pipeline from raw files to metrics, the default of `kedro run`
LIBRARY_TRAINING = ("fraction", "class_weights", "positive_weight")  # keys that libraries learn with
RESOLVED = {"source", "minutes", "training", "mixing"}  # keys of a start that are in other values of a run
# Values of a wide table that enter the encoder: those that say most of the answer. 64 take longer and were no better.
CHOSEN_VALUES = 32
METHOD = {"library", "network", "initialisation", "trainable"}  # what a learner says that decides its model


def is_periodic(symmetries: Iterable[str]) -> bool:
    """Whether they are those of a grid without ends."""
    return not {"shift", "torus"}.isdisjoint(symmetries)


def symmetry_suits(name: str, grid: Sequence[int]) -> bool:
    """Whether a field of that grid, a line or a plane, can have a symmetry."""
    if name == "square":
        return len(grid) == 2 and grid[0] == grid[1]
    return len(grid) == (2 if name == "torus" else 1)


def run_folder(task: str, method: str, seed: int, differs: Mapping[str, str]) -> str:
    """Where the files of a run are within each layer of ``data``.

    Args:
        task: name of the task.
        method: ``method`` or ``method-variant``.
        seed: the run's seed.
        differs: as `Run.differs`.

    Returns:
        A relative path such as ``darcy_flow/pare/seed_0`` or ``darcy_flow/pare/source_dinov2_small/seed_0``.
    """
    return "/".join([task, method, *([joined(differs)] if differs else []), f"seed_{seed}"])


def differing_text(differs: Mapping[str, str]) -> str:
    """What differs as tables and messages say it, such as ``source dinov2_small, proxy mnist_digits``."""
    return ", ".join(f"{key} {value}" for key, value in differs.items())


def joined(differs: Mapping[str, str]) -> str:
    """What differs as one part of a path; names have no hyphen, so that each mapping has a text of its own."""
    return "-".join(f"{key}_{value}" for key, value in differs.items())


class Run(Strict):
    """A run, wholly resolved: task × learner × seed, and what the learner begins with.

    A learner that begins with a pretrained encoder has a source and a proxy, one that mixes has ``mixing``, a choice
    has candidates; the others have none of these.
    """

    task_name: str
    method_name: str
    seed: int = Field(ge=0, lt=2**32)
    variant: str = Field(default="", description="name of a run with values of its own; none: the plain method")
    protocol: Literal["validated", "paper"]
    environment: str = Field(default=LOCAL, description="Kedro's environment that the run was configured in")
    differs: dict[str, str] = Field(
        default_factory=dict,
        description="env, task, protocol, fold, start, source, proxy and samples, each where it is not the default",
    )
    places: dict[str, str] = Field(
        default_factory=dict, description="folders of raw files, encoder, proxy, model input below their layers of data"
    )
    task: Task
    learner: LearnerConfig
    minutes: PositiveFloat | None = Field(default=None, description="minutes of fitting; none: until it is done")
    training: TrainingConfig
    options: dict[str, Any] = Field(default_factory=dict, description="options of the learner's own")
    member: int = Field(default=0, ge=0, description="number of the training where several are averaged")
    source_name: str | None = None
    proxy_name: str | None = None
    proxy_samples: PositiveInt | None = Field(default=None, description="random samples of the proxy; none: all")
    source: Source | None = Field(default=None, description="pretrained encoder; none: the learner has none")
    proxy: ProxyConfig | None = None
    start_name: Literal["solved", "random"] | None = Field(default=None, description="whether anything is solved first")
    start: StartConfig | None = Field(
        default=None, description="what is solved; none: nothing, also where no start suits the data"
    )
    mixing: MixingConfig | None = None
    alignment: AlignmentConfig | None = None
    folds: int = Field(
        default=1, ge=1, description="parts of the rows on which candidates are compared; 1: the validation rows"
    )
    candidates: list["Run"] = Field(default_factory=list, description="what a choice compares, cheapest first")
    provenance: dict[str, str] = Field(
        description="where each hyperparameter, and a chosen source or protocol, came from"
    )

    @model_validator(mode="after")
    def _symmetries_suit(self) -> "Run":
        task, names = self.task, self.training.symmetries
        grid = task.input.shape[1:]
        if not names:
            return self
        if task.output.kind != "dense" or task.output.shape[1:] != grid:
            raise ValueError(
                f"training.symmetries change a field and the field that is predicted alike, task {self.task_name!r} "
                f"predicts {task.output.kind} of shape {list(task.output.shape)} from {list(task.input.shape)}; set "
                "training.symmetries: []"
            )
        if task.normalisation.inputs in POINT_BY_POINT:
            raise ValueError(
                "a symmetry moves values from point to point, so inputs must be normalised alike at all points; found "
                f"normalisation.inputs: {task.normalisation.inputs}; set it to channel, or training.symmetries: []"
            )
        for name in names:
            if not symmetry_suits(name, grid):
                wanted = {"square": "a square grid", "torus": "a plane"}.get(name, "a line")
                raise ValueError(
                    f"symmetry {name!r} is one of {wanted}, the task has {'×'.join(map(str, grid))} points"
                )
        return self

    @model_validator(mode="after")
    def _augmentation_suits(self) -> "Run":
        if self.learner.is_trained and self.training.augmentation and self.task.kind not in ("image", "series"):
            raise ValueError(
                f"training.augmentation changes images or series and not what is predicted, task {self.task_name!r} is "
                f"{self.task.output.kind} with input.shape {list(self.task.input.shape)}; set training.augmentation: []"
            )
        return self

    @property
    def method_folder(self) -> str:
        """The method as folders and tables call it: ``method`` or ``method-variant``."""
        return f"{self.method_name}-{self.variant}" if self.variant else self.method_name

    @property
    def folder(self) -> str:
        """Where its files are within each layer of ``data``; no other run has files there."""
        return run_folder(self.task_name, self.method_folder, self.seed, self.differs)

    @property
    def label(self) -> str:
        """The method with its variant and all that differs, such as ``pare, source dinov2_small``."""
        return ", ".join(filter(None, [self.method_folder, differing_text(self.differs)]))

    @property
    def title(self) -> str:
        """What figures and messages call the run."""
        return f"{self.task.title}, {self.label}, seed {self.seed}"

    @property
    def params(self) -> str:
        """What ``kedro run --params`` needs to resolve this run again, except for the environment."""
        names = {"task": self.task_name, "method": self.method_name, "seed": self.seed}
        variant = {"variant": self.variant} if self.variant else {}
        values = names | variant | self._choices() | self.overridden
        return ",".join(f"{key}={_typed(value)}" for key, value in values.items())

    @property
    def on_accelerator(self) -> bool:
        """Whether an accelerator speeds it up: it runs a network of torch's."""
        return not self.learner.library

    def command(self, pipeline: str = WHOLE, tag: str = "", predict: str = "") -> str:
        """The whole command that runs a pipeline, or several with commas between them, for this very run.

        Args:
            pipeline: the pipelines.
            tag: the tag of their nodes that are run; none: all nodes.
            predict: a file of new rows, under whatever name; none: there is none.
        """
        pipelines = "" if pipeline == WHOLE else f" --pipelines={pipeline}"
        tags = f" --tags={tag}" if tag else ""
        environment = "" if self.environment == LOCAL else f" --env {self.environment}"
        params = f"{self.params},predict={predict}" if predict else self.params
        return f"kedro run{pipelines}{tags}{environment} --params {quote(params)}"

    def _choices(self) -> dict[str, Any]:
        """Fold, protocol, start and source where the command line named them; the configuration says the rest again."""
        choices: dict[str, Any] = {FOLD: self.task.split.fold} if FOLD in self.differs else {}
        named = {"protocol": self.protocol, "start": self.start_name, "minutes": self.minutes}
        choices |= {key: value for key, value in named.items() if self.provenance.get(key) == COMMAND_LINE}
        if "source" not in self.provenance:
            return choices
        proxy = {"source.proxy": self.proxy_name} if "proxy" in self.differs else {}
        samples = {"source.samples": self.proxy_samples} if self.proxy_samples else {}
        name = "source.name" if proxy or samples else "source"
        return choices | {name: self.source_name} | proxy | samples

    @property
    def metric(self) -> str:
        """Name of the metric under the run's protocol."""
        published = self.task.paper_metric if self.protocol == "paper" else None
        return published or self.task.metric

    @property
    def overridden(self) -> dict[str, Any]:
        """Hyperparameters that the command line set, such as ``{"mixing.start": 0.1}``."""
        values = self.model_dump()
        keys = [key.split(".", 1) for key, origin in self.provenance.items() if origin == COMMAND_LINE and "." in key]
        return {f"{section}.{name}": values[section][name] for section, name in keys if name in values[section]}

    @property
    def encoder_layers(self) -> int | None:
        """Blocks of the encoder that are loaded, the first ones; None: all."""
        return self.start.encoder_layers if self.start else None

    @property
    def grid(self) -> tuple[int, ...]:
        """Tokens along each axis that enter the encoder, and are mixed."""
        if self.start and self.task.kind in ("series", "image"):
            return mosaic_of(self.task).grid
        return (CHOSEN_VALUES,) if self.start and self.task.is_wide else self.task.grid

    @property
    def tokens(self) -> int:
        """Tokens of a sample."""
        return prod(self.grid)

    def decisive(self) -> dict[str, Any]:
        """What of the configuration decides the trained model, as JSON has it; the named files decide as well.

        What is left out, such as titles, how often a training is saved, how its steps are computed, and where a value
        came from, may change without a new training. Minutes are left out too: how much fits into them is a
        measurement. A fit counts them by itself.
        """
        learner = self.learner
        left_out = {"checkpoint_minutes", "compile", "activation_checkpointing", *(["epochs"] if self.minutes else [])}
        training = self.training.model_dump(mode="json", exclude=left_out)
        kept = None if learner.is_network else {*LIBRARY_TRAINING}
        values: dict[str, Any] = {
            **self._decisive_task(),
            "method": learner.model_dump(mode="json", include=METHOD),
            "options": self.options,
            "training": training if kept is None else {key: training[key] for key in sorted(kept)},
        }
        if self.source and self.proxy and not self.candidates:
            proxy = self.proxy.model_dump(mode="json", include={"reader", "labels"})
            stages = {"start": self.start, "mixing": self.mixing, "alignment": self.alignment}
            values |= {
                "encoder": self.source.encoder.decisive(),
                "proxy": {"raw": self.proxy.raw.decisive(), "samples": self.proxy_samples, **proxy},
                **{name: stage and stage.model_dump(mode="json", exclude=RESOLVED) for name, stage in stages.items()},
            }
        if self.candidates:
            candidates = {candidate.method_name: candidate.decisive() for candidate in self.candidates}
            values |= {"folds": self.folds, "candidates": candidates}
        return values

    def _decisive_task(self) -> dict[str, Any]:
        """What of the task, and of how it is split, decides whatever learns it."""
        task = self.task.model_dump(mode="json", include=PREPARED | LEARNT)
        return {
            "task": {"name": self.task_name, "raw": self.task.raw.active.decisive(), **task},
            "seed": self.seed,
            "protocol": self.protocol,
        }


def _typed(value: Any) -> str:
    """A value as YAML, which Kedro reads the command line as."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{','.join(map(_typed, value))}]"
        case _:
            return str(value)


def changed_text(before: Any, now: Any) -> str:
    """The names of the values in which two configurations differ, such as ``training.epochs, seed``; empty if in none.

    Args:
        before: what was recorded; None where an older version of this project recorded nothing.
        now: what is asked for.
    """
    return ", ".join(name or "version of this project" for name in _changed_keys(before, now))


def _changed_keys(before: Any, now: Any, key: str = "") -> list[str]:
    """Dotted names of the values in which two nested dictionaries differ."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [] if before == now else [key]
    below = [(name, before.get(name), now.get(name)) for name in dict.fromkeys([*before, *now])]
    return [found for name, one, other in below for found in _changed_keys(one, other, f"{key}.{name}".lstrip("."))]
