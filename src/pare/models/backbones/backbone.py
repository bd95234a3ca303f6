"""What all families have in common: a pretrained encoder that is cut at its first projection.

`embed_source` is the pretrained embedder f^s up to and including that projection, `encode` is everything after it:
positions, normalisation and the encoder g. The tokens that enter `encode` may therefore come from either modality,
and positions belong to the slot.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from pare.config.errors import PareError


class Backbone(nn.Module):
    """A pretrained encoder whose tokens may come from elsewhere.

    Attributes:
        dropout_names: keys of the encoder's configuration that `training.dropout` sets; none where the family has no
            dropout. Stochastic depth is not among them and stays as the checkpoint's configuration has it.
        older_names: keys of published configurations that the family's class in transformers still understands.
        hierarchical: whether the encoder's stages halve the grid of tokens.
        final_norm: path of the normalisation behind the last block; empty where a block ends with its own.
        encoder: the model of transformers, in single precision.
        grid: tokens along each axis that `encode` takes.
        width: width of a token that enters `encode`.
        out_grid: tokens along each axis that `encode` returns.
        out_width: width of a token that `encode` returns.
        token_grid: the same tokens as the encoder itself sees them; an image encoder folds a line into a rectangle.
    """

    dropout_names: ClassVar[tuple[str, ...]] = ()
    older_names: ClassVar[tuple[str, ...]] = ()
    hierarchical: ClassVar[bool] = False
    final_norm: ClassVar[str] = ""

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
        return self.leaving(self.run_encoder(tokens).last_hidden_state)

    def encode_layers(self, tokens: Tensor, layers: Sequence[int]) -> tuple[Tensor, ...]:
        """What chosen layers of the encoder return, ``(batch, out tokens, out_width)`` each.

        Args:
            tokens: ``(batch, tokens, width)``.
            layers: their numbers, from 1. The last one's features are those of `encode`, with the normalisation that
                some families have behind it; others are as the layer returns them.

        Raises:
            PareError: if there is no such layer, or the layers have grids of their own.
        """
        if self.hierarchical:
            raise PareError(
                f"the layers of an encoder of the family {self.encoder.config.model_type} have grids of different "
                "sizes; use a source whose encoder is not hierarchical, e.g. source=minilm"
            )
        most = self.encoder.config.num_hidden_layers
        if not all(1 <= layer <= most for layer in layers):
            raise PareError(f"layers {list(layers)} were asked for, this encoder has layers 1 to {most}")
        output = self.run_encoder(tokens, output_hidden_states=True)
        states = (*output.hidden_states[:-1], output.last_hidden_state)
        return tuple(self.leaving(states[layer]) for layer in layers)

    def drop_final_norm(self) -> None:
        """Return the last block's features as they are, of an encoder that was loaded with fewer blocks than it has."""
        if self.final_norm:
            self.encoder.set_submodule(self.final_norm, nn.Identity())

    def run_encoder(self, tokens: Tensor, **options: Any) -> Any:
        """Output of the model of transformers for tokens ``(batch, tokens, width)``, with options of its forward."""
        raise NotImplementedError  # abstract

    def leaving(self, features: Tensor) -> Tensor:
        """Features as the family returns them to ``(batch, out tokens, out_width)``, without a class token."""
        return features
