"""Explain: a trained model to what its predictions rest on."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.explain.nodes import explain_predictions
from pare.report.run_page import RunPage


def create_pipeline() -> Pipeline:
    """The pipeline; it needs a trained model and its model input, and is not part of ``pare_train``."""
    asked, explained = ["params:run", "params:predict", "model", "model_input"], ["explanations", "explanation_figures"]
    return Pipeline(
        [
            Node(explain_predictions, asked, explained, name="explain_predictions"),
            Node(RunPage, ["params:run", "explanation_figures"], "explained_page", name="write_run_page"),
        ],
        tags="explain",
    )
