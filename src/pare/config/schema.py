"""The schema of tasks, sources, proxies, starts and learners."""

from bisect import bisect_left
from collections.abc import Sequence
from math import prod
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pare.config.hyperparameters import AlignmentConfig, MixingConfig
from pare.config.raw import OWN_FILES, RawConfig, RawOrigins
from pare.config.split import SplitConfig
from pare.config.strict import Strict


class ReaderConfig(Strict):
    """Which reader turns the raw files into arrays."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class InputConfig(Strict):
    """One input sample as the model sees it."""

    shape: tuple[PositiveInt, ...] = Field(
        description="(channels, *grid) for fields and images, (features,) for tables"
    )
    channels: list[str] = Field(default_factory=list, description="names of the channels")
    compress: bool = Field(default=False, description="store compressed, where padding dominates; slower to read")


class OutputConfig(Strict):
    """What is predicted: one class of several, any of several labels, numbers, or a field."""

    kind: Literal["classification", "multilabel", "regression", "dense"]
    shape: tuple[PositiveInt, ...] = Field(
        description="(classes,), (labels,), (numbers,), or (channels, *grid) for a field"
    )
    name: str = Field(default="", description="what is predicted; with commas, one name for each number or channel")

    def names(self, unnamed: str) -> list[str]:
        """A name for each number, label or channel; where there is one for all, they are counted.

        Args:
            unnamed: the name where the task gives none.
        """
        count, name = self.shape[0], self.name or unnamed
        names = [name] if count == 1 else [part.strip() for part in name.split(",")]
        return names if len(names) == count else [f"{name} {i + 1}" for i in range(count)]


class TokensConfig(Strict):
    """How a sample is cut into tokens: one a feature, or one a patch of the grid."""

    kind: Literal["feature", "patch"]
    patch: int = Field(default=1, ge=1, description="edge of a patch in grid points")
    resize: int | None = Field(default=None, ge=1, description="edge to which the grid is resized first")


class NormalisationConfig(Strict):
    """Statistics of the training rows that scale inputs and outputs."""

    inputs: Literal["none", "pointwise", "feature", "channel"] = Field(
        default="none", description="channel: one mean and one standard deviation per channel of a field"
    )
    outputs: Literal["none", "pointwise"] = "none"
    coordinates: bool = Field(default=False, description="append one channel per grid axis, from 0 to 1")


DEFAULTS = {
    "classification": {"loss": "cross_entropy", "metric": "error_percent"},
    "multilabel": {"loss": "binary_cross_entropy", "metric": "one_minus_auroc"},
    "regression": {"loss": "mse", "metric": "rmse"},
    "dense": {"loss": "relative_l2", "metric": "relative_l2"},
}
SHARES = ("relative_l2", "nrmse")  # losses and metrics that are a share of the size of a field
TOKENS = 64  # about so many make a sample, where the task does not say how large a patch is
MOST_COLUMNS = 512  # columns of a table, each a token; MiniLM has as many positions
FIELD_TOKENS = 16  # tokens of a field, to which convolutions lead
TEST_SHARE = 0.2


def default_patch(grid: Sequence[int], tokens: int = TOKENS) -> int:
    """Edge of the patches that cut a grid into about as many tokens; 1 where the grid has fewer points."""

    def count(patch: int) -> int:
        return prod(-(-n // patch) for n in grid)

    few = bisect_left(range(1, max(grid) + 1), -tokens, key=lambda patch: -count(patch)) + 1  # count falls with patch
    many = max(few - 1, 1)
    return many if count(many) / tokens < tokens / count(few) else few


def even_patch(grid: Sequence[int]) -> int:
    """The same for fields, whose patches convolutions halve: a multiple of 8, or of 2 where patches are small."""
    patch = default_patch(grid, FIELD_TOKENS)
    step = 8 if patch >= 6 else 2
    return max(step, step * round(patch / step))


Kind = Literal["table", "series", "image", "field"]


class Task(Strict):
    """What is to be learnt."""

    title: str
    suite: str = "own data"
    description: str = ""
    raw: RawOrigins
    reader: ReaderConfig
    samples: dict[Literal["train", "validation", "test", "all"], PositiveInt] = Field(
        description="rows used of each publisher's part"
    )
    input: InputConfig
    output: OutputConfig
    tokens: TokensConfig
    split: SplitConfig = SplitConfig()
    normalisation: NormalisationConfig = NormalisationConfig()
    loss: str
    metric: str
    paper_metric: str | None = Field(default=None, description="metric of protocol paper where it is another one")
    average_groups: bool = Field(
        default=False,
        description="score one mean prediction a group, such as a clip cut into chunks; validation scores each row",
    )
    source: str | None = Field(default=None, description="encoder; none: the one that suits the kind of data")
    proxy: str | None = Field(default=None, description="proxy dataset; none: the source's own")
    training: dict[str, Any] = Field(default_factory=dict)
    mixing: dict[str, Any] = Field(default_factory=dict)
    alignment: dict[str, Any] = Field(default_factory=dict)
    paper: dict[str, float] = Field(default_factory=dict, description="the paper's figure per method")

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_kind(cls, values: Any) -> Any:
        """Defaults that follow from the data; a section that the task gives is not changed."""
        if not isinstance(values, dict):
            return values
        kind, shape = (_key(values.get(name), key) for name, key in (("output", "kind"), ("input", "shape")))
        rows, split = values.get("samples"), values.get("split", {})
        defaults: dict[str, Any] = DEFAULTS.get(str(kind), {}) | {"tokens": default_tokens(kind, shape)}
        if _key(values.get("raw"), "files") or _key(values.get("raw"), "origin") == OWN_FILES:
            # Published data are not changed, unless the task says otherwise.
            defaults["normalisation"] = own_normalisation(kind, shape)
        if isinstance(rows, dict) and "all" in rows and isinstance(split, dict) and "test" not in split:
            stratified = kind == "classification" and not split.get("ordered")
            values = values | {"split": {"test": TEST_SHARE, "stratified": stratified} | split}
        return defaults | values

    @model_validator(mode="after")
    def _shapes_agree(self) -> "Task":
        if self.tokens.kind == "feature" and len(self.input.shape) != 1:
            raise ValueError(f"one token per feature needs input.shape [features], found {list(self.input.shape)}")
        if self.tokens.kind == "patch" and len(self.input.shape) < 2:
            raise ValueError(f"patches need input.shape [channels, …grid], found {list(self.input.shape)}")
        if self.tokens.kind == "feature" and self.normalisation.coordinates:
            raise ValueError("normalisation.coordinates needs a grid, found one token per feature")
        if self.output.kind != "dense" and len(self.output.shape) != 1:
            raise ValueError(f"{self.output.kind} needs output.shape [number], found {list(self.output.shape)}")
        if self.output.kind == "dense" and self.tokens.kind == "feature":
            raise ValueError("a field is predicted from patches, found one token per feature")
        if self.output.kind == "dense" and len(self.output.shape) != len(self.input.shape):
            raise ValueError(f"a field has the axes of the input, found {list(self.output.shape)}")
        if self.average_groups and self.output.kind == "dense":
            raise ValueError("average_groups averages labels, classes or numbers, found a field; set it to false")
        if set(self.samples) not in ({"train", "test"}, {"train", "validation", "test"}, {"all"}):
            raise ValueError(
                f"samples must name train and test, perhaps validation, or all; found {sorted(self.samples)}"
            )
        if ("all" in self.samples) != (self.split.test is not None):
            raise ValueError("split.test is needed exactly where samples names 'all'")
        if self.split.fold and "all" not in self.samples:
            raise ValueError(f"split.fold is one of all rows, samples names {', '.join(self.samples)}")
        return self

    @property
    def grid(self) -> tuple[int, ...]:
        """Tokens along each axis."""
        if self.tokens.kind == "feature":
            return self.input.shape
        edges = [self.tokens.resize or n for n in self.input.shape[1:]]
        return tuple(-(-n // self.tokens.patch) for n in edges)

    @property
    def kind(self) -> Kind:
        """Kind of the data: a table, series, images, or fields of which another field is predicted."""
        if self.output.kind == "dense":
            return "field"
        return ("table", "series", "image")[min(len(self.input.shape), 3) - 1]

    @property
    def is_wide(self) -> bool:
        """Whether it is a table of more columns than enter an encoder together."""
        return self.kind == "table" and self.input.shape[0] > MOST_COLUMNS

    @property
    def keeps_equal_rows_together(self) -> bool:
        """Whether rows of equal inputs stay in one part; those of published data are divided as the publisher does."""
        said = self.split.equal_rows or ("together" if self.raw.origin == OWN_FILES else "apart")
        return said == "together" and not self.split.ordered

    @property
    def compares_values(self) -> bool:
        """Whether the loss compares what is predicted with the target itself, and not logits with labels."""
        return not self.loss.endswith("cross_entropy")

    @property
    def compares_shares(self) -> bool:
        """Whether the loss of a row is its error as a share of the size of its target."""
        return self.loss in SHARES

    @property
    def classes(self) -> int | None:
        """Number of classes; None where no class is predicted."""
        return self.output.shape[0] if self.output.kind == "classification" else None

    @property
    def n_test(self) -> int:
        """Test rows."""
        if "test" in self.samples:
            return self.samples["test"]
        fold = self.split.fold
        return self.samples["all"] // fold.folds if fold else round(self.samples["all"] * (self.split.test or 0))

    @property
    def n_development(self) -> int:
        """Rows for training and validation together."""
        if "all" in self.samples:
            return self.samples["all"] - self.n_test
        return self.samples["train"] + self.samples.get("validation", 0)

    def n_validation(self, protocol: str) -> int:
        """Rows of the validation part under a protocol."""
        if protocol != "validated":
            return 0
        return self.samples.get("validation", max(1, round(self.n_development * self.split.validation)))

    def n_training(self, protocol: str, fraction: float) -> int:
        """Rows of the training part under a protocol, or a fraction of them: at least one."""
        return max(1, round((self.n_development - self.n_validation(protocol)) * fraction))


def _key(section: Any, name: str) -> Any:
    """A value of YAML that was not checked yet."""
    return section.get(name) if isinstance(section, dict) else None


def _is_grid(shape: Any) -> bool:
    """Whether this is the shape of a field, ``[channels, …grid]``."""
    return isinstance(shape, (list, tuple)) and len(shape) > 1 and all(isinstance(n, int) and n > 0 for n in shape)


def own_normalisation(kind: Any, shape: Any) -> dict[str, str]:
    """How own files are normalised where the task says nothing, by kind of the output and shape of the input."""
    inputs = "channel" if _is_grid(shape) else "feature"
    return {"inputs": inputs, "outputs": "pointwise" if kind in ("regression", "dense") else "none"}


def default_tokens(kind: Any, shape: Any) -> dict[str, Any]:
    """The tokens of a task that names none, by kind of the output and shape of the input."""
    if not _is_grid(shape):
        return {"kind": "feature"}
    return {"kind": "patch", "patch": (even_patch if kind == "dense" else default_patch)(shape[1:])}


class ProxyConfig(Strict):
    """A labelled dataset of the encoder's own modality."""

    title: str
    raw: RawConfig
    reader: str = Field(description="name of the function that opens the files, see pare.data.proxies")
    labels: Literal["classes", "mask"] = Field(description="what the source predictor learns")


class EncoderSize(Strict):
    """Facts that price a run before the encoder is loaded."""

    width: int
    layers: int
    parameters: int = Field(description="parameters that every token passes")
    stages: int = Field(
        default=1, description="4 for Swin and ConvNeXt V2, whose stages halve the grid and double the width"
    )


class Source(Strict):
    """What is already known: a pretrained encoder, and proxy datasets of its modality."""

    title: str
    encoder: RawConfig
    size: EncoderSize
    proxy: dict[Literal["classification", "dense"], str] = Field(description="proxy per kind of target output")


class StartConfig(Strict):
    """What is solved before anything is trained: linear heads on features of the pretrained encoder."""

    source: str = Field(description="encoder for this kind of data, unless task or command line name another")
    layers: list[PositiveInt] = Field(min_length=1, description="blocks of the encoder that are read, from 1")
    scalings: list[Literal["standard", "normal", "robust"]] = Field(
        default=["standard"], description="how the numbers of a table are scaled; each way has heads of its own"
    )
    kernels: bool = Field(
        default=False,
        description="whether fixed convolutions of a series, or similarities of a row to training rows, have a head",
    )
    points: bool = Field(default=False, description="whether the points of a series have a head")
    frequencies: int = Field(
        default=0, ge=0, description="frequencies of Fourier layers, for fields on a line without ends; 0: convolutions"
    )
    minutes: PositiveFloat | None = Field(default=None, description="minutes of the training that follows")
    training: dict[str, Any] = Field(default_factory=dict, description="defaults of the training that follows")
    mixing: dict[str, Any] = Field(
        default_factory=dict, description="defaults of what it mixes, where its method mixes"
    )

    @property
    def encoder_layers(self) -> int:
        """Blocks of the encoder that are loaded, the first ones."""
        return max(self.layers)


LearnerKind = Literal["transformer", "network", "library", "choice"]
# What learns, by kind: `module:class` below pare.learners; imported when it is used.
LEARNERS: dict[LearnerKind, str] = {
    "transformer": "networks.transformer:TransformerLearner",
    "network": "networks.operators:OperatorLearner",
    "library": "libraries.library_learner:LibraryLearner",
    "choice": "choice.choose:ChoiceLearner",
}


class Candidates(Strict):
    """What is compared for a kind of data, and how."""

    folds: int = Field(ge=1, description="parts of training and validation rows; 1: the validation rows are held out")
    methods: list[str] = Field(min_length=1, description="names of learners, cheapest first")
    periodic: list[str] = Field(default_factory=list, description="those that only suit fields on grids without ends")


class LearnerConfig(Strict):
    """What learns a task: a network around a pretrained encoder, another network, a library's model, or a choice."""

    title: str
    paper: str = Field(description="where the paper has it")
    description: str = ""
    library: str = Field(
        default="", description="module:name of a library's model, below pare.learners.libraries; none: a network"
    )
    network: str = Field(
        default="", description="module:name of a network without an encoder, below pare.learners.networks"
    )
    candidates: dict[Kind, Candidates] = Field(
        default_factory=dict, description="what is compared, by kind of data, where the best of several is selected"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="options of its own")
    minutes: PositiveFloat | None = Field(default=None, description="minutes of fitting; none: until it is done")
    initialisation: Literal["pretrained", "random"] = "pretrained"
    trainable: Literal["all", "layernorm"] = "all"
    mixing: MixingConfig | None = None
    alignment: AlignmentConfig | None = None
    training: dict[str, Any] = Field(default_factory=dict)
    rows: PositiveInt | None = Field(
        default=None, description="training rows that suit it in a choice, at most; none: any number"
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> "LearnerConfig":
        if sum(map(bool, (self.library, self.network, self.candidates))) > 1:
            raise ValueError("a learner names one of library, network and candidates; keep one of them")
        return self

    @property
    def kind(self) -> LearnerKind:
        """What it is: a network around a pretrained encoder, another network, a library's model, or a choice."""
        if self.candidates:
            return "choice"
        return "library" if self.library else "network" if self.network else "transformer"

    @property
    def is_network(self) -> bool:
        """Whether it is a network, which may have an accelerator, or several."""
        return self.kind in ("transformer", "network")

    @property
    def is_trained(self) -> bool:
        """Whether a network is trained in epochs; a probe is a network that is not."""
        return self.is_network and self.training.get("epochs") != 0
