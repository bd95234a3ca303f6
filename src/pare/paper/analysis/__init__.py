"""The paper's figures for any trained model: loss landscape, distances, embeddings, patches, kept knowledge."""

from pare.paper.analysis.distances import dataset_distances
from pare.paper.analysis.embeddings import Embeddings, embed, project
from pare.paper.analysis.landscape import loss_landscapes
from pare.paper.analysis.models import load_models
from pare.paper.analysis.samples import training_rows

__all__ = [
    "Embeddings",
    "dataset_distances",
    "embed",
    "load_models",
    "loss_landscapes",
    "project",
    "training_rows",
]
