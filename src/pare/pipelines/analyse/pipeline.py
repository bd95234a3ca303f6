"""Analyse: trained models to the paper's figures, each beside the table that it shows."""

from kedro.pipeline import Node, Pipeline

from pare.analysis.config import analysis_config
from pare.pipelines.analyse.nodes import (
    draw_distances,
    draw_embeddings,
    draw_gate_scores,
    draw_landscape,
    draw_patches,
    draw_source_features,
    draw_starts,
    embed_samples,
    load_models,
)


def create_pipeline() -> Pipeline:
    """The pipeline; it needs trained models, and is no part of the whole way."""
    return Pipeline(
        [
            Node(analysis_config, inputs="params:analyse", outputs="analysis"),
            Node(
                load_models,
                inputs=["run", "analysis", "task_models_folder", "model_input", "encoder", "proxy"],
                outputs="analysed_models",
            ),
            Node(
                draw_landscape,
                inputs=["run", "analysis", "analysed_models", "model_input"],
                outputs=["landscape_figure", "landscape"],
            ),
            Node(
                embed_samples,
                inputs=["run", "analysis", "analysed_models", "model_input", "encoder", "proxy"],
                outputs="sample_embeddings",
            ),
            Node(draw_distances, inputs=["run", "sample_embeddings"], outputs=["distances_figure", "distances"]),
            Node(draw_embeddings, inputs=["run", "sample_embeddings"], outputs=["embeddings_figure", "embeddings"]),
            Node(
                draw_patches,
                inputs=["run", "analysed_models", "model_input", "sample_embeddings"],
                outputs=["patches_figure", "patches"],
            ),
            Node(draw_gate_scores, inputs=["run", "analysed_models"], outputs=["gate_scores_figure", "gate_scores"]),
            Node(
                draw_source_features,
                inputs=["run", "analysis", "analysed_models", "encoder", "proxy"],
                outputs=["source_features_figure", "source_features"],
            ),
            Node(
                draw_starts,
                inputs=["run", "task_results_folder", "task_models_folder"],
                outputs=["starts_figure", "starts"],
            ),
        ],
        tags="analyse",
    )
