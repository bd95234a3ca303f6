"""Export: a trained model to a file that needs neither this project nor torch."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.export.nodes import export_model


def create_pipeline() -> Pipeline:
    """The pipeline; it needs a trained model and its model input, and is not part of ``pare_train``."""
    node = Node(export_model, ["params:run", "model", "model_input"], "onnx_model", name="export_model")
    return Pipeline([node], tags="export")
