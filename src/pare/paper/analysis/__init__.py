"""The paper's figures for any trained model: loss landscape, distances, embeddings, patches, retained knowledge."""

from pare.paper.analysis.compared import load_models, training_rows
from pare.paper.analysis.embeddings import Embeddings, dataset_distances, embed, project
from pare.paper.analysis.landscape import loss_landscapes

__all__ = [
    "Embeddings",
    "dataset_distances",
    "embed",
    "load_models",
    "loss_landscapes",
    "project",
    "training_rows",
]
