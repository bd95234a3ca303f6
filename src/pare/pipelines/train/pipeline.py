"""Train: model input and source to a trained model."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.train.nodes import train_model


def create_pipeline() -> Pipeline:
    """The pipeline."""
    return Pipeline(
        [
            Node(
                train_model,
                inputs=["params:run", "model_input", "encoder", "proxy", "model_folder"],
                outputs="model",
                name="fine_tune",
            )
        ],
        tags="train",
    )
