"""The paper's figures for any trained model: loss landscape, distances, embeddings, patches, kept knowledge."""

from pare.analysis.distances import dataset_distances
from pare.analysis.embeddings import Embeddings, embed, project
from pare.analysis.landscape import loss_landscapes
from pare.analysis.patches import evenly_chosen, replaced_features, replaced_patches, score_histograms, shown_epochs
from pare.analysis.source_features import frequent_classes, source_features, source_labels
from pare.analysis.starts import start_results

__all__ = [
    "Embeddings",
    "dataset_distances",
    "embed",
    "evenly_chosen",
    "frequent_classes",
    "loss_landscapes",
    "project",
    "replaced_features",
    "replaced_patches",
    "score_histograms",
    "shown_epochs",
    "source_features",
    "source_labels",
    "start_results",
]
