"""The distance between datasets of two modalities, and ORCA's first stage, which reduces it before fine-tuning."""

from pare.alignment.embedder import align_embedder
from pare.alignment.otdd import otdd
from pare.alignment.pseudo_labels import pseudo_labels

__all__ = ["align_embedder", "otdd", "pseudo_labels"]
