"""The pipelines that `kedro run` knows."""

from kedro.pipeline import Pipeline

from pare.pipelines import evaluate, ingest, predict, preprocess, train


def register_pipelines() -> dict[str, Pipeline]:
    """One per stage, for DVC; ``pare_train``, the whole way, which is also the default; ``predict`` for new rows."""
    stages = {
        "ingest": ingest.create_pipeline(),
        "preprocess": preprocess.create_pipeline(),
        "train": train.create_pipeline(),
        "evaluate": evaluate.create_pipeline(),
    }
    whole = sum(stages.values(), Pipeline([]))
    return {**stages, "predict": predict.create_pipeline(), "pare_train": whole, "__default__": whole}
