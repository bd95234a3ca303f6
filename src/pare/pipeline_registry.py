"""The pipelines that `kedro run` knows."""

from kedro.pipeline import Pipeline

from pare.pipelines import analyse, baseline, evaluate, ingest, predict, preprocess, report, train


def register_pipelines() -> dict[str, Pipeline]:
    """One per stage, for DVC; ``pare_train``, all four stages, which is also the default; and four others.

    ``baseline`` learns a task with an external library, from the raw files on; ``predict`` predicts new rows;
    ``report`` compares all runs with each other and with the paper; ``analyse`` draws the paper's figures of one.
    """
    stages = {
        "ingest": ingest.create_pipeline(),
        "preprocess": preprocess.create_pipeline(),
        "train": train.create_pipeline(),
        "evaluate": evaluate.create_pipeline(),
    }
    whole = sum(stages.values(), Pipeline([]))
    task_files = stages["ingest"].only_nodes_with_tags("task")
    others = {
        "baseline": task_files + stages["preprocess"] + baseline.create_pipeline(),
        "predict": predict.create_pipeline(),
        "report": report.create_pipeline(),
        "analyse": analyse.create_pipeline(),
    }
    return {**stages, **others, "pare_train": whole, "__default__": whole}
