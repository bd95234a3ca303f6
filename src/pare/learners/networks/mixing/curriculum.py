"""How many tokens are replaced in each epoch (paper, section 3.2, table 4 and appendix A.2.6).

The paper names four shapes besides the linear one without formulas; those used here are given with each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

import numpy as np

STAGES = 4  # stages of the piecewise curriculum
EARLY = 1 / 3  # part of the epochs in which the early one reaches its end; not in the paper
DECAY = 5.0  # rate of the exponential one: after a fifth of the epochs 36 % of the way remains


def _exponential(progress: float, _: np.random.Generator) -> float:
    return (1 - exp(-DECAY * progress)) / (1 - exp(-DECAY))


# What part of the way from start to end is done, from the progress of the training, 0 to 1, and the epoch's generator.
# The last two are the paper's non-gradual strategies.
SHAPES: dict[str, Callable[[float, np.random.Generator], float]] = {
    "linear": lambda progress, _: progress,
    "piecewise": lambda progress, _: min(int(progress * STAGES), STAGES - 1) / (STAGES - 1),
    "exponential": _exponential,  # fast at first
    "early": lambda progress, _: min(1.0, progress / EARLY),  # linear, and then the end for most of the epochs
    "constant": lambda *_: 0.0,  # always the start
    "random": lambda _, rng: rng.random(),  # any share between end and start
}


@dataclass(frozen=True)
class Curriculum:
    """The replaced share of the tokens, from the first epoch to the last.

    It is a share because encoders differ in their number of tokens. In the paper it falls from 3000 of 3136 tokens to 0
    in 60 epochs.

    Attributes:
        start: share replaced in the first epoch, in 0..1.
        end: share replaced in the last epoch, in 0..1.
        epochs: number of epochs; a single epoch uses ``start``, otherwise nothing would be mixed.
        shape: a key of `SHAPES`.
        seed: seed of the shape ``random``.

    Raises:
        ValueError: if a share lies outside 0..1, there is no epoch, or the shape is unknown.
    """

    start: float = 3000 / 3136
    end: float = 0.0
    epochs: int = 60
    shape: str = "linear"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that would give an impossible number of tokens."""
        if not (0 <= self.start <= 1 and 0 <= self.end <= 1):
            raise ValueError(f"start={self.start} and end={self.end} are shares of the tokens; both must lie in 0..1")
        if self.epochs < 1:
            raise ValueError(f"epochs={self.epochs}; a curriculum needs at least one epoch")
        if self.shape not in SHAPES:
            raise ValueError(f"shape={self.shape!r} is unknown; expected one of {', '.join(SHAPES)}")

    def tokens(self, epoch: int, n_tokens: int) -> int:
        """Number of tokens to replace in an epoch: the k of ``replace_patches``.

        Args:
            epoch: counted from 0.
            n_tokens: tokens of one sample.

        Returns:
            The share of this epoch times ``n_tokens``, rounded to the nearest whole number (a half to the even one).

        Raises:
            ValueError: if the epoch does not exist.
        """
        if not 0 <= epoch < self.epochs:
            raise ValueError(f"epoch={epoch} of a curriculum of {self.epochs} epochs; expected 0..{self.epochs - 1}")
        way = SHAPES[self.shape](epoch / max(self.epochs - 1, 1), np.random.default_rng([self.seed, epoch]))
        return round(n_tokens * (self.start + way * (self.end - self.start)))
