"""Pretrained encoders that are cut at their first projection: the common base of all families, for text and images.

`embed_source` is the pretrained embedder f^s up to and including that projection, `encode` is everything after it:
positions, normalisation and the encoder g. The tokens that enter `encode` may therefore come from either modality,
and positions belong to the slot. A text encoder's token is a row of its word embedding table, an image encoder's a
projected patch of pixels.
"""

from collections.abc import Sequence
from math import isqrt, prod
from typing import Any, ClassVar

from torch import Tensor, nn

from pare.config.errors import PareError


class Backbone(nn.Module):
    """A pretrained encoder whose tokens may come from elsewhere.

    Attributes:
        dropout_names: keys of the encoder's configuration that `training.dropout` sets, here those of most families;
            none where a family has no dropout. Stochastic depth stays as the checkpoint's configuration has it.
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

    dropout_names: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
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
                "take larger patches (tokens.patch), for a table start=solved, or a method without an encoder"
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


class TokenEntrance(nn.Module):
    """Replaces an encoder's patch embedding, for tokens that were made elsewhere: its patches are single pixels.

    Tokens enter as an image, ``(batch, width, rows, columns)``, so that nothing of a batch is kept on the module, and
    several threads may share it.

    Attributes:
        projection: the pretrained projection of the patch embedding that was replaced, frozen.
        patch_size: pixels of a patch; DINOv2 asks for it when it resizes positions.
    """

    patch_size = (1, 1)

    def __init__(self, projection: nn.Conv2d) -> None:
        super().__init__()
        self.projection = projection.requires_grad_(False)

    def forward(self, pixel_values: Tensor, **_: Any) -> Any:
        """Pixels as tokens, ``(batch, tokens, width)``; a subclass returns what else its family does."""
        return pixel_values.flatten(2).transpose(1, 2)


class ImageBackbone(Backbone):
    """An image encoder whose projection cuts the image into patches that do not overlap.

    A one-dimensional task is folded into the squarest two-dimensional grid of as many tokens.

    Args:
        encoder: the model of transformers.
        grid: tokens along each axis.

    Attributes:
        entrance_class: what replaces the patch embedding.
        patch_embedding: path of the module whose output is the tokens.
        projection: path of the convolution that cuts the image.
        options: keywords of the encoder's forward.
        rectangle: rows and columns of tokens that enter.
        image_size: pixels along each axis that make them.
    """

    entrance_class: ClassVar[type[TokenEntrance]] = TokenEntrance
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
        encoder.set_submodule(self.patch_embedding, self.entrance_class(projection))
        encoder.embeddings.patch_size = 1  # read by families that resize positions
        encoder.embeddings.num_channels = self.width  # read by families that check it
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
        image = tokens.transpose(1, 2).unflatten(2, self.rectangle)
        return self.encoder(pixel_values=image, **self.options, **options)

    def leaving(self, features: Tensor) -> Tensor:
        """The features without a class token, which is the first."""
        return features[:, -prod(self.out_grid) :]

    def remedy(self, edge: int) -> str:
        """What to do about a grid that the family cannot take; one of ``edge`` tokens along each axis would do."""
        if len(self.grid) != 2:  # a table or a line, which cannot be resized
            return "use another source"
        patch = self.entrance.projection.kernel_size[0]
        return f"set tokens.resize={edge * patch} and tokens.patch={patch} in the task, or use another source"


def _squarest(tokens: int) -> tuple[int, int]:
    rows = next(n for n in range(isqrt(tokens), 0, -1) if tokens % n == 0)
    return rows, tokens // rows
