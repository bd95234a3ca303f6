"""The paper's figures for any trained model: loss landscape, distances, embeddings, patches, kept knowledge."""

from pare.analysis.distances import dataset_distances
from pare.analysis.embeddings import Embeddings, embed, project
from pare.analysis.landscape import loss_landscapes
from pare.analysis.models import load_models
from pare.analysis.samples import training_rows

__all__ = [
    "Embeddings",
    "dataset_distances",
    "embed",
    "load_models",
    "loss_landscapes",
    "project",
    "training_rows",
]
