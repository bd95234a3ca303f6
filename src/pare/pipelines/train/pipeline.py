"""Train: model input and source to a trained model."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.train.nodes import describe_training


def create_pipeline() -> Pipeline:
    """The pipeline; the training is done as its dataset is saved."""
    return Pipeline(
        [
            Node(
                describe_training,
                inputs=["params:run", "params:tracker", "raw", "model_input", "encoder", "proxy"],
                outputs="model",
                name="fine_tune",
            )
        ],
        tags="train",
    )
