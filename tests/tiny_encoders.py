"""Configurations of encoders of every family that are small enough to make on the spot."""

from transformers import ConvNextV2Config, ModernBertConfig, RobertaConfig, SwinConfig, ViTConfig

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
