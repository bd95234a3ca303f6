"""PaRe: cross-modal fine-tuning by gradually generated intermediate modalities (Cai et al., ICML 2024)."""

__version__ = "0.1.0"
