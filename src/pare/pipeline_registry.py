"""The pipelines that `kedro run` knows."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from kedro.pipeline import Pipeline

STAGES = ("ingest", "preprocess", "train", "evaluate")
# Named and not imported: ingestion needs no torch, training no baselines, and only two what the paper needs.
MODULES = {
    **{name: f"pare.pipelines.{name}" for name in (*STAGES, "baseline", "choose", "predict", "explain", "export")},
    **{name: f"pare.paper.pipelines.{name}" for name in ("report", "analyse")},
}
WHOLE = ("pare_train", "__default__")  # all stages
NAMES = (*MODULES, *WHOLE)


class Pipelines(Mapping[str, Pipeline]):
    """Every pipeline by its name, imported when it is asked for."""

    def __getitem__(self, name: str) -> Pipeline:
        if name in WHOLE:
            return sum(map(_created, STAGES), Pipeline([]))
        if name == "baseline":
            task_files = _created("ingest").only_nodes_with_tags("task")
            return task_files + _created("preprocess") + _created("baseline")
        if name == "choose":
            return _created("ingest") + _created("preprocess") + _created("choose")
        return _created(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def _created(name: str) -> Pipeline:
    return import_module(MODULES[name]).create_pipeline()


def register_pipelines() -> Mapping[str, Pipeline]:
    """One per stage, for DVC; ``pare_train``, all four stages, which is also the default; and seven others.

    ``baseline`` learns a task with an external library, from the raw files on; ``choose`` keeps the best of several
    methods and baselines; ``predict`` predicts new rows; ``explain`` says what predictions rest on; ``export`` writes a
    trained model as ONNX; ``report`` compares all runs with each other and with the paper; ``analyse`` draws the
    paper's figures of one.
    """
    return Pipelines()
