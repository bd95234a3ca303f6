"""The check of a run before its files are brought."""

from pare.config.run import Run
from pare.evaluation.metrics import build_metric
from pare.learners.learner import learner_of
from pare.learners.networks.training.losses import build_loss


def check_run(run: Run) -> None:
    """Refuse a run whose metric, loss or learner does not suit its task, has wrong options, or lacks a package.

    Raises:
        PareError: with what is wrong and what would be right.
    """
    build_metric(run.metric, run.task.output)
    build_loss(run.task.loss, run.task.output.kind)
    learner_of(run).check(run)
