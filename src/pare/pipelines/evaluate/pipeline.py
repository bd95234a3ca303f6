"""Evaluate: a trained model to predictions, metrics and figures."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.evaluate.nodes import (
    compute_metrics,
    draw_predictions,
    draw_replaced,
    draw_training,
    predict_test_rows,
)


def create_pipeline() -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                predict_test_rows,
                inputs=["params:run", "model", "model_input"],
                outputs="predictions",
                name="predict_test_rows",
            ),
            Node(
                compute_metrics,
                inputs=["params:run", "model", "model_input", "predictions"],
                outputs="metrics",
                name="score_predictions",
            ),
            Node(
                draw_predictions,
                inputs=["params:run", "model_input", "predictions", "metrics"],
                outputs="prediction_figure",
                name="draw_predictions",
            ),
            Node(
                draw_training,
                inputs=["params:run", "model"],
                outputs=["training_figure", "history"],
                name="draw_training",
            ),
            Node(
                draw_replaced,
                inputs=["params:run", "model"],
                outputs="replaced_figure",
                name="draw_replaced_patches",
            ),
        ],
        tags="evaluate",
    )
