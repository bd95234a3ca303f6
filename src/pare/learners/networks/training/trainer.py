"""The training loop (paper, algorithm 1), resumable at the borders of epochs."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from math import ceil
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast, set_seed
from torch import Tensor

from pare.config.estimate import LONG, cpu_speed, duration, estimate
from pare.learners.learner import Fitted
from pare.learners.machine import matrix_speed, peak_memory_mb, versions
from pare.learners.networks.models.threads import fastest_threads, most_used
from pare.learners.networks.start import FieldStart
from pare.learners.networks.start.cross_validation import clearly_smaller
from pare.learners.networks.start.field_start import EXACTLY_LINEAR
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.networks.training.augmentation import augment
from pare.learners.networks.training.budget import epochs_in_time, epochs_within, mixed_epochs, step_seconds
from pare.learners.networks.training.losses import not_finite
from pare.learners.networks.training.objective import EpochMixing, Terms
from pare.learners.networks.training.optimisers import fix_batch_norms
from pare.learners.networks.training.progress import EpochProgress
from pare.learners.networks.training.rows import held_out
from pare.learners.networks.training.setup import TrainingSetup
from pare.storage.store import Rows
from pare.tracking import curve

logger = logging.getLogger(__name__)
SOLVED = -1  # the epoch before the first


class Trainer(TrainingSetup):
    """One training from its first epoch, or the first unfinished one, to its last."""

    def train(self) -> Fitted:
        """Run the epochs that are left and return the selected model."""
        if self.run.training.epochs and not self.run.member:
            # Convolutions gain less from bfloat16 than a matrix product does: priced as by `kedro tasks show`.
            plain = self.run.task.kind == "field" and self.accelerator.device.type == "cpu"
            cost = estimate(self.run, cpu_speed() if plain else matrix_speed(self.accelerator))
            logger.info("%s: %s.", self.accelerator.device, cost)
            if cost.steps and cost.seconds > LONG:
                fewer = max(1, int(self.run.training.epochs * LONG / cost.seconds))
                logger.info("Shorter: training.epochs=%d, or training.minutes=%g.", fewer, LONG / 60)
        if self.progress.epochs_done or self.progress.start:
            self.checkpoint.restore(self.accelerator)
            if isinstance(self.start, FieldStart) and self.progress.start:
                self.start.hold_out(self._training_parts(), self.progress.start)
            logger.info("Going on after epoch %d of %d.", self.progress.epochs_done, self.run.training.epochs)
        else:
            self._begin()
        if isinstance(self.start, FieldStart):
            self.training_rows.anchor = self.start.held_out
        epochs, done = self.run.training.epochs, self.progress.epochs_done
        if epochs and self._leaves_nothing:
            logger.info("The solved start leaves nothing to train: no epoch could be better.")
            epochs = 0
        bar = EpochProgress(epochs, len(self.loader), done, self.run.metric)
        with self.work.tracking.of(self.run, self.progress.fingerprint) as tracked, bar:
            tracked.epochs(curve(self.progress.history, self.progress.start))
            for epoch in epochs_in_time(done, epochs, self.run.minutes, self.progress.history):
                self._epoch(epoch, bar)
                tracked.epochs(curve(self.progress.history, self.progress.start))
        if self.progress.epochs_done > done:
            self._tell_end()
        return self._result()

    def _tell_end(self) -> None:
        progress, best = self.progress, ""
        if progress.best_value is not None and progress.best_epoch is not None:
            where = "the solved start" if progress.best_epoch == SOLVED else f"epoch {progress.best_epoch + 1}"
            best = f", best validation {self.run.metric} {progress.best_value:.4g} by {where}"
        epochs, row = self.run.training.epochs, progress.history[-1]
        logger.info("%d epochs in %s: loss %.4g%s.", epochs, duration(progress.seconds), row["loss"], best)

    @property
    def _leaves_nothing(self) -> bool:
        """Whether no epoch could be better: each validation row is right, or a linear equation solved to rounding."""
        start, best = self.progress.start, 1.0 if self.metric.higher_is_better else 0.0
        return start is not None and (start["validation"] == best or start.get("left", 1.0) < EXACTLY_LINEAR)

    def _begin(self) -> None:
        """What comes before the first epoch: the alignment of a method that has one, then the solved start."""
        started = time.perf_counter()
        if self.align:
            self.progress.alignment = self.align(self.model, self.rows["train"], self.chosen, self.source.batches)
            started += self.progress.alignment["seconds"]
        if self.start:
            solution = self.start.solve(self._training_parts())
            applied = self.start.applied if isinstance(self.start, FieldStart) else nullcontext
            with applied():
                value, losses = self._validate()
            self.progress.start = {**solution, "validation": value, "losses": losses}
            self.progress.best_epoch, self.progress.best_value = SOLVED, value
            self.progress.seconds = time.perf_counter() - started
            self.progress.peak_memory_mb = peak_memory_mb()
            self._save(applied())
            if value is not None:
                logger.info("solved start: validation %s %.4g, %.1f s", self.run.metric, value, self.progress.seconds)

    def _training_parts(self) -> list[tuple[Rows, np.ndarray]]:
        return [(self.rows["train"], self.chosen)]

    def _save(self, applied: AbstractContextManager[None]) -> None:
        if self.accelerator.is_main_process:
            self.checkpoint.save(self.accelerator, self.model, self.progress, applied)

    def _epoch(self, epoch: int, bar: EpochProgress) -> None:
        started = time.perf_counter()
        set_seed(int(self._rng(epoch, 0).integers(2**31)))
        self.loader.set_epoch(epoch)
        for _ in range((epoch - self.progress.epochs_done) * self.updates):  # steps of epochs that were left out
            self.schedule.step()
        bar.begin(epoch)
        k = self.curriculum.tokens(epoch, self.run.tokens) if self.curriculum else 0
        sums, mixing = self._steps(epoch, k, bar)
        averaged = self.average.applied if self.average else nullcontext
        with averaged():
            value, losses = self._validate()
        seconds = float(broadcast(torch.tensor(time.perf_counter() - started, device=self.accelerator.device)))
        row: dict[str, Any] = {"epoch": epoch + 1, **sums, "learning_rate": self.schedule.get_last_lr()[0]}
        if self.curriculum:
            row |= {"k": k, "lambda": k / self.run.tokens}
            self.progress.replaced.append(mixing.replaced.tolist())
            self.progress.gate_scores.append(mixing.gate_scores.tolist())
        row |= {"validation": value, "seconds": seconds}
        self._note(epoch, row, value, losses, seconds)
        self._save(averaged())
        bar.epoch_done(row)

    def _note(self, epoch: int, row: dict[str, Any], value: float | None, losses: list[float], seconds: float) -> None:
        progress = self.progress
        if self._is_best(value, losses):
            progress.best_epoch, progress.best_value = epoch, value
        progress.epochs_done = epoch + 1
        progress.history.append(row)
        progress.seconds += seconds
        progress.peak_memory_mb = max(progress.peak_memory_mb, peak_memory_mb())

    def _is_best(self, value: float | None, losses: list[float]) -> bool:
        """Whether an epoch is the best so far, by its validation metric and the loss of each validation row.

        Ties prefer the later epoch. Warm-up epochs never beat a later one: few validation rows can rank them first by
        chance. For the same reason a solved start is left only for an epoch that is clearly better.
        """
        progress, sign = self.progress, 1 if self.metric.higher_is_better else -1
        if value is None or progress.best_epoch is None or progress.best_value is None:
            return True
        if progress.start:
            groups, start = self.rows["validation"].groups, progress.start
            if sign * value <= sign * start["validation"] or not clearly_smaller(losses, start["losses"], groups):
                return False
        return progress.best_epoch < self.run.training.warming or sign * value >= sign * progress.best_value

    def _steps(self, epoch: int, k: int, bar: EpochProgress) -> tuple[dict[str, float], EpochMixing]:
        self.objective.train()
        if epoch >= (1 - self.run.training.fixed_norms) * self.run.training.epochs:
            fix_batch_norms(self.model)
        noise = torch.Generator().manual_seed(int(self._rng(epoch, 1).integers(2**31)))
        size = self.run.training.batch_size * self.model.views
        source = self.source.batches(size, self._rng(epoch, 2)) if k else None
        values: dict[str, list[float]] = defaultdict(list)
        mixing, share = EpochMixing(self.run.tokens), self.run.mixing.batches if self.run.mixing else 0.0
        for step, batch in enumerate(self.loader):
            before = epoch * len(self.loader) + step  # steps of the training: epochs of few steps have their share too
            mixed = ceil((before + 1) * share) > ceil(before * share)
            terms = self._step(batch, source if mixed else None, k, noise, f"epoch {epoch + 1}, step {step + 1}")
            for name in ("total", "target", "mixed_target", "source"):
                if (term := getattr(terms, name)) is not None:
                    values["loss" if name == "total" else f"loss_{name}"].append(term.item())
            mixing.add(terms.mixture)
            bar.step(terms.total.item(), k)
        return {name: sum(terms) / len(terms) for name, terms in values.items()}, mixing

    def _step(
        self,
        batch: dict[str, Tensor],
        source: Iterator[tuple[Tensor, Tensor]] | None,
        k: int,
        noise: torch.Generator,
        place: str,
    ) -> Terms:
        device, size = self.accelerator.device, len(batch["x"]) * self.model.views
        x, y, anchor = self._changed(batch, noise)
        proxy, proxy_y = (part[:size].to(device) for part in next(source)) if source else (None, None)
        kind = ("step", source is not None)
        with fastest_threads(self.model, kind), self.accelerator.accumulate(self.objective):
            terms = self.objective(x, y, proxy, proxy_y, anchor=anchor, k=k, generator=noise)
            if not torch.isfinite(terms.total):
                raise not_finite(terms.total, place, self.schedule.get_last_lr()[0], x, y)
            self.accelerator.backward(terms.total)
            if self.accelerator.sync_gradients and self.run.training.clip_norm:
                self.accelerator.clip_grad_norm_(self.objective.parameters(), self.run.training.clip_norm)
            self.optimiser.step()
            self.schedule.step()
            self.optimiser.zero_grad()
            if self.average and self.accelerator.sync_gradients:
                self.average.update()
        return terms

    def _changed(self, batch: dict[str, Tensor], noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor | None]:
        """Inputs, outputs and the anchor's predictions, after the random changes of the training."""
        x, y, anchor = augment(batch["x"], self.run.training.augmentation, noise), batch["y"], batch.get("anchor")
        if not self.model.symmetries:
            return x, y, anchor
        x, fields = self.model.symmetries.drawn(x, y if anchor is None else torch.cat([y, anchor], 1), noise)
        return x, fields[:, : y.shape[1]], None if anchor is None else fields[:, y.shape[1] :]

    def _validate(self) -> tuple[float | None, list[float]]:
        """The metric of the validation rows, and after a solved start the loss of each; None and none without rows."""
        if not len(self.rows["validation"]):
            return None, []
        self.objective.eval()
        self.metric.reset()
        losses: list[float] = []
        with torch.no_grad(), self.accelerator.autocast():
            for batch in self.validation:
                with fastest_threads(self.model, "validation"):
                    predicted = self.model.predict(batch["x"])
                prediction, y = self.accelerator.gather_for_metrics((predicted, batch["y"]))
                self.metric.update(prediction.float(), y)
                if self.start:
                    rows = zip(prediction.split(1), y.split(1), strict=True)
                    losses += torch.stack([self.loss(*row) for row in rows]).tolist()  # one wait for a GPU a batch
        return float(self.metric.compute()), losses

    def _result(self) -> Fitted:
        progress, rows, n_train = self.progress, self.rows["validation"], len(self.chosen)
        self.model.load_state_dict(self.checkpoint.best_weights())
        held = held_out(self.model, rows, self.accelerator.device, self.run.task, self.run.training.batch_size)
        started = time.perf_counter()
        if self.start and progress.best_epoch == SOLVED and len(rows):
            n_train += self._solve_with_validation_rows()
        seconds = progress.seconds + time.perf_counter() - started
        aligning = progress.alignment["seconds"] if progress.alignment else 0.0
        record = {
            "source_classes": self.source.classes,
            "landmark_rows": len(self.chosen),
            "start": progress.start and {name: value for name, value in progress.start.items() if name != "losses"},
            "history": progress.history,
            "replaced": progress.replaced,
            "gate_scores": progress.gate_scores,
            "alignment": progress.alignment,
            "best_epoch": None if progress.best_epoch is None else progress.best_epoch + 1,
            "validation": progress.best_value,
            "n_train": n_train,
            "train_seconds": round(seconds + aligning, 1),
            "samples_per_second": round(len(self.chosen) * max(len(progress.history), 1) / seconds, 2),
            "peak_memory_mb": round(max(progress.peak_memory_mb, peak_memory_mb())),
            "device": str(self.accelerator.device),
            "precision": self.accelerator.mixed_precision,
            "threads": most_used(self.model),
            "versions": versions("torch", "transformers", "accelerate"),
        }
        return Fitted(TrainedNetwork(self.model.cpu().eval(), self.encoder_config), record, held)

    def _solve_with_validation_rows(self) -> int:
        """Fit a solved start to the validation rows as well, which have made their choice.

        Heads choose penalties and weights anew: a class of two rows may have had one before.
        """
        assert self.start is not None and self.progress.start is not None
        validation = self.rows["validation"]
        parts = [*self._training_parts(), (validation, np.arange(len(validation)))]
        if isinstance(self.start, FieldStart):
            self.start.fit(parts, self.progress.start)
        else:
            self.start.solve(parts)
        return len(validation)

    def epochs_within(self, minutes: float) -> int:
        """Epochs that fit on this machine, by the time of some steps, after which the trainer is of no other use."""
        batch, noise, rng = next(iter(self.loader)), torch.Generator().manual_seed(0), self._rng(0, 2)
        mixed = mixed_epochs(self.curriculum, self.run.tokens) if self.curriculum else []

        def seconds(k: int) -> float:
            source = self.source.batches(len(batch["x"]) * self.model.views, rng) if k else None
            return step_seconds(lambda: self._step(batch, source, k, noise, "the first steps"))

        self.objective.train()
        share = (
            len(mixed) / self.run.training.epochs * (self.run.mixing.batches if self.run.mixing else 0)
        )  # mixed steps
        a_step = (1 - share) * seconds(0) + (share * seconds(mixed[0]) if mixed else 0.0)
        found = torch.tensor(epochs_within(minutes, a_step, len(self.loader)), device=self.accelerator.device)
        return int(broadcast(found))  # the same for all processes
