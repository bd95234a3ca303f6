"""Baseline: a model input to what an external baseline predicts from it."""

from kedro.pipeline import Node, Pipeline

from pare.evaluation.drawing import draw_predictions
from pare.pipelines.baseline.nodes import fit_and_predict, score_predictions


def create_pipeline() -> Pipeline:
    """The pipeline, from the model input on; it needs no source."""
    return Pipeline(
        [
            Node(
                fit_and_predict,
                inputs=["params:run", "raw", "model_input"],
                outputs=["predictions", "baseline_record"],
                name="fit_baseline_and_predict",
            ),
            Node(
                score_predictions,
                inputs=["params:run", "baseline_record", "model_input", "predictions"],
                outputs="metrics",
                name="score_predictions",
            ),
            Node(
                draw_predictions,
                inputs=["params:run", "model_input", "predictions", "metrics"],
                outputs="prediction_figure",
                name="draw_predictions",
            ),
        ],
        tags="baseline",
    )
