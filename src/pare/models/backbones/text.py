"""Text encoders: a token is a row of the word embedding table."""

from math import prod
from typing import Any

from torch import Tensor

from pare.config.errors import PareError
from pare.models.backbones.backbone import Backbone


class TextBackbone(Backbone):
    """A text encoder; tokens enter as its ``inputs_embeds``.

    Args:
        encoder: the model of transformers.
        grid: tokens along each axis; the encoder reads them row by row.

    Raises:
        PareError: if there are more tokens than positions.
    """

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__()
        most = self.positions(encoder.config)
        if prod(grid) > most:
            raise PareError(
                f"the task makes {prod(grid)} tokens, {encoder.config.model_type} has positions for {most}; "
                "use larger patches (tokens.patch) or another source"
            )
        self.encoder = encoder
        self.grid = self.out_grid = self.token_grid = grid
        self.width = self.out_width = encoder.config.hidden_size
        encoder.get_input_embeddings().requires_grad_(False)

    @staticmethod
    def positions(config: Any) -> int:
        """How many tokens the encoder has positions for."""
        return config.max_position_embeddings

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Word embeddings of token ids, ``(batch, tokens)``."""
        return self.encoder.get_input_embeddings()(inputs)

    def run_encoder(self, tokens: Tensor, **options: Any) -> Any:
        """Add what the family adds to words, such as positions, normalise, encode."""
        return self.encoder(inputs_embeds=tokens, **options)
