"""Encoders of the real architectures with random weights: what a step costs does not depend on the weights."""

import json
from pathlib import Path
from string import ascii_lowercase

from transformers import AutoModel, BertConfig, BertTokenizerFast, Dinov2Config, RobertaConfig, SwinConfig

PIXELS = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
LETTERS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ascii_lowercase, *(f"##{c}" for c in ascii_lowercase)]
CONFIGS = {
    "minilm": BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
    "dinov2_small": Dinov2Config(hidden_size=384, num_attention_heads=6, patch_size=14, image_size=518),
    "swin_base": SwinConfig(embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32]),
    "roberta_base": RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1),
}


def write_encoder(name: str, folder: Path) -> Path:
    """Write an encoder, by its name in sources.yml, as a folder of Hugging Face; one of text spells its words."""
    AutoModel.from_config(CONFIGS[name]).save_pretrained(folder)
    if hasattr(CONFIGS[name], "patch_size"):
        (folder / "preprocessor_config.json").write_text(json.dumps(PIXELS), encoding="utf-8")
    else:
        (folder / "vocab.txt").write_text("\n".join(LETTERS), encoding="utf-8")
        BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
