"""Nodes of the analyse pipeline; those that only draw are in `pare.paper.analysis.drawing`."""

import logging

from accelerate import PartialState

from pare.config import Run
from pare.data.origins.manifest import RawFolder
from pare.learners.model import Model
from pare.learners.networks.training.source_batches import load_source_batches
from pare.learners.source_folders import SourceFolders
from pare.paper.analysis.compared import AnalysisConfig, Saved, load_models, network_of, training_rows
from pare.paper.analysis.embeddings import Embeddings, embed
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
Models = dict[str, Model]


def load_compared_models(
    run: Run,
    analysis: AnalysisConfig,
    trained_models: Saved,
    model_input: ArrayStore,
    encoder: RawFolder,
    proxy: RawFolder,
) -> Models:
    """The run's trained model and those that it is compared with, by method."""
    models = load_models(run, analysis, trained_models, model_input, SourceFolders.of(encoder, proxy))
    names = [f"{name}{_values(model.run)}" for name, model in models.items()]
    logger.info("Figures of %s with the models %s, seed %d.", run.task_name, ", ".join(names), run.seed)
    return models


def _values(run: Run) -> str:
    """What a model was trained with that its method does not say."""
    values = ", ".join(f"{key} {value}" for key, value in run.overridden.items())
    return f" (trained with {values})" if values else ""


def embed_samples(
    run: Run, analysis: AnalysisConfig, models: Models, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder
) -> Embeddings:
    """Training rows, source samples and mixtures of both as the encoder receives them."""
    trained, source = models[run.method_folder], SourceFolders.of(encoder, proxy)
    assert run.proxy  # every run that mixes has one
    batches = load_source_batches(run.proxy, source, network_of(trained).backbone, run.proxy_samples, run.seed)
    counts = sorted({round(share * run.tokens) for share in analysis.shares})
    rows = training_rows(model_input, analysis.rows, run.seed)
    return embed(trained, rows, batches, counts, PartialState().device)
