"""Nodes of the analyse pipeline."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accelerate import PartialState
from matplotlib.figure import Figure

from pare.analysis import (
    Embeddings,
    dataset_distances,
    embed,
    evenly_chosen,
    frequent_classes,
    loss_landscapes,
    project,
    replaced_features,
    replaced_patches,
    score_histograms,
    shown_epochs,
    source_features,
    source_labels,
    start_results,
)
from pare.analysis.config import AnalysisConfig
from pare.analysis.figures import (
    TokenGrid,
    distances_figure,
    embeddings_figure,
    features_figure,
    landscape_figure,
    patches_figure,
    scores_figure,
    source_features_figure,
    starts_figure,
)
from pare.config import PareError, Run
from pare.datasets import RawFolder
from pare.evaluation.metrics import METRICS
from pare.models import load_backbone
from pare.pipelines.predict.nodes import check_model
from pare.raw.proxies import PROXY_READERS
from pare.storage.store import ArrayStore
from pare.training import SourceFolders, TrainedModel
from pare.training.source_batches import load_source_batches

logger = logging.getLogger(__name__)
Drawn = tuple[Figure, pd.DataFrame]
ALSO_SHOWN = ("finetune", "orca")  # where they are trained, beside the run's own method
SAMPLES = 2  # whose patches are shown
MOST_MIXED = 3  # groups of mixed samples on one map


def load_models(
    run: Run,
    analysis: AnalysisConfig,
    models_folder: Path,
    model_input: ArrayStore,
    encoder: RawFolder,
    proxy: RawFolder,
) -> dict[str, TrainedModel]:
    """The run's trained model and those beside it, by method; the run's own comes first.

    Raises:
        PareError: if the method replaces no source tokens, a model is not there, or it was trained on other data.
    """
    mixing = run.mixing
    if mixing is None or (mixing.mixer, mixing.partner, mixing.selector) != ("replace", "source", "gate"):
        raise PareError(
            f"the analysis follows tokens that a gate replaces by the source's, method {run.method_name!r} does not do "
            "that; use method=pare"
        )
    needed = [name for name in (run.method_folder, analysis.compared) if name]
    found = [name for name in ALSO_SHOWN if _model_path(models_folder, name, run).is_dir()]
    names = list(dict.fromkeys([*needed, *found]))
    models = {name: check_model(_load(name, models_folder, run), model_input, encoder, proxy) for name in names}
    logger.info("Figures of %s with the models %s, seed %d.", run.task_name, ", ".join(names), run.seed)
    return models


def _model_path(folder: Path, name: str, run: Run) -> Path:
    return folder / name / f"seed_{run.seed}" / "model"


def _load(name: str, folder: Path, run: Run) -> TrainedModel:
    path = _model_path(folder, name, run)
    if path.is_dir():
        return TrainedModel.load(path)
    method, _, variant = name.partition("-")
    values = {"task": run.task_name, "method": method, "seed": run.seed}
    if variant:
        values["variant"] = variant
    if name == run.method_folder:
        values |= run.overridden
    params = ",".join(f"{key}={value}" for key, value in values.items())
    without = "" if name == run.method_folder else ", or compare with no other method: --params analyse.compared=null"
    raise PareError(
        f"{path} is missing, the analysis needs a trained {name}; train it: "
        f"kedro run --pipelines=pare_train --params {params}{without}"
    )


def draw_landscape(
    run: Run, analysis: AnalysisConfig, models: dict[str, TrainedModel], model_input: ArrayStore
) -> Drawn:
    """The loss of training rows around the run's model and around the one that it is compared with."""
    shown = {name: models[name] for name in (run.method_folder, analysis.compared) if name}
    rows = _training_rows(model_input, analysis.landscape_rows, run.seed)
    axis = np.linspace(-analysis.landscape_reach, analysis.landscape_reach, analysis.landscape_points)
    table = loss_landscapes(shown, rows, axis, run.seed, PartialState().device)
    name = METRICS[run.task.loss].title if run.task.loss in METRICS else run.task.loss.replace("_", " ")
    return landscape_figure(table, title=f"{_title(run)}: loss of {len(rows['x'])} training rows", loss=name), table


def embed_samples(
    run: Run,
    analysis: AnalysisConfig,
    models: dict[str, TrainedModel],
    model_input: ArrayStore,
    encoder: RawFolder,
    proxy: RawFolder,
) -> Embeddings:
    """Training rows, source samples and mixtures of both as the encoder receives them."""
    trained = models[run.method_folder]
    source = load_source_batches(
        run.proxy, _folders(encoder, proxy), trained.model.backbone, run.proxy_samples, run.seed
    )
    counts = sorted({round(share * _tokens(run)) for share in analysis.shares})
    rows = _training_rows(model_input, analysis.rows, run.seed)
    return embed(trained, rows, source, counts, PartialState().device)


def draw_distances(run: Run, embeddings: Embeddings) -> Drawn:
    """How far the mixed samples are from source and target, for several k."""
    table = dataset_distances(embeddings, _tokens(run), run.seed, PartialState().device)
    return distances_figure(table, title=f"{_title(run)}: distance of the intermediate modality"), table


def draw_embeddings(run: Run, embeddings: Embeddings) -> Drawn:
    """One map of target, mixed and source samples."""
    tokens = _tokens(run)
    chosen = evenly_chosen([k for k in embeddings.mixed if 0 < k < tokens], MOST_MIXED)
    mixed = {f"mixed, k/N = {k / tokens:.2f}": embeddings.mixed[k] for k in chosen}
    table = project({"target": embeddings.target, **mixed, "source": embeddings.source}, run.seed)
    return embeddings_figure(table, title=f"{_title(run)}: embeddings (t-SNE)"), table


def draw_patches(run: Run, models: dict[str, TrainedModel], model_input: ArrayStore, embeddings: Embeddings) -> Drawn:
    """Which patches of a few fields, or which features of a table, are replaced over the epochs."""
    record, task = models[run.method_folder].record, run.task
    if task.tokens.kind == "feature":
        names = model_input.description["channels"] or [f"feature {i + 1}" for i in range(_tokens(run))]
        table = replaced_features(record["replaced"], record["history"], names, record["n_train"], run.seed)
        return features_figure(table, title=f"{_title(run)}: features replaced during the training"), table
    _check_mixed(run, record)
    table = replaced_patches(embeddings.target_scores[:SAMPLES], shown_epochs(record["history"]), run.seed)
    figure = patches_figure(
        table,
        _first_channel(model_input, run.seed),
        _token_grid(run),
        title=f"{_title(run)}: patches replaced by the trained gate and at random (hatched)",
        channel=(model_input.description["channels"] or ["channel 1"])[0],
    )
    return figure, table


def _check_mixed(run: Run, record: dict[str, Any]) -> None:
    if not any(row["k"] for row in record["history"]):
        raise PareError(f"no epoch of {_title(run)} replaced a token; train with a larger mixing.start")


def _first_channel(model_input: ArrayStore, seed: int) -> np.ndarray:
    """That of the samples whose patches are shown, in physical units, ``(samples, *grid points)``."""
    x = _training_rows(model_input, SAMPLES, seed)["x"][:, 0]
    statistics = model_input.statistics
    return x * statistics["x_scale"][0] + statistics["x_mean"][0] if "x_mean" in statistics else x


def _token_grid(run: Run) -> TokenGrid:
    """Where the tokens lie on the points of the input, which may have been resized."""
    tokens, points = run.task.tokens, run.task.input.shape[1:]
    return TokenGrid(run.task.grid, tuple(tokens.patch * n / (tokens.resize or n) for n in points))


def draw_gate_scores(run: Run, models: dict[str, TrainedModel]) -> Drawn:
    """How the gate scored the tokens of both modalities over the epochs of the training."""
    record = models[run.method_folder].record
    _check_mixed(run, record)
    table = score_histograms(record["gate_scores"], record["history"])
    return scores_figure(table, title=f"{_title(run)}: scores of the gate during the training"), table


def draw_source_features(
    run: Run, analysis: AnalysisConfig, models: dict[str, TrainedModel], encoder: RawFolder, proxy: RawFolder
) -> Drawn:
    """What the pretrained encoder and those that were trained on the task make of the same source samples."""
    pretrained = load_backbone(encoder.path, run.task.grid)
    encoders = {"pretrained": pretrained} | {name: trained.model.backbone for name, trained in models.items()}
    source = load_source_batches(run.proxy, _folders(encoder, proxy), pretrained, run.proxy_samples, run.seed)
    inputs, y = next(source.batches(2 * analysis.rows, np.random.default_rng(run.seed)))
    names = None if source.classes is None else PROXY_READERS[run.proxy.reader](proxy.path).class_names
    labels = source_labels(y.numpy(), names)
    chosen = frequent_classes(labels, analysis.rows)
    table = source_features(encoders, inputs[chosen], [labels[i] for i in chosen], run.seed, PartialState().device)
    return source_features_figure(table, title=f"{_title(run)}: features of {run.proxy.title} (t-SNE)"), table


def draw_starts(run: Run, results_folder: Path, models_folder: Path) -> Drawn:
    """Results of all runs of the task that differ in the share of tokens replaced at first."""
    spec = METRICS[run.metric]
    table = start_results(results_folder, models_folder, metric=run.metric, protocol=run.protocol)
    command = f"kedro run --pipelines=pare_train --params task={run.task_name},mixing.start=0.1,variant=start_10"
    metric = f"test {spec.label} ({spec.direction} is better)"
    title = f"{run.task.title}: influence of the first k"
    return starts_figure(table, title=title, metric=metric, command=command), table


def _training_rows(model_input: ArrayStore, count: int, seed: int) -> dict[str, np.ndarray]:
    """At most ``count`` training rows, drawn at random; the first of more are the same as those of fewer."""
    rows = model_input.rows("train")
    return rows.__getitems__(np.random.default_rng(seed).permutation(len(rows))[:count].tolist())


def _folders(encoder: RawFolder, proxy: RawFolder) -> SourceFolders:
    return SourceFolders(encoder.path, proxy.path, (encoder.manifest.fingerprint, proxy.manifest.fingerprint))


def _tokens(run: Run) -> int:
    return int(np.prod(run.task.grid))


def _title(run: Run) -> str:
    return f"{run.task.title}, {run.method_folder}, seed {run.seed}"
