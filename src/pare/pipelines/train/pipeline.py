"""Train: model input, and a source where the learner has one, to a trained model."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.train.nodes import describe_fit


def create_pipeline() -> Pipeline:
    """The pipeline; the fit is done as its dataset is saved."""
    inputs = ["params:run", "params:tracker", "raw", "model_input", "encoder", "proxy"]
    return Pipeline([Node(describe_fit, inputs, "model", name="fit")], tags="train")
