"""Preprocess: raw files to the model input."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.preprocess.nodes import describe_model_input


def create_pipeline() -> Pipeline:
    """The pipeline; the model input is computed as its dataset is saved."""
    return Pipeline(
        [
            Node(
                describe_model_input,
                inputs=["params:run", "raw"],
                outputs="model_input",
                name="split_and_normalise",
            )
        ],
        tags="preprocess",
    )
