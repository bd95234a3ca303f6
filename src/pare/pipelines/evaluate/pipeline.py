"""Evaluate: a trained model to predictions, metrics and figures."""

from kedro.pipeline import Node, Pipeline

from pare.evaluation.prediction_figures import draw_predictions
from pare.pipelines.evaluate.nodes import (
    draw_candidates,
    draw_replaced_patches,
    draw_training,
    draw_uncertainty,
    predict_test_rows,
    score_predictions,
)
from pare.report.run_page import run_page


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
                draw_uncertainty,
                inputs=["params:run", "model", "predictions", "metrics"],
                outputs="uncertainty_figure",
                name="draw_uncertainty",
            ),
            Node(
                draw_training,
                inputs=["params:run", "model"],
                outputs=["training_figure", "history"],
                name="draw_training",
            ),
            Node(
                draw_replaced_patches,
                inputs=["params:run", "model"],
                outputs="replaced_figure",
                name="draw_replaced_patches",
            ),
            Node(
                draw_candidates,
                inputs=["params:run", "model"],
                outputs=["candidate_figures", "candidate_tables"],
                name="draw_candidates",
            ),
            Node(
                run_page,
                inputs=[
                    "params:run",
                    "metrics",
                    "prediction_figure",
                    "uncertainty_figure",
                    "training_figure",
                    "replaced_figure",
                    "candidate_figures",
                ],
                outputs="run_page",
                name="write_run_page",
            ),
        ],
        tags="evaluate",
    )
