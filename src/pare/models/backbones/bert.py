"""BERT (Devlin et al., 2019), all-MiniLM among them."""

from typing import ClassVar

from pare.models.backbones.text import TextBackbone


class BertBackbone(TextBackbone):
    """Learnt positions and one token type for all tokens."""

    dropout_names: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob", "attention_probs_dropout_prob")
