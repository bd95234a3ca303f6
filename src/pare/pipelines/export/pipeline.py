"""Export: a trained model to a file that needs neither this project nor torch."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.export.nodes import export_model


def create_pipeline() -> Pipeline:
    """The pipeline; it needs a trained model and its model input, and is not part of ``pare_train``."""
    return Pipeline(
        [
            Node(
                export_model,
                inputs=["params:run", "model", "model_input"],
                outputs="onnx_model",
                name="export_model",
            )
        ],
        tags="export",
    )
