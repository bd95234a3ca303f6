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
from pare.report.run_page import RunPage


def create_pipeline() -> Pipeline:
    """The pipeline."""
    run, scored, candidates = "params:run", ["predictions", "metrics"], "candidate_figures"
    figures = ["prediction_figure", "uncertainty_figure", "training_figure", "replaced_figure"]
    return Pipeline(
        [
            Node(predict_test_rows, [run, "model", "model_input"], "predictions", name="predict_test_rows"),
            Node(score_predictions, [run, "model", "model_input", "predictions"], "metrics", name="score_predictions"),
            Node(draw_predictions, [run, "model_input", *scored], "prediction_figure", name="draw_predictions"),
            Node(draw_uncertainty, [run, "model", *scored], "uncertainty_figure", name="draw_uncertainty"),
            Node(draw_training, [run, "model"], ["training_figure", "history"], name="draw_training"),
            Node(draw_replaced_patches, [run, "model"], "replaced_figure", name="draw_replaced_patches"),
            Node(draw_candidates, [run, "model"], [candidates, "candidate_tables"], name="draw_candidates"),
            Node(RunPage, [run, "metrics", *figures, candidates], "run_page", name="write_run_page"),
        ],
        tags="evaluate",
    )
