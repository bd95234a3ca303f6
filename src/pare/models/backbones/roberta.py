"""RoBERTa (Liu et al., 2019)."""

from typing import Any, ClassVar

from pare.models.backbones.text import TextBackbone


class RobertaBackbone(TextBackbone):
    """BERT whose positions are counted from the one after padding."""

    dropout_names: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")

    @staticmethod
    def positions(config: Any) -> int:
        """The table's rows without those up to padding."""
        return config.max_position_embeddings - (config.pad_token_id + 1)
