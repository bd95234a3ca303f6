"""Families of encoders, each listed in `FAMILIES` by the ``model_type`` of its Hugging Face configuration."""

from typing import Any, ClassVar

from torch import Tensor, nn

from pare.config.errors import PareError
from pare.learners.networks.models.backbones.backbone import ImageBackbone, TextBackbone, TokenEntrance


class BertBackbone(TextBackbone):
    """BERT (Devlin et al., 2019), all-MiniLM among them: learnt positions, one token type for all tokens."""


class RobertaBackbone(TextBackbone):
    """RoBERTa (Liu et al., 2019): BERT whose positions are counted from the one after padding."""

    @staticmethod
    def positions(config: Any) -> int:
        """The table's rows without those up to padding."""
        return config.max_position_embeddings - (config.pad_token_id + 1)


class ModernBertBackbone(TextBackbone):
    """ModernBERT (Warner et al., 2024): rotary positions, and attention that is local in two layers of three."""

    dropout_names: ClassVar[tuple[str, ...]] = ("embedding_dropout", "attention_dropout", "mlp_dropout")
    older_names: ClassVar[tuple[str, ...]] = ("global_attn_every_n_layers", "global_rope_theta", "local_rope_theta")
    final_norm: ClassVar[str] = "final_norm"


class ViTBackbone(ImageBackbone):
    """Vision transformer (Dosovitskiy et al., 2021): learnt positions, resized to the grid on demand."""

    final_norm: ClassVar[str] = "layernorm"
    options: ClassVar[dict[str, Any]] = {"interpolate_pos_encoding": True}


class Dinov2Backbone(ImageBackbone):
    """DINOv2 (Oquab et al., 2023): a vision transformer that always resizes its positions to the grid."""

    final_norm: ClassVar[str] = "layernorm"


class SwinEntrance(TokenEntrance):
    """Also returns the grid of the tokens."""

    def forward(self, pixel_values: Tensor, **_: Any) -> Any:  # noqa: D102 - see TokenEntrance
        return super().forward(pixel_values), tuple(pixel_values.shape[2:])


class SwinBackbone(ImageBackbone):
    """Swin transformer (Liu et al., 2021): attention in windows.

    Every stage but the first halves the grid, rounding up, and doubles the width.

    Raises:
        PareError: if the last stage has fewer tokens than a window along an axis.
    """

    hierarchical: ClassVar[bool] = True
    entrance_class: ClassVar[type[TokenEntrance]] = SwinEntrance

    def __init__(self, encoder: Any, grid: tuple[int, ...]) -> None:
        super().__init__(encoder, grid)
        config = encoder.config
        rows, columns = self.rectangle
        self.out_width = config.hidden_size
        merging = 2 ** (len(config.depths) - 1)
        self.out_grid = self.token_grid = (-(-rows // merging), -(-columns // merging))
        if min(self.out_grid) < config.window_size:
            edge = config.window_size * merging
            raise PareError(
                f"this Swin needs at least {edge} tokens along each axis, the task makes {rows}×{columns}; "
                f"{self.remedy(edge)}"
            )


class ConvNextV2Entrance(TokenEntrance):
    """Leaves the image of tokens as it is."""

    def forward(self, pixel_values: Tensor, **_: Any) -> Any:  # noqa: D102 - see TokenEntrance
        return pixel_values


class ConvNextV2Backbone(ImageBackbone):
    """ConvNeXt V2 (Woo et al., 2023): convolutions only, without positions or dropout.

    Every stage but the first halves the grid.

    Raises:
        PareError: if the grid cannot be halved so often; the last rows would be cut off.
    """

    dropout_names: ClassVar[tuple[str, ...]] = ()
    entrance_class: ClassVar[type[TokenEntrance]] = ConvNextV2Entrance
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
        encoder.layernorm = nn.Identity()  # it normalises the pooled feature; the predictors pool for themselves

    def leaving(self, features: Tensor) -> Tensor:
        """Pixels of the feature map as tokens."""
        return features.flatten(2).transpose(1, 2)


FAMILIES: dict[str, type[TextBackbone] | type[ImageBackbone]] = {
    "bert": BertBackbone,
    "convnextv2": ConvNextV2Backbone,
    "dinov2": Dinov2Backbone,
    "modernbert": ModernBertBackbone,
    "roberta": RobertaBackbone,
    "swin": SwinBackbone,
    "vit": ViTBackbone,
}
