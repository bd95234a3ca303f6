"""Baseline: a task to what a baseline makes of it."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines import ingest, preprocess
from pare.pipelines.baseline.nodes import compute_baseline_metrics, fit_and_predict
from pare.pipelines.evaluate.nodes import draw_predictions


def create_pipeline() -> Pipeline:
    """The pipeline, from the raw files on; it needs no source."""
    files = ingest.create_pipeline().only_nodes_with_tags("task") + preprocess.create_pipeline()
    return files + Pipeline(
        [
            Node(fit_and_predict, inputs=["run", "model_input"], outputs=["predictions", "baseline_record"]),
            Node(
                compute_baseline_metrics,
                inputs=["run", "baseline_record", "model_input", "predictions"],
                outputs="metrics",
            ),
            Node(
                draw_predictions,
                inputs=["run", "model_input", "predictions", "metrics"],
                outputs="prediction_figure",
            ),
        ],
        tags="baseline",
    )
