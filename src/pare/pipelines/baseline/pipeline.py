"""Baseline: a model input to what an external baseline predicts from it."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.baseline.nodes import describe_fit, draw_baseline, score_predictions


def create_pipeline() -> Pipeline:
    """The pipeline, from the model input on; it needs no source, and fits as its predictions are saved."""
    return Pipeline(
        [
            Node(
                describe_fit,
                inputs=["params:run", "raw", "model_input"],
                outputs="baseline_predictions",
                name="fit_baseline_and_predict",
            ),
            Node(
                score_predictions,
                inputs=["params:run", "baseline_predictions", "model_input"],
                outputs="metrics",
                name="score_predictions",
            ),
            Node(
                draw_baseline,
                inputs=["params:run", "model_input", "baseline_predictions", "metrics"],
                outputs="prediction_figure",
                name="draw_predictions",
            ),
        ],
        tags="baseline",
    )
