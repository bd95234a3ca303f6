"""Solving a probe: features of the frozen encoder, streamed once, then a head for each block of them."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import set_seed
from rich.progress import track
from torchmetrics import Metric

from pare.config.errors import PareError
from pare.config.run import Run
from pare.models import load_backbone
from pare.models.backbones.backbone import Backbone
from pare.models.probe import ProbeModel, build_probe, combined
from pare.preparation import draw_rows
from pare.preparation.statistics import RunningMoments
from pare.start.heads import PENALTIES, Head, solve_head
from pare.storage.atomic import atomic_path
from pare.storage.store import ArrayStore, Rows
from pare.training.pixel_statistics import read_pixel_statistics
from pare.training.source_batches import SourceFolders, load_source_batches
from pare.training.trained_model import ENCODER, TrainedModel, recorded_fingerprint, tell_of_replaced
from pare.training.trainer import peak_memory_mb, run_fingerprint, versions

BATCH_ROWS = 64


@dataclass(frozen=True)
class SolvedStart:
    """A probe that is described and not solved yet; lazily saved, see `pare.storage.lazy.Lazy`.

    The penalty of each head is chosen by folds of the training rows. The validation metric is that of heads fitted to
    the training rows; then the heads are fitted to the validation rows as well, since nothing is left to choose.

    Attributes:
        run: what to solve; its method has a start for the task's kind of data.
        store: the model input.
        source: the files of the encoder and its proxy.
        metric: the task's metric.
    """

    run: Run
    store: ArrayStore
    source: SourceFolders
    metric: Metric

    def is_current(self, path: Path) -> bool:
        """Whether the model at ``path`` is that of this probe."""
        return recorded_fingerprint(path) == self._fingerprint

    def write(self, path: Path) -> None:
        """Solve, and write the folder of the model whole or not at all."""
        tell_of_replaced(path, self.run)
        trained = _solved(self.run, self.store, self.source, self.metric, self._fingerprint)
        with atomic_path(path) as unfinished:
            trained.save(unfinished)

    @property
    def _fingerprint(self) -> str:
        return run_fingerprint(self.run, self.store, self.source)


def _solved(run: Run, store: ArrayStore, source: SourceFolders, metric: Metric, digest: str) -> TrainedModel:
    started = time.perf_counter()
    set_seed(run.seed)
    categories = store.description.get("categories", [])
    model = _model(run, source, categories)
    training, validation = store.rows("train"), store.rows("validation")
    chosen = draw_rows(len(training), run.training.fraction, run.seed)
    _calibrate(model, run, source, training, chosen)
    features, y = _gather(model, training, chosen, "features of the training rows")
    heads = _heads(model, run, features, y)
    value = None
    if len(validation):
        held, held_y = _gather(model, validation, np.arange(len(validation)), "features of the validation rows")
        value = _score(metric, model, heads, held, held_y)
        features = [np.concatenate(pair) for pair in zip(features, held, strict=True)]
        y = np.concatenate([y, held_y])
        heads = _heads(model, run, features, y, [head.penalty for head in heads])
    for layer, head in zip(model.heads, heads, strict=True):
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))
    seconds = time.perf_counter() - started
    record = {
        "fingerprint": digest,
        "model_input": store.fingerprint,
        "decisive": run.decisive(),
        "source_classes": None,
        "categories": categories,
        "penalties": [head.penalty for head in heads],
        "history": [],
        "replaced": [],
        "gate_scores": [],
        "alignment": None,
        "best_epoch": None,
        "validation": value,
        "n_train": len(y),
        "train_seconds": round(seconds, 1),
        "samples_per_second": round(len(y) / seconds, 2),
        "peak_memory_mb": round(peak_memory_mb()),
        "device": str(PartialState().device),
        "precision": "no",
        "versions": versions(),
    }
    config = json.loads((source.encoder / ENCODER).read_text())
    config["num_hidden_layers"] = model.backbone.encoder.config.num_hidden_layers
    return TrainedModel(run, model.cpu().eval(), record, config)


def _model(run: Run, source: SourceFolders, categories: list[int]) -> ProbeModel:
    if run.start is None:
        raise PareError(f"method {run.method_name!r} has no start to solve; use a method such as probe")

    def load(grid: tuple[int, ...], layers: int) -> Backbone:
        return load_backbone(source.encoder, grid, run.method.initialisation, layers=layers)

    return build_probe(run.task, run.start, load, categories).eval()


def _calibrate(model: ProbeModel, run: Run, source: SourceFolders, rows: Rows, chosen: np.ndarray) -> None:
    """Give scalings the statistics of the training rows, pictures those of the encoder, tokens their spread."""
    if run.task.kind == "table":
        x = rows.array("x")[chosen]
        batches = load_source_batches(run.proxy, source, model.backbone, run.proxy_samples, run.seed)
        inputs, _ = next(batches.batches(BATCH_ROWS, np.random.default_rng(run.seed)))
        spread = model.backbone.embed_source(inputs).std()
        for view in model.views:
            view.scaling.calibrate(x)
            view.calibrate(spread)
        assert model.raw is not None
        model.raw.scaling.calibrate(x)
        return
    moments = RunningMoments()
    for batch in _batches(rows, chosen):
        moments.update(np.moveaxis(batch["x"], 1, -1).reshape(-1, batch["x"].shape[1]))
    pixels = read_pixel_statistics(source.encoder)
    for view in model.views:
        view.picture.calibrate(*moments.result(), pixels.image_mean, pixels.image_std)


def _batches(rows: Rows, chosen: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(chosen), BATCH_ROWS):
        yield rows.__getitems__(chosen[start : start + BATCH_ROWS].tolist())


@torch.inference_mode()
def _gather(model: ProbeModel, rows: Rows, chosen: np.ndarray, what: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Features of rows, ``(rows, features)`` for each head, and their targets."""
    device = PartialState().device
    model.to(device)
    blocks: list[list[np.ndarray]] = [[] for _ in model.heads]
    targets = []
    for batch in track(_batches(rows, chosen), what, total=-(-len(chosen) // BATCH_ROWS), transient=True):
        for block, part in zip(blocks, model.features(torch.from_numpy(batch["x"]).to(device)), strict=True):
            block.append(part.cpu().numpy())
        targets.append(batch["y"])
    return [np.concatenate(parts) for parts in blocks], np.concatenate(targets)


def _heads(
    model: ProbeModel, run: Run, features: list[np.ndarray], y: np.ndarray, penalties: list[float] | None = None
) -> list[Head]:
    return [
        solve_head(
            block,
            y,
            run.task.output.kind,
            run.task.output.shape[0],
            encoded=model.encoded[i],
            standardised=model.standardised[i],
            balanced=run.training.class_weights,
            seed=run.seed,
            penalties=PENALTIES if penalties is None else [penalties[i]],
        )
        for i, block in enumerate(features)
    ]


def _score(metric: Metric, model: ProbeModel, heads: list[Head], features: list[np.ndarray], y: np.ndarray) -> float:
    outputs = np.stack([head(block) for head, block in zip(heads, features, strict=True)])
    metric.reset()
    metric.update(combined(torch.from_numpy(outputs), model.kind).float(), torch.from_numpy(y))
    return float(metric.compute())
