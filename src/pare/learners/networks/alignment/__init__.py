"""The distance between datasets of two modalities, and ORCA's first stage, which reduces it before fine-tuning."""

from pare.learners.networks.alignment.embedder import align_embedder, pseudo_labels
from pare.learners.networks.alignment.otdd import otdd

__all__ = ["align_embedder", "otdd", "pseudo_labels"]
