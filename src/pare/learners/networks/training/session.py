"""A training that can be interrupted: what comes before its first epoch, its plan, and what is kept of an epoch."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from pare.config.estimate import LONG, duration
from pare.config.run import Run
from pare.config.words import counted
from pare.learners.distributed import from_main, main_first
from pare.learners.learner import Data, Work
from pare.learners.machine import peak_memory_mb
from pare.learners.networks.start.field_start import EXACTLY_LINEAR
from pare.learners.networks.training.budget import MEASURED, SETTLING, Plan, Timetable, planned
from pare.learners.networks.training.checkpoint import SOLVED, Checkpoint
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.setup import Build, Setup
from pare.learners.networks.training.steps import Steps
from pare.learners.networks.training.validation import Validation

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
MINUTE, SOON = 60.0, 10.0  # seconds of a training that is worth telling, and of the steps by which it is told
ONE_PASS_EPOCHS = 3  # fewest epochs of a training without plain batches until batch norms are fixed


class Session:
    """One training of a run, new or interrupted.

    Args:
        run: what to train.
        data: the model input, and the files of an encoder and its proxy where the learner has them.
        work: the folder of the last epoch that was saved.
        build: makes what the learner brings along.
    """

    def __init__(self, run: Run, data: Data, work: Work, build: Build) -> None:
        self._opened = time.perf_counter()
        self.run, self.work, self.setup = run, work, Setup(run, data, build)
        self.steps, self.validation = Steps(self.setup), Validation(self.setup)
        self.checkpoint = Checkpoint(work.folder, self.setup.network, self.setup.learning)
        with main_first():  # which puts right what a kill left
            self.progress = self.checkpoint.progress(work.fingerprint)
        self._earlier = self.progress.seconds
        self._ends: list[tuple[float, float]] = []  # when the first steps of this process ended, and passes of each
        self._told = False  # how long all take

    @property
    def seconds(self) -> float:
        """Seconds of the training so far, the same for all processes; those since the last save are lost by a kill."""
        return self._earlier + from_main(time.perf_counter() - self._opened)

    def begin(self, plan: Plan | None = None) -> None:
        """Go on after the last epoch that was saved; or align, solve the start, and fix the number of epochs.

        Args:
            plan: epochs and trainings; None: those of the configuration, or as many as fit into the minutes.
        """
        progress, start = self.progress, self.setup.parts.start
        begun = bool(progress.epochs_done or progress.epoch)
        resumed = begun or bool(progress.start)
        if resumed:
            self.checkpoint.restore()
            size = self.setup.training.batch_size
            if progress.epoch and progress.epoch.get("batch_size", size) != size:
                progress.epoch = None  # memory was short: steps of the same numbers have other rows now
            if start and progress.start:
                self._on_main(partial(start.hold_out, [self.setup.part("train")], progress.start))
        else:
            progress.alignment = self._on_main(self.setup.parts.align) if self.setup.parts.align else None
            if start:
                self._solve()
        self.setup.training_rows.anchor = start.held_out if start else None
        if not begun:
            plan = self._nothing() or plan or self._planned()
            progress.epochs, progress.members, progress.begun = plan.epochs, plan.members, self.seconds
        if progress.epochs:
            self.setup.plan(progress.epochs)
        if resumed:
            logger.info("Going on after %s.", self._place)

    def _solve(self) -> None:
        start, progress = self.setup.parts.start, self.progress
        assert start
        solution = self._on_main(partial(start.solve, [self.setup.part("train")]))
        with start.applied():
            value, losses = self.validation.measure()
        progress.start = {**solution, "validation": value, "losses": losses}
        progress.best_epoch, progress.best_value = SOLVED, value
        self.checkpoint.note_best(start.applied())
        self._save()
        if value is not None:
            logger.info("solved start: validation %s %.4g, %.1f s", self.run.metric, value, progress.seconds)

    def _on_main(self, work: Callable[[], Result]) -> Result:
        """Let the main process change the network without gradients, and all have what comes of it."""
        if self.setup.share.is_whole:
            return work()
        network, start, given = self.setup.network, self.setup.parts.start, None
        if self.setup.accelerator.is_main_process:
            result = work()
            state = {name: value.cpu() for name, value in network.state_dict().items()}
            given = result, state, start and start.found
        given = from_main(given)
        assert given
        result, state, found = given
        network.load_state_dict(state)
        if start:
            start.found = found
        return result

    def _nothing(self) -> Plan | None:
        """No epoch, where none could be better: all validation rows are right, or a linear equation is solved."""
        start = self.progress.start
        if not self.run.training.epochs or start is None:
            return None
        if not self.validation.is_perfect(start["validation"]) and start.get("left", 1.0) >= EXACTLY_LINEAR:
            return None
        logger.info("The solved start leaves nothing to train: no epoch could be better.")
        return Plan(0, 1)

    def _planned(self) -> Plan:
        training, mixing = self.run.training, self.setup.parts.mixing
        if not training.epochs or not self.run.minutes:
            return Plan(training.epochs, training.members)
        started = time.perf_counter()
        self.validation.measure()
        seconds = time.perf_counter() - started + len(self.setup.batches) * self.steps.seconds()
        found = max(1, int(from_main((60 * self.run.minutes - self.seconds) / seconds)))
        plan = planned(found, training.members, training.member_epochs)
        if mixing and mixing.leaves_no_plain_step and training.fixed_norms:
            plan = Plan(max(plan.epochs, ONE_PASS_EPOCHS), plan.members)
        several = f", in {plan.members} trainings of {plan.epochs}, whose predictions are averaged"
        logger.info("%d epochs fit into %g min%s.", found, self.run.minutes, several if plan.members > 1 else "")
        return plan

    def is_late(self, step: int) -> bool:
        """Whether the step of that number, from 0, is left out, so that the training ends in time."""
        progress, minutes = self.progress, self.run.minutes
        if minutes is None:
            return False
        steps = progress.epochs * len(self.setup.batches)
        late = Timetable(minutes, progress.members, progress.begun, steps).leaves_out(step, self.seconds)
        if late and not progress.left_out:
            logger.warning("The machine became slower: steps are left out, to end in about %g min.", minutes)
        progress.left_out += late
        return late

    def keep(self, epoch: Epoch, row: dict[str, Any], losses: list[float]) -> None:
        """Note an epoch, and save it where that is due, or another member follows.

        Args:
            epoch: the epoch, all of whose steps are made.
            row: the epoch in the history.
            losses: loss of each validation row, after a solved start.
        """
        progress = self.progress
        if self.validation.is_best(progress, row["validation"], losses):
            progress.best_epoch, progress.best_value = epoch.number, row["validation"]
            self.checkpoint.note_best(self.setup.averaged())
        progress.epochs_done, progress.epoch = epoch.number + 1, None
        progress.history.append(row)
        if epoch.mixed:
            progress.replaced.append(epoch.mixed.replaced.tolist())
            progress.gate_scores.append(epoch.mixed.gate_scores.tolist())
        self._save()

    @property
    def is_due(self) -> bool:
        """Whether a save within an epoch is due; the main process knows."""
        return self.setup.accelerator.is_main_process and self.checkpoint.is_due(self._most, within=True)

    def save_within(self, epoch: Epoch) -> None:
        """Save between two steps; all processes do so after the same one.

        Args:
            epoch: the epoch.
        """
        self.progress.epoch = epoch.state()
        self._save(now=True)

    def tell_stop(self) -> None:
        """Say where the training was stopped."""
        logger.info("Stopped after %s, which is saved.", self._place)

    def _save(self, *, now: bool = False) -> None:
        progress = self.progress
        progress.seconds = self.seconds
        progress.peak_memory_mb = max(progress.peak_memory_mb, peak_memory_mb())
        # Else a kill in the training of the next member would lose this one.
        followed = 0 < progress.epochs <= progress.epochs_done and self.run.member + 1 < progress.members
        if self.setup.accelerator.is_main_process and (now or followed or self.checkpoint.is_due(self._most)):
            self.checkpoint.save(progress)

    @property
    def _most(self) -> float:
        """Seconds of work that may be lost."""
        return 60 * self.run.training.checkpoint_minutes

    @property
    def _place(self) -> str:
        """How far the training has come, such as ``step 7 of 40 in epoch 2 of 20``."""
        progress = self.progress
        if progress.epoch is None:
            return f"epoch {progress.epochs_done} of {progress.epochs}"
        steps, number = progress.epoch["steps"], progress.epoch["number"] + 1
        return f"step {steps} of {len(self.setup.batches)} in epoch {number} of {progress.epochs}"

    def tell_length(self, *, mixed: bool) -> None:
        """Say by the first steps how long all take, if more than a minute, and what is shorter.

        Args:
            mixed: whether the step that was just made is a mixed one; called after each step of this process.
        """
        if self._told:
            return
        mixing, progress = self.setup.parts.mixing, self.progress
        more = mixing.settings.passes - 1 if mixing else 0  # passes of a mixed step, besides that of a plain one
        self._ends.append((time.perf_counter(), 1 + more * mixed))
        made, since = len(self._ends), self._ends[-1][0] - self._ends[0][0]
        self._told = made > SETTLING + MEASURED or (made > 2 and since > SOON)
        if not self._told or self.run.minutes or self.run.member:
            return
        (start, _), *timed = self._ends[min(SETTLING, made - 2) :]
        a_pass, epochs = (timed[-1][0] - start) / sum(passes for _, passes in timed), progress.epochs
        steps = len(self.setup.batches) * (epochs + more * (mixing.mixed_epochs(epochs) if mixing else 0))
        validated = len(self.setup.rows["validation"]) / self.run.training.batch_size * epochs
        seconds = a_pass * (steps + validated / 3) * progress.members  # without gradients, a third of a step
        if seconds >= MINUTE:
            several = f"{progress.members} trainings of " if progress.members > 1 else ""
            shorter = f"; shorter: training.epochs={max(1, int(epochs * LONG / seconds))}, or minutes={LONG / 60:g}"
            all_epochs, takes = several + counted(epochs, "epoch"), duration(seconds)
            logger.info("%s will take about %s here%s.", all_epochs, takes, shorter * (seconds >= LONG))

    def tell_end(self) -> None:
        """Say how the training ended."""
        progress, best = self.progress, ""
        if progress.best_value is not None and progress.best_epoch is not None:
            where = "the solved start" if progress.best_epoch == SOLVED else f"epoch {progress.best_epoch + 1}"
            best = f", best validation {self.run.metric} {progress.best_value:.4g} by {where}"
        epochs, loss = progress.epochs, progress.history[-1]["loss"]
        logger.info("%s in %s: loss %.4g%s.", counted(epochs, "epoch"), duration(progress.seconds), loss, best)
