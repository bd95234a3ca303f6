"""The trained models and rows that an analysis looks at, and how closely."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from pare.config import PareError, Run
from pare.config.strict import Strict, validated
from pare.learners.learner import Data, fit_fingerprint
from pare.learners.model import Model
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore

ALSO_SHOWN = ("finetune", "orca")  # where they are trained, next to the run's own method
Saved = Mapping[str, Callable[[], Model]]  # functions that load a model, by the folder of its run

Share = Annotated[float, Field(ge=0, le=1)]


class AnalysisConfig(Strict):
    """Section ``analyse`` of the parameters."""

    compared: str | None = Field(description="method whose loss landscape is drawn next to the run's; none: no other")
    rows: int = Field(ge=20, description="samples of either modality in distances, maps and scores")
    shares: list[Share] = Field(min_length=2, description="fractions k/N of the tokens that are replaced")
    landscape_rows: int = Field(ge=1, description="training rows whose loss is computed")
    landscape_points: int = Field(ge=3, description="points along each direction, an odd number")
    landscape_reach: float = Field(gt=0, description="how far the plane reaches, in filter norms")

    @field_validator("landscape_points")
    @classmethod
    def _odd(cls, points: int) -> int:
        if points % 2 == 0:
            raise ValueError(f"the middle point is the model itself: an odd number was expected, found {points}")
        return points


def analysis_config(values: Mapping[str, Any]) -> AnalysisConfig:
    """The section, checked; PareError for an unknown key or a value of the wrong type."""
    return validated(AnalysisConfig, "analyse", values)


def load_models(
    run: Run, analysis: AnalysisConfig, saved: Saved, store: ArrayStore, source: SourceFolders
) -> dict[str, Model]:
    """The run's trained model and those that it is compared with, by method; the run's own comes first.

    Args:
        run: the run.
        analysis: parameters with the method that the run's is compared with.
        saved: functions that load a model, by the folder of its run.
        store: the model input.
        source: the files of the encoder and its proxy.

    Raises:
        PareError: if the method replaces no source tokens, a model is missing, the run's is one of other values, or one
            was trained on other data.
    """
    if run.mixing is None or not run.mixing.gate_takes_source_tokens:
        raise PareError(
            f"the analysis follows tokens that a gate replaces by the source's, method {run.method_name!r} does not do "
            "that; use method=pare"
        )
    others = [name for name in (analysis.compared, *ALSO_SHOWN) if name]
    runs = {run.method_folder: run} | {name: plain_run(run, name) for name in others if name != run.method_folder}
    for name in (run.method_folder, analysis.compared):
        if name and runs[name].folder not in saved:
            raise _missing(runs[name], compared=name != run.method_folder)
    models = {name: saved[one.folder]() for name, one in runs.items() if one.folder in saved}
    own = models[run.method_folder]
    own.check(run, store, own.run.command("analyse"))
    for model in models.values():
        if fit_fingerprint(model.run, Data(store, source)) != model.record["fingerprint"]:
            raise PareError(
                "the data or the task changed since the model was trained; train it again: " + model.run.command()
            )
    return models


def network_of(model: Model) -> CrossModalModel:
    """The network of a model; PareError for the mean of several trainings, which has no single one."""
    if isinstance(model.predictor, TrainedNetwork) and isinstance(model.predictor.network, CrossModalModel):
        return model.predictor.network
    raise PareError(
        f"the model of {model.run.folder} is the mean of several trainings, and the analysis looks into one network; "
        f"train it again: {model.run.command()},training.members=1"
    )


def plain_run(run: Run, method: str) -> Run:
    """The same run by the plain method of that name, as far as its folder and its command need it."""
    choices = {key: origin for key, origin in run.provenance.items() if "." not in key}
    return run.model_copy(update={"method_name": method, "variant": "", "provenance": choices})


def _missing(run: Run, *, compared: bool) -> PareError:
    without = ", or compare with no other method: --params analyse.compared=null" if compared else ""
    return PareError(
        f"there is no trained model {run.folder}, which the analysis needs; train it: {run.command()}{without}"
    )


def training_rows(store: ArrayStore, count: int, seed: int) -> dict[str, np.ndarray]:
    """At most ``count`` training rows, drawn at random; the first of more are the same as those of fewer.

    Args:
        store: the model input.
        count: number of rows.
        seed: seed of the draw.

    Returns:
        ``x`` and ``y``, each ``(rows, …)``.
    """
    rows = store.rows("train")
    return rows.__getitems__(np.random.default_rng(seed).permutation(len(rows))[:count].tolist())
