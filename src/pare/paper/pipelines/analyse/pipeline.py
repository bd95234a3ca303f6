"""Analyse: trained models to the paper's figures, each with the table that it shows."""

from collections.abc import Callable

from kedro.pipeline import Node, Pipeline

from pare.paper.analysis.compared import analysis_config
from pare.paper.analysis.drawing import (
    Drawn,
    draw_distances,
    draw_embeddings,
    draw_gate_scores,
    draw_landscape,
    draw_patches,
    draw_source_features,
    draw_starts,
)
from pare.paper.pipelines.analyse.nodes import embed_samples, load_compared_models


def create_pipeline() -> Pipeline:
    """The pipeline; it needs trained models, and is not part of ``pare_train``."""
    run, analysis, models, embedded = "params:run", "analysis", "compared_models", "sample_embeddings"
    data, source = "model_input", ["encoder", "proxy"]
    saved, starts = [run, analysis, "trained_models", data, *source], [run, "results", "trained_models"]
    return Pipeline(
        [
            Node(analysis_config, "params:analyse", analysis, name="check_analysis_parameters"),
            Node(load_compared_models, saved, models, name="load_trained_models"),
            Node(
                embed_samples,
                [run, analysis, models, data, *source],
                embedded,
                name="embed_target_source_and_mixed_samples",
            ),
            _drawing(draw_landscape, "landscape", [run, analysis, models, data], "draw_loss_landscape"),
            _drawing(draw_distances, "distances", [run, embedded], "draw_distances_to_source_and_target"),
            _drawing(draw_embeddings, "embeddings", [run, embedded], "draw_embeddings"),
            _drawing(draw_patches, "patches", [run, models, data, embedded], "draw_replaced_patches_of_samples"),
            _drawing(draw_gate_scores, "gate_scores", [run, models], "draw_gate_scores"),
            _drawing(draw_source_features, "source_features", [run, analysis, models, *source], "draw_source_features"),
            _drawing(draw_starts, "starts", starts, "draw_results_over_first_share_replaced"),
        ],
        tags="analyse",
    )


def _drawing(draw: Callable[..., Drawn], shown: str, inputs: list[str], name: str) -> Node:
    """A node that makes a figure and the table behind it."""
    return Node(draw, inputs, [f"{shown}_analysis_figure", f"{shown}_analysis_table"], name=name)
