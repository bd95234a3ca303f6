"""The figures of an analysis, each with the table that it shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import PartialState
from matplotlib.figure import Figure

from pare.config import PareError, Run
from pare.data.origins.manifest import RawFolder
from pare.data.proxies import find_proxy_reader
from pare.evaluation.metrics import METRICS
from pare.learners.model import Model
from pare.learners.networks.models import load_backbone
from pare.learners.networks.models.solved import PictureEmbedder
from pare.learners.networks.training.source_batches import load_source_batches
from pare.learners.source_folders import SourceFolders
from pare.paper.analysis.compared import AnalysisConfig, Saved, network_of, plain_run, training_rows
from pare.paper.analysis.embeddings import Embeddings, dataset_distances, project
from pare.paper.analysis.landscape import loss_landscapes
from pare.paper.analysis.paper_figures import (
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
from pare.paper.analysis.replaced_tokens import (
    evenly_chosen,
    replaced_features,
    replaced_patches,
    score_histograms,
    shown_epochs,
    start_results,
)
from pare.paper.analysis.source_features import frequent_classes, source_features, source_labels
from pare.report.results import Results
from pare.storage.statistics import unscale_inputs
from pare.storage.store import ArrayStore

Drawn = tuple[Figure, pd.DataFrame]
Models = Mapping[str, Model]  # by method; see `load_models`
SAMPLES = 2  # whose patches are shown
MOST_MIXED = 3  # groups of mixed samples on one map


def draw_landscape(run: Run, analysis: AnalysisConfig, models: Models, store: ArrayStore) -> Drawn:
    """The loss of training rows around the run's model and around the one that it is compared with."""
    shown = {name: models[name] for name in (run.method_folder, analysis.compared) if name}
    rows = training_rows(store, analysis.landscape_rows, run.seed)
    axis = np.linspace(-analysis.landscape_reach, analysis.landscape_reach, analysis.landscape_points)
    table = loss_landscapes(shown, rows, axis, run.seed, PartialState().device)
    name = METRICS[run.task.loss].title if run.task.loss in METRICS else run.task.loss.replace("_", " ")
    return landscape_figure(table, title=f"{run.title}: loss of {len(rows['x'])} training rows", loss=name), table


def draw_distances(run: Run, embeddings: Embeddings) -> Drawn:
    """How far the mixed samples are from source and target, for several k."""
    table = dataset_distances(embeddings, run.tokens, run.seed, PartialState().device)
    return distances_figure(table, title=f"{run.title}: distance of the intermediate modality"), table


def draw_embeddings(run: Run, embeddings: Embeddings) -> Drawn:
    """One map of target, mixed and source samples."""
    tokens = run.tokens
    shown = evenly_chosen([k for k in embeddings.mixed if 0 < k < tokens], MOST_MIXED)
    mixed = {f"mixed, k/N = {k / tokens:.2f}": embeddings.mixed[k] for k in shown}
    table = project({"target": embeddings.target, **mixed, "source": embeddings.source}, run.seed)
    return embeddings_figure(table, title=f"{run.title}: embeddings (t-SNE)"), table


def draw_patches(run: Run, models: Models, store: ArrayStore, embeddings: Embeddings) -> Drawn:
    """Which patches of a few fields, or which features of a table, are replaced over the epochs."""
    record, channels = models[run.method_folder].record, store.description["channels"]
    _check_trained(run, record)
    if run.task.tokens.kind == "feature":
        names = channels or [f"feature {i + 1}" for i in range(run.tokens)]
        table = replaced_features(record["replaced"], record["history"], names, record["n_train"], run.seed)
        return features_figure(table, title=f"{run.title}: features replaced during the training"), table
    _check_mixed(run, record)
    table = replaced_patches(embeddings.target_scores[:SAMPLES], shown_epochs(record["history"]), run.seed)
    x = training_rows(store, SAMPLES, run.seed)["x"]
    embedder = network_of(models[run.method_folder]).embedder
    if isinstance(embedder, PictureEmbedder):
        shown, channel = embedder.picture(torch.from_numpy(x))[:, 0].numpy(), "picture of all channels"
    else:
        shown, channel = unscale_inputs(x, store.statistics)[:, 0], (channels or ["channel 1"])[0]
    figure = patches_figure(
        table,
        shown,
        _token_grid(run, shown.shape[1:]),
        title=f"{run.title}: patches replaced by the trained gate and at random (hatched)",
        channel=channel,
    )
    return figure, table


def draw_gate_scores(run: Run, models: Models) -> Drawn:
    """How the gate scored the tokens of both modalities over the epochs of the training."""
    record = models[run.method_folder].record
    _check_mixed(run, record)
    table = score_histograms(record["gate_scores"], record["history"])
    return scores_figure(table, title=f"{run.title}: scores of the gate during the training"), table


def draw_source_features(
    run: Run, analysis: AnalysisConfig, models: Models, encoder: RawFolder, proxy: RawFolder
) -> Drawn:
    """What the pretrained encoder and those that were trained on the task make of the same source samples."""
    assert run.proxy  # every run that mixes has one
    source = SourceFolders.of(encoder, proxy)
    pretrained = load_backbone(source.encoder, run.grid, layers=run.encoder_layers)
    encoders = {"pretrained": pretrained} | {name: network_of(trained).backbone for name, trained in models.items()}
    batches = load_source_batches(run.proxy, source, pretrained, run.proxy_samples, run.seed)
    inputs, y = next(batches.batches(2 * analysis.rows, np.random.default_rng(run.seed)))
    names = None if batches.classes is None else find_proxy_reader(run.proxy.reader)(source.proxy).class_names
    labels = source_labels(y.numpy(), names)
    shown = frequent_classes(labels, analysis.rows)
    table = source_features(encoders, inputs[shown], [labels[i] for i in shown], run.seed, PartialState().device)
    return source_features_figure(table, title=f"{run.title}: features of {run.proxy.title} (t-SNE)"), table


def draw_starts(run: Run, results: Results, saved: Saved) -> Drawn:
    """Results of all runs that differ from the run in the share of tokens replaced at first."""
    spec, table = METRICS[run.metric], start_results(run, results.frame, saved)
    command = f"{plain_run(run, run.method_name).command()},mixing.start=0.1,variant=start_10"
    metric = f"test {spec.label} ({spec.direction} is better)"
    title = f"{run.task.title}: influence of the first k"
    return starts_figure(table, title=title, metric=metric, command=command), table


def _check_trained(run: Run, record: Mapping[str, Any]) -> None:
    if not record["history"]:
        raise PareError(
            f"{run.title}: the solved start left nothing to train, so nothing was replaced; use start=random"
        )


def _check_mixed(run: Run, record: Mapping[str, Any]) -> None:
    _check_trained(run, record)
    if not any(row["k"] for row in record["history"]):
        raise PareError(f"no epoch of {run.title} replaced a token; train with a larger mixing.start")


def _token_grid(run: Run, points: tuple[int, ...]) -> TokenGrid:
    """Where the tokens lie on the points of what is shown: the input, which may have been resized, or its picture."""
    tokens = run.task.tokens
    if run.grid != run.task.grid:
        return TokenGrid(run.grid, tuple(n / count for n, count in zip(points, run.grid, strict=True)))
    return TokenGrid(run.grid, tuple(tokens.patch * n / (tokens.resize or n) for n in points))
