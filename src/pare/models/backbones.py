"""Pretrained encoders of three families behind one small interface (paper, section 3.1).

A backbone cuts a pretrained transformer at its first projection: `embed_source` is the pretrained embedder
f^s up to and including that projection, `encode` is everything after it: positions, normalisation and the
encoder g. What enters `encode` may therefore come from either modality, and positions belong to the slot.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt, prod
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from pare.config.errors import PareError

IMAGE_FAMILIES = ("vit", "dinov2", "swin")
TEXT_FAMILIES = ("bert", "roberta")


class Backbone(nn.Module):
    """A pretrained transformer whose tokens may come from elsewhere.

    Attributes:
        grid: tokens along each axis that `encode` takes.
        width: width of a token that enters `encode`.
        out_grid: tokens along each axis that `encode` returns.
        out_width: width of a token that `encode` returns.
        token_grid: the same tokens as the encoder itself sees them; an image encoder folds a line into a rectangle.
    """

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


class TextBackbone(Backbone):
    """BERT and RoBERTa: a token is a row of the word embedding table."""

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__()
        config = encoder.config
        most = config.max_position_embeddings - (config.pad_token_id + 1 if config.model_type == "roberta" else 0)
        if prod(grid) > most:
            raise PareError(
                f"the task makes {prod(grid)} tokens, {config.model_type} has positions for {most}; "
                "use larger patches (tokens.patch) or another source"
            )
        self.encoder = encoder
        self.grid = self.out_grid = self.token_grid = grid
        self.width = self.out_width = config.hidden_size
        encoder.embeddings.word_embeddings.requires_grad_(False)

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Word embeddings of token ids, ``(batch, tokens)``."""
        return self.encoder.embeddings.word_embeddings(inputs)

    def encode(self, tokens: Tensor) -> Tensor:
        """Add positions and token type, normalise, encode."""
        return self.encoder(inputs_embeds=tokens).last_hidden_state


class TokenEntrance(nn.Module):
    """Stands where the patch embedding stood and passes on tokens that were made elsewhere."""

    def __init__(self, patch_embeddings: Any, grid: tuple[int, int], *, with_grid: bool) -> None:
        super().__init__()
        self.projection = patch_embeddings.projection
        self.projection.requires_grad_(False)
        self.patch_size = patch_embeddings.patch_size  # DINOv2 asks for it when it resizes positions
        self.grid, self.with_grid = grid, with_grid
        self.tokens: Tensor | None = None

    def forward(self, pixel_values: Tensor, **_: Any) -> Any:
        """Return the tokens that wait here; the pixels only told the model the image size."""
        return (self.tokens, self.grid) if self.with_grid else self.tokens


class ImageBackbone(Backbone):
    """ViT, DINOv2 and Swin: a token is a projected patch of pixels.

    A one-dimensional task is folded into the squarest two-dimensional grid of as many tokens.
    """

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__()
        config = encoder.config
        swin = config.model_type == "swin"
        rows, columns = grid if len(grid) == 2 else _squarest(prod(grid))
        self.encoder = encoder
        self.grid = grid
        self.width = config.embed_dim if swin else config.hidden_size
        self.out_width = config.hidden_size
        self.image_size = (rows * config.patch_size, columns * config.patch_size)
        stages = len(config.depths) - 1 if swin else 0
        self.out_grid = tuple(_halved(n, stages) for n in (rows, columns)) if swin else grid
        if swin and min(self.out_grid) < config.window_size:
            edge = config.window_size * 2**stages
            raise PareError(
                f"this Swin needs at least {edge} tokens along each axis, the task makes {rows}×{columns}; "
                f"set tokens.resize={edge * config.patch_size} and tokens.patch={config.patch_size} in the task"
            )
        self.token_grid = self.out_grid if swin else (rows, columns)
        encoder.embeddings.patch_embeddings = TokenEntrance(
            encoder.embeddings.patch_embeddings, (rows, columns), with_grid=swin
        )
        if getattr(encoder.embeddings, "mask_token", None) is not None:
            encoder.embeddings.mask_token.requires_grad_(False)
        self.resizes_positions = config.model_type == "vit"

    @property
    def entrance(self) -> TokenEntrance:
        """Where tokens enter; a property, so that its weights stand in the state once."""
        return self.encoder.embeddings.patch_embeddings

    def embed_source(self, inputs: Tensor) -> Tensor:
        """Projected patches of normalised images, ``(batch, 3, *image_size)``."""
        return self.entrance.projection(inputs).flatten(2).transpose(1, 2)

    def encode(self, tokens: Tensor) -> Tensor:
        """Add (interpolated) positions where the family has them, encode, leave out the class token."""
        blank = tokens.new_zeros(()).expand(len(tokens), 3, *self.image_size)
        self.entrance.tokens = tokens
        options = {"interpolate_pos_encoding": True} if self.resizes_positions else {}
        features = self.encoder(pixel_values=blank, **options).last_hidden_state
        self.entrance.tokens = None
        return features[:, -prod(self.out_grid) :]


def load_backbone(
    folder: Path,
    grid: tuple[int, ...],
    initialisation: Literal["pretrained", "random"] = "pretrained",
    *,
    dropout: float = 0.0,
) -> Backbone:
    """Load a Hugging Face model folder, without a network.

    Args:
        folder: ``config.json`` and, for pretrained weights, ``model.safetensors``.
        grid: tokens along each axis.
        initialisation: pretrained weights, or the same network from random ones (torch's seed).
        dropout: probability for hidden and attention dropout.

    Raises:
        PareError: where the folder is no model, its family is not known, or the grid does not fit.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # OSError, ValueError, or huggingface_hub's own for a value of the wrong type
        raise PareError(
            f"{folder} holds no Hugging Face model ({error}); run `kedro run --pipelines=ingest`"
        ) from error
    if config.model_type not in IMAGE_FAMILIES + TEXT_FAMILIES:
        raise PareError(
            f"{folder} holds a model of type {config.model_type!r}; "
            f"known families: {', '.join(IMAGE_FAMILIES + TEXT_FAMILIES)}"
        )
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = dropout
    encoder = _pretrained(folder, config) if initialisation == "pretrained" else _random(folder, config)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # the predictors pool for themselves
    encoder = encoder.float()
    return TextBackbone(encoder, grid) if config.model_type in TEXT_FAMILIES else ImageBackbone(encoder, grid)


def _pretrained(folder: Path, config: Any) -> Any:
    try:
        with _no_progress_bar():
            encoder, report = AutoModel.from_pretrained(
                folder, config=config, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except Exception as error:  # SafetensorError derives from nothing else
        raise PareError(
            f"the weights in {folder} cannot be read ({error}); delete the folder and ingest again"
        ) from error
    missing = [key for key in report["missing_keys"] if not key.startswith("pooler")]
    if missing:
        raise PareError(f"{folder} lacks weights: {', '.join(sorted(missing)[:5])}; a whole checkpoint was expected")
    return encoder


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Reading a file of some megabytes needs no bar of its own."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _random(folder: Path, config: Any) -> Any:
    try:
        return AutoModel.from_config(config)
    except ValueError as error:
        raise PareError(
            f"{folder}/config.json describes no network ({error}); delete the folder and ingest again"
        ) from error


def _squarest(tokens: int) -> tuple[int, int]:
    rows = next(n for n in range(isqrt(tokens), 0, -1) if tokens % n == 0)
    return rows, tokens // rows


def _halved(n: int, times: int) -> int:
    for _ in range(times):
        n = -(-n // 2)
    return n
