"""How many tokens are replaced in each epoch (paper, section 3.2 and appendix A.2.6)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Curriculum:
    """The replaced share of the tokens, falling linearly from the first epoch to the last.

    A share and not a number, because encoders differ in their number of tokens; the paper's 3000 of 3136 tokens
    become 0 over 60 epochs.

    Attributes:
        start: share replaced in the first epoch, in 0..1.
        end: share replaced in the last epoch, in 0..1.
        epochs: number of epochs; a single one is a first epoch and uses ``start``, else nothing would be mixed.

    Raises:
        ValueError: if a share lies outside 0..1 or there is no epoch.
    """

    start: float = 3000 / 3136
    end: float = 0.0
    epochs: int = 60

    def __post_init__(self) -> None:
        """Refuse values that would give an impossible number of tokens."""
        if not (0 <= self.start <= 1 and 0 <= self.end <= 1):
            raise ValueError(f"start={self.start} and end={self.end} are shares of the tokens; both must lie in 0..1")
        if self.epochs < 1:
            raise ValueError(f"epochs={self.epochs}; a curriculum needs at least one epoch")

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
        progress = epoch / max(self.epochs - 1, 1)
        return round(n_tokens * (self.start + progress * (self.end - self.start)))
