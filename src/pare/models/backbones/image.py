"""Image encoders: a token is a projected patch of pixels."""

from math import isqrt, prod
from typing import Any, ClassVar

from torch import Tensor, nn

from pare.models.backbones.backbone import Backbone


class TokenEntrance(nn.Module):
    """Replaces an encoder's patch embedding and passes on tokens that were made elsewhere.

    Attributes:
        projection: the pretrained projection of the patch embedding that was replaced, frozen.
        patch_size: that of the patch embedding; DINOv2 asks for it when it resizes positions.
        tokens: what the next forward returns, in the form that the family's patch embedding returns.
    """

    def __init__(self, projection: nn.Conv2d) -> None:
        super().__init__()
        self.projection = projection.requires_grad_(False)
        self.patch_size = projection.kernel_size
        self.tokens: Any = None

    def forward(self, pixel_values: Tensor, **_: Any) -> Any:
        """Return the tokens; the pixels only tell the model the size of the image."""
        return self.tokens


class ImageBackbone(Backbone):
    """An image encoder whose projection cuts the image into patches that do not overlap.

    A one-dimensional task is folded into the squarest two-dimensional grid of as many tokens.

    Args:
        encoder: the model of transformers.
        grid: tokens along each axis.

    Attributes:
        patch_embedding: path of the module whose output is the tokens.
        projection: path of the convolution that cuts the image.
        options: keywords of the encoder's forward.
        rectangle: rows and columns of tokens that enter.
        image_size: pixels along each axis that make them.
    """

    patch_embedding: ClassVar[str] = "embeddings.patch_embeddings"
    projection: ClassVar[str] = "embeddings.patch_embeddings.projection"
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__()
        projection = encoder.get_submodule(self.projection)
        rows, columns = grid if len(grid) == 2 else _squarest(prod(grid))
        self.encoder = encoder
        self.grid = self.out_grid = grid
        self.rectangle = self.token_grid = rows, columns
        self.width = self.out_width = projection.out_channels
        self.image_size = (rows * projection.kernel_size[0], columns * projection.kernel_size[1])
        encoder.set_submodule(self.patch_embedding, TokenEntrance(projection))
        if getattr(encoder.embeddings, "mask_token", None) is not None:
            encoder.embeddings.mask_token.requires_grad_(False)

    @property
    def entrance(self) -> TokenEntrance:
        """Where tokens enter; a property, so that the state holds its weights once."""
        return self.encoder.get_submodule(self.patch_embedding)

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Projected patches of normalised images, ``(batch, 3, *image_size)``."""
        return self.entrance.projection(inputs).flatten(2).transpose(1, 2)

    def run_encoder(self, tokens: Tensor, **options: Any) -> Any:
        """Add (interpolated) positions where the family has them, encode."""
        blank = tokens.new_zeros(()).expand(tokens.shape[0], 3, *self.image_size)
        self.entrance.tokens = self.entering(tokens)
        output = self.encoder(pixel_values=blank, **self.options, **options)
        self.entrance.tokens = None
        return output

    def entering(self, tokens: Tensor) -> Any:
        """Tokens ``(batch, tokens, width)`` in the form that the family's patch embedding returns."""
        return tokens

    def leaving(self, features: Tensor) -> Tensor:
        """The features without a class token, which is the first."""
        return features[:, -prod(self.out_grid) :]

    def remedy(self, edge: int) -> str:
        """What to do about a grid that the family cannot take; one of ``edge`` tokens along each axis would do."""
        if len(self.grid) != 2:  # a table or a line, which cannot be resized
            return "use another source"
        patch = self.entrance.patch_size[0]
        return f"set tokens.resize={edge * patch} and tokens.patch={patch} in the task, or use another source"


def _squarest(tokens: int) -> tuple[int, int]:
    rows = next(n for n in range(isqrt(tokens), 0, -1) if tokens % n == 0)
    return rows, tokens // rows
