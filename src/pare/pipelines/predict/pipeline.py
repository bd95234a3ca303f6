"""Predict: a trained model and a file of new rows to their predictions."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.predict.nodes import predict_new_rows


def create_pipeline() -> Pipeline:
    """The pipeline; it needs a trained model, and is not part of ``pare_train``."""
    inputs = ["params:run", "params:predict", "model"]
    return Pipeline([Node(predict_new_rows, inputs, "new_predictions", name="predict_new_rows")], tags="predict")
