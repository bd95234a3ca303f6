"""The schema of hyperparameters: training, mixing and alignment."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from pare.config.strict import Strict


class TrainingConfig(Strict):
    """How the model is fitted."""

    COMMON: ClassVar = (
        *("epochs", "members", "fraction", "batch_size", "learning_rate", "weight_decay", "optimiser"),
        *("precision", "class_weights", "augmentation", "symmetries"),
    )

    epochs: int = Field(ge=0, description="0: only what is solved")
    members: int = Field(
        default=1, ge=1, description="trainings that differ in what is random, whose predictions are averaged"
    )
    fraction: float = Field(default=1.0, gt=0, le=1, description="random fraction of the training rows used (table 17)")
    batch_size: int = Field(ge=1, description="target samples per batch; as many of the proxy are mixed in")
    learning_rate: float = Field(gt=0, description="greatest rate, after the warm-up")
    weight_decay: float = Field(default=0.0, ge=0)
    optimiser: Literal["AdamW", "Adam", "SGD", "Muon"] = Field(
        default="AdamW", description="Muon: for the kernels of convolutions; AdamW for all else"
    )
    precision: Literal["auto", "no", "bf16", "float32"] = Field(
        default="auto",
        description="no: float32, with TF32 products in the steps on a GPU; float32: without; auto: bf16 where the "
        "hardware has it",
    )
    class_weights: bool = Field(default=False, description="weight classes by their inverse frequency")
    augmentation: list[str] = Field(
        default_factory=list,
        description="random changes of training samples: crop, flip or spectrogram for images, jitter for series",
    )
    symmetries: tuple[Literal["square", "shift", "torus", "reflection"], ...] = Field(
        default=(),
        description="symmetries of the equation, boundary and grid of a field: docs/fields.md",
    )
    member_epochs: int | None = Field(
        default=None,
        ge=1,
        description="with minutes: where two or more trainings of so many epochs fit, at most 8, they are the members; "
        "null: there is one",
    )
    accumulation: int = Field(default=1, ge=1, description="batches per optimiser step")
    new_learning_rate: float | None = Field(
        default=None, gt=0, description="rate of parts that begin random; none: the same"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean gradient")
    square_decay: float = Field(
        default=0.98, ge=0, lt=1, description="decay of the mean of squared gradients; all optimisers but SGD"
    )
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "cosine"
    warmup_epochs: float | None = Field(
        default=1.0, ge=0, description="epochs in which the learning rate rises from 0; null: a tenth of them all"
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout in the encoder, wherever its family has it")
    clip_norm: float | None = Field(default=1.0, gt=0, description="greatest norm of a gradient; none: not clipped")
    positive_weight: float = Field(
        default=1.0, gt=0, description="weight of positive labels; binary cross entropy only"
    )
    average: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="decay of the running average of the weights; 0: no average",
    )
    fixed_norms: float = Field(
        default=0.0, ge=0, le=1, description="last fraction of the epochs, with fixed batch norms"
    )
    differences: float = Field(
        default=0.0, ge=0, description="weight of the loss of differences between neighbouring points of a field"
    )
    beta_target: float = Field(default=1.0, ge=0, description="beta_1 of equation (2)")
    beta_mixed: float = Field(default=1.0, ge=0, description="beta_2 of equation (2)")
    source_weight: float = Field(default=1.0, ge=0, description="scale of L_src in equation (1); the paper: 1")
    compile: bool = Field(default=False, description="compile the steps by torch.compile, which takes a minute or more")
    activation_checkpointing: bool = Field(
        default=False, description="keep less of the encoder in memory, and compute it twice"
    )
    checkpoint_minutes: float = Field(
        default=10.0, gt=0, description="minutes of training that a killed process loses, at most"
    )

    @property
    def warming(self) -> float:
        """Epochs in which the learning rate rises."""
        return self.epochs / 10 if self.warmup_epochs is None else self.warmup_epochs

    @property
    def betas(self) -> tuple[float, float]:
        """Decay of the mean gradient and of its square, as optimisers of torch take them."""
        return self.momentum, self.square_decay

    @property
    def optimiser_options(self) -> dict[str, Any]:
        """Arguments of an optimiser of torch, the learning rate left aside."""
        moments = {"momentum": self.momentum} if self.optimiser == "SGD" else {"betas": self.betas}
        return {"weight_decay": self.weight_decay, **moments}

    @field_validator("precision", mode="before")
    @classmethod
    def _unquoted_no(cls, value: Any) -> Any:
        """YAML and Kedro's command line read an unquoted no as false."""
        return "no" if value is False else value


class MixingConfig(Strict):
    """How source and target tokens are mixed (sections 3.2 and 3.3; tables 4, 5, 6 and 18 for the alternatives)."""

    mixer: str = Field(
        default="replace", description="how tokens are mixed, see pare.learners.networks.mixing.mixers.MIXERS"
    )
    partner: Literal["source", "target", "nothing"] = Field(
        default="source", description="what is mixed in: proxy samples, other target samples, or zeros (a mask)"
    )
    selector: Literal["gate", "random"] = Field(default="gate", description="which tokens are replaced")
    gate: str = Field(
        default="linear", description="how tokens are scored, see pare.learners.networks.models.predictors.GATES"
    )
    curriculum: str = Field(
        default="linear", description="how k falls, see pare.learners.networks.mixing.curriculum.SHAPES"
    )
    start: float = Field(ge=0, le=1, description="fraction of tokens replaced in the first epoch")
    end: float = Field(default=0.0, ge=0, le=1, description="fraction of tokens replaced in the last epoch")
    batches: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="fraction of the batches that are mixed, evenly spaced; others are plain",
    )
    passes: Literal[1, 2] = Field(
        default=2,
        description="passes through the encoder in a mixed step: 2, of target and mixed rows, as in equation (2); 1, "
        "of mixed rows alone, at the cost of a plain step",
    )

    @property
    def gate_takes_source_tokens(self) -> bool:
        """Whether a gate decides which target tokens are replaced by which source tokens (section 3.3)."""
        return (self.mixer, self.partner, self.selector) == ("replace", "source", "gate")


class AlignmentConfig(Strict):
    """How the target embedder is aligned with the source before fine-tuning (first stage of ORCA)."""

    epochs: int = Field(ge=1, description="steps: each epoch makes one, on new samples of every class")
    learning_rate: float | None = Field(
        default=None, gt=0, description="none: ten times the training's where that is at most 0.001, else the same"
    )
    samples: int = Field(ge=2, description="target samples drawn of each class in each epoch")
    source_samples: int = Field(ge=2, description="proxy samples that represent the source")
    regularisation: float = Field(gt=0, description="weight of the entropy of the transport, in squared distances")
    distance: Literal["exact", "gaussian"] = Field(
        default="gaussian", description="how classes are compared in the OTDD that is recorded before and after"
    )
