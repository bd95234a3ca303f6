"""Preprocess: raw files to the model input."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.preprocess.nodes import describe_model_input


def create_pipeline() -> Pipeline:
    """The pipeline; the model input is computed as its dataset is saved."""
    node = Node(describe_model_input, ["params:run", "raw"], "model_input", name="split_and_normalise")
    return Pipeline([node], tags="preprocess")
