"""PaRe, its variants, ORCA, the probe and fine-tuning: learners around a pretrained encoder."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from pare.config.run import Run
from pare.learners.learner import Data, Fitted, Work
from pare.learners.machine import attention_of
from pare.learners.networks.alignment import align_embedder
from pare.learners.networks.models import CrossModalModel, load_backbone
from pare.learners.networks.models.backbones.loading import checkpoint_activations
from pare.learners.networks.models.calibration import Calibration
from pare.learners.networks.start import FieldStart, SolvedStart
from pare.learners.networks.trained_network import ENCODER, ENCODER_FOLDER, TrainedNetwork, assemble
from pare.learners.networks.training import Parts, ProxyMixing, fit
from pare.learners.networks.training.augmentation import check_augmentation
from pare.learners.networks.training.objective import check_mixing
from pare.learners.networks.training.source_batches import load_source_batches

CALIBRATION_ROWS = 64  # training rows that set the scale of the embedder


class TransformerLearner:
    """The learner of a network around a pretrained encoder; see `pare.learners.learner.Learner`."""

    def suits(self, run: Run) -> str:
        """Why it is not tried in a choice: the task has more training rows than suit it."""
        rows = run.task.n_training(run.protocol, run.training.fraction)
        if run.learner.rows is None or rows <= run.learner.rows:
            return ""
        return f"suits at most {run.learner.rows} training rows, the task has {rows}"

    def check(self, run: Run) -> None:
        """Refuse names of mixers, gates and augmentations that do not exist."""
        check_augmentation(run.training.augmentation, run.task.kind)
        if run.mixing:
            check_mixing(run.mixing)

    def fit(self, run: Run, data: Data, work: Work) -> Fitted:
        """Solve and train, or go on after the last epoch that was saved."""
        return fit(run, data, work, build_parts)

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> TrainedNetwork:
        """Read a network."""
        known = record["source_classes"], record["categories"], record.get("landmark_rows", 0)

        def build() -> CrossModalModel:
            return assemble(run, load_backbone(folder / ENCODER_FOLDER, run.grid, "random"), *known)

        return TrainedNetwork.load(folder, build)

    def weighs_rows(self, run: Run) -> bool:
        """Whether rows may count differently: where heads are solved and nothing is trained."""
        return not run.training.epochs and run.task.kind != "field"


def build_parts(run: Run, data: Data, chosen: np.ndarray, accelerator: Accelerator) -> Parts:
    """The network around the pretrained encoder, and what its run mixes, solves and aligns.

    Args:
        run: what to train.
        data: the model input, and the files of the encoder and its proxy.
        chosen: numbers of the training rows that are used.
        accelerator: what the training runs on.
    """
    source, rows = data.source, data.store.rows("train")
    assert source and run.proxy  # which every run around a pretrained encoder has
    backbone = load_backbone(
        source.encoder,
        run.grid,
        run.learner.initialisation,
        dropout=run.training.dropout,
        layers=run.encoder_layers,
        attention=attention_of(accelerator),
    )
    if run.training.activation_checkpointing:
        checkpoint_activations(backbone)
    config = json.loads((source.encoder / ENCODER).read_text())
    if run.start:
        config["num_hidden_layers"] = backbone.encoder.config.num_hidden_layers
    proxy = load_source_batches(run.proxy, source, backbone, run.proxy_samples, run.seed)
    network = assemble(run, backbone, proxy.classes, data.store.description.get("categories", ()), len(chosen))
    x = torch.from_numpy(rows.__getitems__(chosen[:CALIBRATION_ROWS].tolist())["x"])
    samples, _ = next(proxy.batches(len(x), np.random.default_rng(run.seed)))
    calibration = Calibration(rows, chosen, x, network.embed_source(samples), proxy.pixels)
    network.calibrate(calibration, data.store.statistics)
    network.choose_trainable(run.learner.trainable)
    start = FieldStart if run.task.kind == "field" else SolvedStart
    return Parts(
        network,
        ProxyMixing(run, network, proxy) if run.mixing else None,
        start(network, run, accelerator) if run.start else None,
        partial(align_embedder, network, rows, chosen, proxy.batches, run=run) if run.alignment else None,
        config,
        {"source_classes": proxy.classes, "landmark_rows": len(chosen)},
    )
