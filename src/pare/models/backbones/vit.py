"""Vision transformer (Dosovitskiy et al., 2021)."""

from typing import Any, ClassVar

from pare.models.backbones.image import ImageBackbone


class ViTBackbone(ImageBackbone):
    """Learnt positions, resized to the grid on demand."""

    dropout_names: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    final_norm: ClassVar[str] = "layernorm"
    options: ClassVar[dict[str, Any]] = {"interpolate_pos_encoding": True}
