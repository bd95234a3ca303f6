"""The training loop (paper, algorithm 1), resumable at the borders of epochs."""

import json
import logging
import platform
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchmetrics import Metric
from transformers import get_scheduler

from pare.config.errors import PareError
from pare.config.estimate import estimate
from pare.config.run import Run
from pare.mixing import Curriculum
from pare.models import CrossModalModel, load_backbone
from pare.preparation import draw_rows
from pare.storage.fingerprint import fingerprint
from pare.storage.store import ArrayStore, Rows
from pare.training.augmentation import augment
from pare.training.checkpoint import Checkpoint
from pare.training.epoch_mixing import EpochMixing
from pare.training.losses import build_loss
from pare.training.objective import Objective, Terms
from pare.training.progress import EpochProgress
from pare.training.source_batches import SourceFolders, load_source_batches
from pare.training.trained_model import ENCODER, TrainedModel, gate_kind

logger = logging.getLogger(__name__)
FIRST_STEP = "epoch 1, step 1"
# What fits the embedder before the first epoch: model, training rows, the numbers of those used, proxy batches.
Align = Callable[
    [CrossModalModel, Rows, np.ndarray, Callable[[int, np.random.Generator], Iterator[tuple[Tensor, Tensor]]]],
    dict[str, Any],
]


def run_fingerprint(run: Run, store: ArrayStore, source: SourceFolders) -> str:
    """Digest of everything that decides the trained weights, except for the machine."""
    return fingerprint(run.decisive(), store.fingerprint, source.fingerprints)


def fit(
    run: Run,
    store: ArrayStore,
    source: SourceFolders,
    checkpoint: Path,
    metric: Metric,
    align: Align | None = None,
) -> TrainedModel:
    """Train the run's model, or go on with an interrupted training.

    Args:
        run: what to train.
        store: the model input.
        source: the files of the encoder and its proxy.
        checkpoint: folder in which the last finished epoch is kept, also after the training.
        metric: the task's metric, for the choice of the best epoch.
        align: first stage of the method, which fits the embedder before the first epoch and says how it went.

    Returns:
        The model of the best validation epoch (protocol validated) or of the last epoch (protocol paper).

    Raises:
        PareError: where the loss is not finite, or the encoder does not fit the task.
    """
    return Trainer(run, store, source, checkpoint, metric, align).train()


def batch_loader(rows: "Rows | Subset[Any]", batch_size: int, *, shuffle: bool = False) -> "DataLoader[Any]":
    """Batches ``{"x": (batch, …), "y": (batch, …)}`` of a split, each read at once."""
    return DataLoader(rows, batch_size, shuffle=shuffle, collate_fn=_as_tensors)  # type: ignore[arg-type]


def _as_tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


class Trainer:
    """One training from its first epoch, or the first unfinished one, to its last."""

    def __init__(
        self,
        run: Run,
        store: ArrayStore,
        source: SourceFolders,
        checkpoint: Path,
        metric: Metric,
        align: Align | None = None,
    ) -> None:
        self.run, self.store, self.metric, self.align = run, store, metric, align
        self.accelerator = _accelerator(run)
        set_seed(run.seed)
        backbone = load_backbone(source.encoder, run.task.grid, run.method.initialisation, dropout=run.training.dropout)
        self.encoder_config = json.loads((source.encoder / ENCODER).read_text())
        self.source = load_source_batches(run.proxy, source, backbone, run.proxy_samples, run.seed)
        self.model = CrossModalModel(
            run.task, backbone, self.source.classes, store.description.get("categories", ()), gate_kind(run)
        )
        self.rows = {split: store.rows(split) for split in ("train", "validation")}
        self._calibrate()
        self.model.choose_trainable(run.method.trainable)
        self.curriculum = _curriculum(run)
        self._prepare()
        self.checkpoint = Checkpoint(checkpoint)
        self.progress = self.checkpoint.progress(run_fingerprint(run, store, source))

    def _calibrate(self) -> None:
        x = torch.from_numpy(self.rows["train"].read(0, self.run.training.calibration_rows)["x"])
        source, _ = next(self.source.batches(len(x), np.random.default_rng(self.run.seed)))
        self.model.calibrate(x, source, self.store.statistics)

    def _prepare(self) -> None:
        training = self.run.training
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        build = getattr(torch.optim, training.optimiser)
        optimiser = build(trainable, lr=training.learning_rate, **training.optimiser_options)
        self.chosen = self._chosen_rows()
        training_rows: Subset[Any] = Subset(self.rows["train"], self.chosen.tolist())  # type: ignore[arg-type]
        loader = batch_loader(training_rows, training.batch_size, shuffle=True)
        loss = build_loss(
            self.run.task.loss,
            self.run.task.output.kind,
            class_weights=self._class_weights(self.chosen),
            positive_weight=training.positive_weight,
        )
        objective = Objective(self.model, loss, training, self.run.mixing)
        self.objective, self.optimiser, self.loader = self.accelerator.prepare(objective, optimiser, loader)
        steps = -(-len(self.loader) // training.accumulation)
        schedule = get_scheduler(
            training.schedule,
            optimiser,
            num_warmup_steps=round(steps * training.warmup_epochs) * self.accelerator.num_processes,
            num_training_steps=steps * training.epochs * self.accelerator.num_processes,
        )
        self.schedule = self.accelerator.prepare(schedule)
        self.validation = self.accelerator.prepare(batch_loader(self.rows["validation"], training.batch_size * 2))

    def _chosen_rows(self) -> np.ndarray:
        """Numbers of the training rows: all, or a random share of them that the seed decides."""
        return draw_rows(len(self.rows["train"]), self.run.training.fraction, self.run.seed)

    def _class_weights(self, chosen: np.ndarray) -> Tensor | None:
        if not self.run.training.class_weights:
            return None
        if self.run.task.classes is None:
            kind = self.run.task.output.kind
            raise PareError(f"class weights weigh classes, the task predicts {kind}; set training.class_weights=false")
        counts = np.bincount(self.rows["train"].array("y")[chosen], minlength=self.run.task.output.shape[0])
        if not counts.all():
            raise PareError(
                f"classes {np.flatnonzero(counts == 0).tolist()} have no training row; class_weights needs one each"
            )
        return torch.tensor(counts.sum() / counts, dtype=torch.float32, device=self.accelerator.device)

    def train(self) -> TrainedModel:
        """Run the epochs that are left and return the chosen model."""
        logger.info("%s: %s.", self.accelerator.device, estimate(self.run, _matrix_speed(self.accelerator)))
        if self.progress.epochs_done:
            self.checkpoint.restore(self.accelerator)
            logger.info("Going on after epoch %d of %d.", self.progress.epochs_done, self.run.training.epochs)
        elif self.align:
            self.progress.alignment = self.align(self.model, self.rows["train"], self.chosen, self.source.batches)
        with EpochProgress(self.run.training.epochs, len(self.loader), self.progress.epochs_done) as bar:
            for epoch in range(self.progress.epochs_done, self.run.training.epochs):
                self._epoch(epoch, bar)
        return self._result()

    def _epoch(self, epoch: int, bar: EpochProgress) -> None:
        started = time.perf_counter()
        set_seed(int(self._rng(epoch, 0).integers(2**31)))
        self.loader.set_epoch(epoch)
        k = self.curriculum.tokens(epoch, int(np.prod(self.run.task.grid))) if self.curriculum else 0
        sums, mixing = self._steps(epoch, k, bar)
        value = self._validate()
        seconds = time.perf_counter() - started
        row: dict[str, Any] = {"epoch": epoch + 1, **sums, "learning_rate": self.schedule.get_last_lr()[0]}
        if self.curriculum:
            row |= {"k": k, "lambda": k / int(np.prod(self.run.task.grid))}
            self.progress.replaced.append(mixing.replaced.tolist())
            self.progress.gate_scores.append(mixing.gate_scores.tolist())
        row |= {"validation": value, "seconds": seconds}
        self._note(epoch, row, value, seconds)
        if self.accelerator.is_main_process:
            self.checkpoint.save(self.accelerator, self.model, self.progress)
        bar.epoch_done(row)

    def _note(self, epoch: int, row: dict[str, Any], value: float | None, seconds: float) -> None:
        progress = self.progress
        best = progress.best_value
        sign = 1 if self.metric.higher_is_better else -1
        # Ties prefer the later epoch. Warm-up epochs never beat a later one: few validation rows can rank them first
        # by chance.
        warming = progress.best_epoch is not None and progress.best_epoch < self.run.training.warmup_epochs
        if value is None or best is None or warming or sign * value >= sign * best:
            progress.best_epoch, progress.best_value = epoch, value
        progress.epochs_done = epoch + 1
        progress.history.append(row)
        progress.seconds += seconds
        progress.peak_memory_mb = max(progress.peak_memory_mb, peak_memory_mb())

    def _steps(self, epoch: int, k: int, bar: EpochProgress) -> tuple[dict[str, float], EpochMixing]:
        self.objective.train()
        noise = torch.Generator().manual_seed(int(self._rng(epoch, 1).integers(2**31)))
        source = self.source.batches(self.run.training.batch_size, self._rng(epoch, 2)) if k else None
        sums: dict[str, float] = defaultdict(float)
        mixing = EpochMixing(int(np.prod(self.run.task.grid)), len(self.loader))
        for step, batch in enumerate(self.loader):
            terms = self._step(batch, source, k, noise, f"epoch {epoch + 1}, step {step + 1}")
            for name in ("total", "target", "mixed_target", "source"):
                if (term := getattr(terms, name)) is not None:
                    sums["loss" if name == "total" else f"loss_{name}"] += term.item() / len(self.loader)
            mixing.add(terms.mixture)
            bar.step(terms.total.item(), k, self.schedule.get_last_lr()[0])
        return dict(sums), mixing

    def _step(
        self,
        batch: dict[str, Tensor],
        source: Iterator[tuple[Tensor, Tensor]] | None,
        k: int,
        noise: torch.Generator,
        place: str,
    ) -> Terms:
        device, size = self.accelerator.device, len(batch["x"])
        x = augment(batch["x"], self.run.training.augmentation, noise)
        proxy, proxy_y = (part[:size].to(device) for part in next(source)) if source else (None, None)
        with self.accelerator.accumulate(self.objective):
            terms = self.objective(x, batch["y"], proxy, proxy_y, k=k, generator=noise)
            if not torch.isfinite(terms.total):
                raise _not_finite(terms.total, place, self.schedule.get_last_lr()[0], x)
            self.accelerator.backward(terms.total)
            if self.accelerator.sync_gradients and self.run.training.clip_norm:
                self.accelerator.clip_grad_norm_(self.objective.parameters(), self.run.training.clip_norm)
            self.optimiser.step()
            self.schedule.step()
            self.optimiser.zero_grad()
        return terms

    def _validate(self) -> float | None:
        if not len(self.rows["validation"]):
            return None
        self.objective.eval()
        self.metric.reset()
        with torch.no_grad(), self.accelerator.autocast():
            for batch in self.validation:
                prediction, y = self.accelerator.gather_for_metrics((self.model(batch["x"]), batch["y"]))
                self.metric.update(prediction.float(), y)
        return float(self.metric.compute())

    def _rng(self, epoch: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.run.seed, epoch, purpose, self.accelerator.process_index])

    def _result(self) -> TrainedModel:
        progress = self.progress
        self.model.load_state_dict(self.checkpoint.best_weights())
        seen = len(self.loader.dataset) * self.run.training.epochs
        aligning = progress.alignment["seconds"] if progress.alignment else 0.0
        record = {
            "fingerprint": progress.fingerprint,
            "model_input": self.store.fingerprint,
            "decisive": self.run.decisive(),
            "source_classes": self.source.classes,
            "categories": self.store.description.get("categories", []),
            "history": progress.history,
            "replaced": progress.replaced,
            "gate_scores": progress.gate_scores,
            "alignment": progress.alignment,
            "best_epoch": None if progress.best_epoch is None else progress.best_epoch + 1,
            "validation": progress.best_value,
            "n_train": len(self.loader.dataset),
            "train_seconds": round(progress.seconds + aligning, 1),
            "samples_per_second": round(seen / progress.seconds, 2),
            "peak_memory_mb": round(progress.peak_memory_mb),
            "device": str(self.accelerator.device),
            "precision": self.accelerator.mixed_precision,
            "versions": versions(),
        }
        return TrainedModel(self.run, self.model.cpu().eval(), record, self.encoder_config)


def _curriculum(run: Run) -> Curriculum | None:
    mixing = run.mixing
    if mixing is None:
        return None
    return Curriculum(mixing.start, mixing.end, run.training.epochs, mixing.curriculum, run.seed)


def _accelerator(run: Run) -> Accelerator:
    # Another run of this process may have had another precision. accelerate has no public way to say so; the Trainer of
    # transformers does the same.
    AcceleratorState._reset_state(reset_partial_state=True)
    precision = run.training.precision
    if precision == "auto":
        precision = "bf16" if _has_bf16() else "no"
    return Accelerator(
        mixed_precision=precision,
        gradient_accumulation_steps=run.training.accumulation,
        dataloader_config=DataLoaderConfiguration(use_seedable_sampler=True, data_seed=run.seed),
    )


def _matrix_speed(accelerator: Accelerator) -> float:
    """Floating-point operations per second of a matrix product, on the device and in the precision of the training."""
    dtype = torch.bfloat16 if accelerator.mixed_precision == "bf16" else torch.float32
    factor = torch.ones(2048, 2048, device=accelerator.device, dtype=dtype)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        float((factor @ factor)[0, 0])  # reading one number waits for the device
        seconds.append(time.perf_counter() - start)
    return 2 * len(factor) ** 3 / min(seconds)


def _has_bf16() -> bool:
    """Whether this hardware multiplies bfloat16 faster than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.backends.mps.is_available() or not hasattr(torch.cpu, "get_capabilities"):
        return False
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))


def _not_finite(loss: Tensor, place: str, learning_rate: float, x: Tensor) -> PareError:
    """What to do about a loss that is not finite: at the first step the learning rate has had no effect yet."""
    low, high = x.nan_to_num(0.0, torch.inf, -torch.inf).aminmax()  # NaN is a missing value of a table
    advice = "lower training.learning_rate"
    if place == FIRST_STEP:
        advice = "scale inputs that are far from 1, by normalisation.inputs of the task"
    return PareError(
        f"the loss is {loss.item()} at {place}, learning rate {learning_rate:.2e}, inputs from {low:.3g} to "
        f"{high:.3g}; {advice}, or set training.precision=no"
    )


def peak_memory_mb() -> float:
    """The most memory that this process has held so far: of the accelerator where there is one, else of the CPU."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def versions() -> dict[str, str]:
    """Versions of what decides a result."""
    packages = ("pare", "torch", "transformers", "accelerate", "kedro")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
