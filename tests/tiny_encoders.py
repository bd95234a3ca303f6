"""Encoders that are small enough to make on the spot: a configuration of every family, and a BERT of letters."""

from pathlib import Path
from string import ascii_lowercase

import torch
from transformers import (
    AutoModel,
    BertConfig,
    BertTokenizerFast,
    ConvNextV2Config,
    ModernBertConfig,
    PretrainedConfig,
    RobertaConfig,
    SwinConfig,
    ViTConfig,
)

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ascii_lowercase, *(f"##{c}" for c in ascii_lowercase)]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SPECIAL = {"pad_token_id": 0, "cls_token_id": 1, "bos_token_id": 1, "sep_token_id": 2, "eos_token_id": 2}
STAGES = {"depths": [1, 1, 1, 1]}
SWIN = STAGES | {"embed_dim": 16, "num_heads": [1, 2, 4, 8]}
CONFIGS = {
    "convnextv2": ConvNextV2Config(**STAGES, hidden_sizes=[16, 24, 32, 40]),
    "modernbert": ModernBertConfig(
        **SMALL, **SPECIAL, vocab_size=99, max_position_embeddings=64, local_attention=8, initializer_range=0.3
    ),
    "roberta": RobertaConfig(**SMALL, vocab_size=99, max_position_embeddings=66),
    "swin": SwinConfig(**SWIN, window_size=1),
    "swin_window_7": SwinConfig(**SWIN, window_size=7),
    "vit": ViTConfig(**SMALL, image_size=64, patch_size=16),
}


def save_encoder(config: PretrainedConfig, folder: Path) -> Path:
    """Make a Hugging Face model folder with random weights, the same every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    return folder


def save_tiny_bert(folder: Path, width: int = 32, positions: int = 512) -> Path:
    """A BERT of two layers with a WordPiece tokenizer that knows single letters."""
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 2 * width}
    config = BertConfig(**sizes, vocab_size=len(VOCABULARY), max_position_embeddings=positions)
    return save_encoder(config, folder)
