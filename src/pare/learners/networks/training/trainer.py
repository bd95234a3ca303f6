"""The training loop (paper, algorithm 1), resumable after each step."""

from pare.learners.distributed import Agreement, main_first
from pare.learners.learner import Fitted
from pare.learners.networks.training.budget import Plan
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.optimisers import fix_batch_norms
from pare.learners.networks.training.progress import EpochProgress
from pare.learners.networks.training.result import result
from pare.learners.networks.training.session import Session
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
        with self.session.checkpoint:
            return self._train(plan)

    def _train(self, plan: Plan | None) -> Fitted:
        session, progress, first = self.session, self.progress, self.progress.next_epoch
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
