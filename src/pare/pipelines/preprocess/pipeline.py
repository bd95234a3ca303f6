"""Preprocess: raw files to the model input."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.preprocess.nodes import prepare_model_input


def create_pipeline() -> Pipeline:
    """The pipeline."""
    return Pipeline([Node(prepare_model_input, inputs=["run", "raw"], outputs="model_input", tags="preprocess")])
