"""DINOv2 (Oquab et al., 2023)."""

from typing import ClassVar

from pare.models.backbones.image import ImageBackbone


class Dinov2Backbone(ImageBackbone):
    """A vision transformer that always resizes its positions to the grid."""

    dropout_names: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    final_norm: ClassVar[str] = "layernorm"
