"""The training loop (paper, algorithm 1), resumable after each step, and what it gives back."""

import time
from functools import partial

from pare.evaluation.scoring import calibrated
from pare.learners.distributed import Agreement, main_first
from pare.learners.learner import Fitted
from pare.learners.machine import peak_memory_mb, versions
from pare.learners.networks.models.threads import most_used
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.networks.training.budget import Plan
from pare.learners.networks.training.checkpoint import SOLVED, Checkpoint, Progress
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.optimisers import fix_batch_norms
from pare.learners.networks.training.progress import EpochProgress
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.setup import Setup
from pare.storage.signals import Stopped, held
from pare.tracking import curve


class Trainer:
    """One training from its first step, or the first one that is left, to its last.

    Args:
        session: the training.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.setup, self.progress = session, session.setup, session.progress
        self.agreement = Agreement()

    def train(self, plan: Plan | None = None) -> Fitted:
        """Run the epochs that are left and return the selected network.

        Args:
            plan: as for `Session.begin`.
        """
        session, progress, first = self.session, self.progress, self.progress.next_epoch
        with session.checkpoint:
            session.begin(plan)
            bar = EpochProgress(progress.epochs, len(self.setup.batches), first, session.run.metric)
            tracking = session.work.tracking.of(session.run, progress.fingerprint)
            with held() as self.signals, tracking as tracked, bar:
                tracked.epochs(curve(progress.history, progress.start))
                for epoch in range(first, progress.epochs):
                    self._epoch(epoch, bar)
                    tracked.epochs(curve(progress.history, progress.start))
            if progress.epochs_done > first:
                session.tell_end()
            return result(self.setup, progress, session.checkpoint)

    def _epoch(self, number: int, bar: EpochProgress) -> None:
        epoch, setup = Epoch(self.setup, number, self.progress.epoch), self.setup
        bar.begin(number, epoch.steps)
        try:
            self._steps(epoch, bar)
            if not epoch.losses:  # each step was late
                return
            row = epoch.row(setup.go_to(number + 1))
            with setup.averaged():
                row["validation"], losses = self.session.validation.measure(self._is_due)
        except Stopped:
            self.session.save_within(epoch)
            self.session.tell_stop()
            with main_first(), self.session.checkpoint:  # a launcher ends the others once one has ended
                raise
        row["seconds"] = epoch.seconds
        self.session.keep(epoch, row, losses)
        bar.epoch_done(row)

    def _steps(self, epoch: Epoch, bar: EpochProgress) -> None:
        """Make the steps of an epoch that are left, but for those that are late."""
        setup, session, mixed = self.setup, self.session, epoch.mixed
        setup.objective.train()
        if epoch.number >= (1 - setup.training.fixed_norms) * setup.training.epochs:
            fix_batch_norms(setup.network)
        for number, batch in epoch.batches():
            if session.is_late(epoch.number * len(setup.batches) + number):
                setup.objective.zero_grad()  # no gradients wait for a step that is left out
                continue
            setup.go_to(epoch.number, number)
            proxy = mixed.step(number) if mixed else None
            updates, share = setup.updates_after(number), setup.share_of_update(number)
            epoch.note(session.steps.step(batch, proxy, epoch.draws(number), updates=updates, share=share))
            bar.step(epoch.loss.value, mixed.k if mixed else 0)
            session.tell_length(mixed=proxy is not None)
            if updates and self._is_due():  # no gradients wait for the next step
                session.save_within(epoch)

    def _is_due(self) -> bool:
        """Whether all processes are to save; where a signal came to one, all end here."""
        number, due = self.agreement.largest(self.signals.number, self.session.is_due)
        self.signals.let_through(number)
        return bool(due)


def result(setup: Setup, progress: Progress, checkpoint: Checkpoint) -> Fitted:
    """The network of the best epoch, or the solved start, fitted to the validation rows as well.

    Args:
        setup: what was trained.
        progress: how the training went.
        checkpoint: holds the best weights.
    """
    network, accelerator, rows = setup.network.eval(), setup.accelerator, setup.rows["validation"]
    network.load_state_dict(checkpoint.best)
    predictor = TrainedNetwork(network, setup.parts.encoder_config)
    calibration = calibrated(setup.run.task, partial(predictor.outputs, device=accelerator.device), rows)
    started, n_train, start = time.perf_counter(), len(setup.chosen), progress.start
    if setup.parts.start and start and progress.best_epoch == SOLVED and len(rows):
        if accelerator.is_main_process:  # which has the features of the start, and writes the model
            setup.parts.start.fit([setup.part("train"), setup.part("validation")], start)
        n_train += len(rows)
    seconds = progress.seconds + time.perf_counter() - started
    record = {
        **setup.parts.record,
        "start": start and {name: value for name, value in start.items() if name != "losses"},
        "history": progress.history,
        "left_out": progress.left_out,
        "replaced": progress.replaced,
        "gate_scores": progress.gate_scores,
        "alignment": progress.alignment,
        "best_epoch": None if progress.best_epoch is None else progress.best_epoch + 1,
        "validation": progress.best_value,
        "n_train": n_train,
        "train_seconds": round(seconds, 1),
        "samples_per_second": round(len(setup.chosen) * max(len(progress.history), 1) / seconds, 2),
        "peak_memory_mb": round(max(progress.peak_memory_mb, peak_memory_mb())),
        "device": str(accelerator.device),
        "processes": accelerator.num_processes,
        "batch_size": setup.training.batch_size,
        "precision": accelerator.mixed_precision,
        "threads": most_used(network),
        "versions": versions("torch", "transformers", "accelerate"),
    }
    network.cpu()
    return Fitted(predictor, record, calibration)
