"""ModernBERT (Warner et al., 2024)."""

from typing import ClassVar

from pare.models.backbones.text import TextBackbone


class ModernBertBackbone(TextBackbone):
    """Rotary positions, and attention that is local in two layers of three."""

    dropout_names: ClassVar[tuple[str, ...]] = ("embedding_dropout", "attention_dropout", "mlp_dropout")
    older_names: ClassVar[tuple[str, ...]] = ("global_attn_every_n_layers", "global_rope_theta", "local_rope_theta")
    final_norm: ClassVar[str] = "final_norm"
