"""The pipelines that `kedro run` knows."""

from kedro.pipeline import Pipeline

from pare.pipelines import analyse, baseline, evaluate, ingest, predict, preprocess, report, train


def register_pipelines() -> dict[str, Pipeline]:
    """One per stage, for DVC; ``pare_train``, the whole way, which is also the default; ``predict`` for new rows.

    ``baseline`` learns a task in another way; ``report`` compares all runs with each other and with the paper;
    ``analyse`` draws the paper's figures of one.
    """
    stages = {
        "ingest": ingest.create_pipeline(),
        "preprocess": preprocess.create_pipeline(),
        "train": train.create_pipeline(),
        "evaluate": evaluate.create_pipeline(),
    }
    whole = sum(stages.values(), Pipeline([]))
    others = {
        "baseline": baseline.create_pipeline(),
        "predict": predict.create_pipeline(),
        "report": report.create_pipeline(),
        "analyse": analyse.create_pipeline(),
    }
    return {**stages, **others, "pare_train": whole, "__default__": whole}
