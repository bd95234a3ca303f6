"""Choose: a model input and a source to the best of several methods and baselines, or a mean of them."""

from kedro.pipeline import Node, Pipeline

from pare.evaluation.prediction_figures import draw_predictions
from pare.pipelines.choose.nodes import (
    describe_choice,
    draw_candidates,
    draw_uncertainty,
    predict_test_rows,
    score_predictions,
)
from pare.report.run_page import run_page


def create_pipeline() -> Pipeline:
    """The pipeline, from the model input on; candidates are fitted as the model is saved."""
    return Pipeline(
        [
            Node(
                describe_choice,
                inputs=["params:run", "raw", "model_input", "encoder", "proxy"],
                outputs="model",
                name="choose",
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
                draw_uncertainty,
                inputs=["params:run", "model", "predictions", "metrics"],
                outputs="uncertainty_figure",
                name="draw_uncertainty",
            ),
            Node(
                draw_candidates,
                inputs=["params:run", "model"],
                outputs=["leaderboard_figure", "leaderboard"],
                name="draw_candidates",
            ),
            Node(
                run_page,
                inputs=["params:run", "metrics", "prediction_figure", "uncertainty_figure", "leaderboard_figure"],
                outputs="run_page",
                name="write_run_page",
            ),
        ],
        tags="choose",
    )
