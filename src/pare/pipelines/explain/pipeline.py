"""Explain: a trained model to what its predictions rest on."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.explain.nodes import explain_predictions


def create_pipeline() -> Pipeline:
    """The pipeline; it needs a trained model and its model input, and is not part of ``pare_train``."""
    return Pipeline(
        [
            Node(
                explain_predictions,
                inputs=["params:run", "params:predict", "model", "model_input"],
                outputs=["explanations", "explanation_figures"],
                name="explain_predictions",
            )
        ],
        tags="explain",
    )
