"""Baseline: a model input to a fitted external baseline, and what it predicts."""

from kedro.pipeline import Node, Pipeline

from pare.evaluation.prediction_figures import draw_predictions
from pare.pipelines.baseline.nodes import describe_fit, predict_test_rows, score_predictions
from pare.report.run_page import run_page


def create_pipeline() -> Pipeline:
    """The pipeline, from the model input on; it needs no source, and fits as the model is saved."""
    return Pipeline(
        [
            Node(
                describe_fit,
                inputs=["params:run", "raw", "model_input"],
                outputs="model",
                name="fit_baseline",
            ),
            Node(
                predict_test_rows,
                inputs=["params:run", "model", "model_input"],
                outputs="predictions",
                name="predict_test_rows",
            ),
            Node(
                score_predictions,
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
                run_page,
                inputs=["params:run", "metrics", "prediction_figure"],
                outputs="run_page",
                name="write_run_page",
            ),
        ],
        tags="baseline",
    )
