"""The training loop (paper, algorithm 1), resumable at the borders of epochs."""

import time
from collections import defaultdict
from typing import Any

import torch
from accelerate.utils import set_seed

from pare.learners.learner import Fitted
from pare.learners.networks.training.budget import Plan
from pare.learners.networks.training.optimisers import fix_batch_norms
from pare.learners.networks.training.progress import EpochProgress
from pare.learners.networks.training.proxy_mixing import MixedEpoch
from pare.learners.networks.training.result import result
from pare.learners.networks.training.session import Session
from pare.tracking import curve


class Trainer:
    """One training from its first epoch, or the first unfinished one, to its last.

    Args:
        session: the training.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.setup, self.progress = session, session.setup, session.progress

    def train(self, plan: Plan | None = None) -> Fitted:
        """Run the epochs that are left and return the selected network.

        Args:
            plan: as for `Session.begin`.
        """
        session, progress, done = self.session, self.progress, self.progress.epochs_done
        session.begin(plan)
        bar = EpochProgress(progress.epochs, len(self.setup.loader), done, session.run.metric)
        with session.work.tracking.of(session.run, progress.fingerprint) as tracked, bar:
            tracked.epochs(curve(progress.history, progress.start))
            for epoch in range(done, progress.epochs):
                self._epoch(epoch, bar)
                tracked.epochs(curve(progress.history, progress.start))
        if progress.epochs_done > done:
            session.tell_end()
        return result(self.setup, progress, session.checkpoint)

    def _epoch(self, epoch: int, bar: EpochProgress) -> None:
        setup, mixing, started = self.setup, self.setup.parts.mixing, time.perf_counter()
        set_seed(int(setup.rng(epoch, 0).integers(2**31)))
        setup.loader.set_epoch(epoch)
        bar.begin(epoch)
        mixed = mixing.epoch(epoch, len(setup.loader), setup.rng(epoch, 2)) if mixing else None
        losses = self._steps(epoch, mixed, bar)
        if not losses:  # each step was late
            return
        row: dict[str, Any] = {"epoch": epoch + 1, **losses, "learning_rate": setup.go_to(epoch + 1)}
        if mixed:
            row |= mixed.row
            self.progress.replaced.append(mixed.replaced.tolist())
            self.progress.gate_scores.append(mixed.gate_scores.tolist())
        with setup.averaged():
            row["validation"], row_losses = self.session.validation.measure()
        row["seconds"] = setup.same(time.perf_counter() - started)
        self.session.keep(row, row_losses, setup.averaged())
        bar.epoch_done(row)

    def _steps(self, epoch: int, mixed: MixedEpoch | None, bar: EpochProgress) -> dict[str, float]:
        """Make the steps of an epoch, but for those that are late; the mean of each of their losses."""
        setup, session = self.setup, self.session
        setup.objective.train()
        if epoch >= (1 - setup.training.fixed_norms) * setup.training.epochs:
            fix_batch_norms(setup.network)
        noise = torch.Generator().manual_seed(int(setup.rng(epoch, 1).integers(2**31)))
        losses: defaultdict[str, list[float]] = defaultdict(list)
        for number, batch in enumerate(setup.loader):
            if session.is_late(epoch * len(setup.loader) + number):
                continue
            setup.go_to(epoch, number)
            place = f"epoch {epoch + 1}, step {number + 1}"
            terms = session.steps.step(batch, mixed.step(number) if mixed else None, noise, place)
            for name, loss in terms.losses.items():
                losses[name].append(loss.item())
            if mixed:
                mixed.note(terms.mixture)
            bar.step(losses["loss"][-1], mixed.k if mixed else 0)
        return {name: sum(values) / len(values) for name, values in losses.items()}
