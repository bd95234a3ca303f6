"""Predict: a trained model and a file of new rows to their predictions."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.predict.nodes import check_model, predict_new_rows


def create_pipeline() -> Pipeline:
    """The pipeline; it needs a trained model, and is not part of ``pare_train``."""
    return Pipeline(
        [
            Node(
                check_model,
                inputs=["model", "model_input", "encoder", "proxy"],
                outputs="checked_model",
                name="check_model_against_data",
            ),
            Node(
                predict_new_rows,
                inputs=["params:predict", "raw", "checked_model", "model_input"],
                outputs="new_predictions",
                name="predict_new_rows",
            ),
        ],
        tags="predict",
    )
