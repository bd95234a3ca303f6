"""Analyse: trained models to the paper's figures, each with the table that it shows."""

from kedro.pipeline import Node, Pipeline

from pare.paper.analysis.compared import analysis_config
from pare.paper.analysis.drawing import (
    draw_distances,
    draw_embeddings,
    draw_gate_scores,
    draw_landscape,
    draw_patches,
)
from pare.paper.pipelines.analyse.nodes import draw_source_features, draw_starts, embed_samples, load_compared_models


def create_pipeline() -> Pipeline:
    """The pipeline; it needs trained models, and is not part of ``pare_train``."""
    return Pipeline(
        [
            Node(analysis_config, inputs="params:analyse", outputs="analysis", name="check_analysis_parameters"),
            Node(
                load_compared_models,
                inputs=["params:run", "analysis", "trained_models", "model_input", "encoder", "proxy"],
                outputs="compared_models",
                name="load_trained_models",
            ),
            Node(
                draw_landscape,
                inputs=["params:run", "analysis", "compared_models", "model_input"],
                outputs=["landscape_analysis_figure", "landscape_analysis_table"],
                name="draw_loss_landscape",
            ),
            Node(
                embed_samples,
                inputs=["params:run", "analysis", "compared_models", "model_input", "encoder", "proxy"],
                outputs="sample_embeddings",
                name="embed_target_source_and_mixed_samples",
            ),
            Node(
                draw_distances,
                inputs=["params:run", "sample_embeddings"],
                outputs=["distances_analysis_figure", "distances_analysis_table"],
                name="draw_distances_to_source_and_target",
            ),
            Node(
                draw_embeddings,
                inputs=["params:run", "sample_embeddings"],
                outputs=["embeddings_analysis_figure", "embeddings_analysis_table"],
                name="draw_embeddings",
            ),
            Node(
                draw_patches,
                inputs=["params:run", "compared_models", "model_input", "sample_embeddings"],
                outputs=["patches_analysis_figure", "patches_analysis_table"],
                name="draw_replaced_patches_of_samples",
            ),
            Node(
                draw_gate_scores,
                inputs=["params:run", "compared_models"],
                outputs=["gate_scores_analysis_figure", "gate_scores_analysis_table"],
                name="draw_gate_scores",
            ),
            Node(
                draw_source_features,
                inputs=["params:run", "analysis", "compared_models", "encoder", "proxy"],
                outputs=["source_features_analysis_figure", "source_features_analysis_table"],
                name="draw_source_features",
            ),
            Node(
                draw_starts,
                inputs=["params:run", "results", "trained_models"],
                outputs=["starts_analysis_figure", "starts_analysis_table"],
                name="draw_results_over_first_share_replaced",
            ),
        ],
        tags="analyse",
    )
