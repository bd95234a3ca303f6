"""The pipelines that `kedro run` knows."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from kedro.pipeline import Pipeline

from pare.config.run import WHOLE

STAGES = ("ingest", "preprocess", "train", "evaluate")
# Named and not imported: ingestion needs no torch, and only two what the paper needs.
MODULES = {
    **{name: f"pare.pipelines.{name}.pipeline" for name in (*STAGES, "predict", "explain", "export")},
    **{name: f"pare.paper.pipelines.{name}.pipeline" for name in ("report", "analyse")},
}
OTHER_NAMES = ("choose", "baseline", "__default__")  # names of all stages; the method says what learns
NAMES = (*MODULES, WHOLE, *OTHER_NAMES)


class Pipelines(Mapping[str, Pipeline]):
    """Every pipeline by its name, imported when it is asked for."""

    def __getitem__(self, name: str) -> Pipeline:
        whole = name in (WHOLE, *OTHER_NAMES)
        return sum(map(_created, STAGES), Pipeline([])) if whole else _created(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def _created(name: str) -> Pipeline:
    return import_module(MODULES[name]).create_pipeline()


def register_pipelines() -> Mapping[str, Pipeline]:
    """One per stage, for DVC; ``pare_train``, all four stages, which is also the default; and five others.

    ``choose`` and ``baseline`` are other names of ``pare_train``: the method says what learns. ``predict`` predicts new
    rows; ``explain`` says what predictions rest on; ``export`` writes a trained model as ONNX; ``report`` compares all
    runs with each other and with the paper; ``analyse`` draws the paper's figures of one.
    """
    return Pipelines()
