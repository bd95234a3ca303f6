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
            Node(predict_test_rows, inputs=["run", "model", "model_input"], outputs="predictions"),
            Node(compute_metrics, inputs=["run", "model", "model_input", "predictions"], outputs="metrics"),
            Node(
                draw_predictions,
                inputs=["run", "model_input", "predictions", "metrics"],
                outputs="prediction_figure",
            ),
            Node(draw_training, inputs=["run", "model"], outputs=["training_figure", "history"]),
            Node(draw_replaced, inputs=["run", "model"], outputs="replaced_figure"),
        ],
        tags="evaluate",
    )
