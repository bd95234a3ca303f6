"""What all families have in common: a pretrained encoder that is cut at its first projection.

`embed_source` is the pretrained embedder f^s up to and including that projection, `encode` is everything after it:
positions, normalisation and the encoder g. The tokens that enter `encode` may therefore come from either modality,
and positions belong to the slot.
"""

from typing import Any, ClassVar

from torch import Tensor, nn


class Backbone(nn.Module):
    """A pretrained encoder whose tokens may come from elsewhere.

    Attributes:
        dropout_names: keys of the encoder's configuration that `training.dropout` sets; none where the family has no
            dropout. Stochastic depth is not among them and stays as the checkpoint's configuration has it.
        encoder: the model of transformers, in single precision.
        grid: tokens along each axis that `encode` takes.
        width: width of a token that enters `encode`.
        out_grid: tokens along each axis that `encode` returns.
        out_width: width of a token that `encode` returns.
        token_grid: the same tokens as the encoder itself sees them; an image encoder folds a line into a rectangle.
    """

    dropout_names: ClassVar[tuple[str, ...]] = ()

    encoder: Any
    grid: tuple[int, ...]
    width: int
    out_grid: tuple[int, ...]
    out_width: int
    token_grid: tuple[int, ...]

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Pretrained embedder f^s: source samples to tokens, ``(batch, tokens, width)``."""
        raise NotImplementedError  # abstract

    def encode(self, tokens: Tensor) -> Tensor:
        """Encoder g: ``(batch, tokens, width)`` to ``(batch, out tokens, out_width)``."""
        raise NotImplementedError  # abstract
