"""ConvNeXt V2 (Woo et al., 2023)."""

from typing import Any, ClassVar

from torch import Tensor, nn

from pare.config.errors import PareError
from pare.models.backbones.image import ImageBackbone


class ConvNextV2Backbone(ImageBackbone):
    """Convolutions only, without positions or dropout; every stage but the first halves the grid.

    Raises:
        PareError: if the grid cannot be halved so often; the last rows would be cut off.
    """

    projection: ClassVar[str] = "embeddings.patch_embeddings"
    hierarchical: ClassVar[bool] = True

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__(encoder, grid)
        rows, columns = self.rectangle
        self.out_width = encoder.config.hidden_sizes[-1]
        halving = 2 ** (len(encoder.config.depths) - 1)
        if rows % halving or columns % halving:
            edge = -(-max(rows, columns) // halving) * halving
            raise PareError(
                f"this ConvNeXt V2 needs a multiple of {halving} tokens along each axis, the task makes "
                f"{rows}×{columns}; {self.remedy(edge)}"
            )
        self.out_grid = self.token_grid = (rows // halving, columns // halving)
        encoder.layernorm = nn.Identity()  # of the pooled feature; the predictors pool for themselves

    def entering(self, tokens: Tensor) -> Any:
        """Tokens as an image of as many channels as a token is wide."""
        return tokens.transpose(1, 2).unflatten(2, self.rectangle)

    def leaving(self, features: Tensor) -> Tensor:
        """Pixels of the feature map as tokens."""
        return features.flatten(2).transpose(1, 2)
