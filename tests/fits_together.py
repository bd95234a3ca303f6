"""Fits by several processes, as ``torchrun`` starts them; this file is what each of them runs."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pare.config.ranks import rank
from pare.learners.fit import Fit
from pare.learners.networks.training.steps import Steps
from pare.learners.networks.training.trainer import Trainer

PROCESSES = 2


def together(
    fits: Mapping[Path, Fit], killed: Path | None = None, stopped: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Write the models of some fits, one after another, by two processes.

    Args:
        fits: the fits by the folders of their models.
        killed: the folder of the one in whose second epoch the second process is killed, as where memory is short.
        stopped: the number of a step, from 1, in which the second process alone has SIGTERM.
    """
    plan = next(iter(fits)).parent / "plan.pickle"
    plan.parent.mkdir(parents=True, exist_ok=True)
    plan.write_bytes(pickle.dumps((dict(fits), killed, stopped)))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={PROCESSES}"]
    paths = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    return subprocess.run(
        [*launcher, __file__, str(plan)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _dying(epoch):
    """An epoch in which the second process is killed, if it is the second."""

    def dying(trainer, number, bar):
        if number == 1 and rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        epoch(trainer, number, bar)

    return dying


def _stopping(step, number):
    """Steps in one of which the second process has SIGTERM."""
    left = iter(range(number - 1, -1, -1))

    def stopping(*args, **given):
        if next(left, 1) == 0 and rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*args, **given)

    return stopping


if __name__ == "__main__":
    fits, killed, stopped = pickle.loads(Path(sys.argv[1]).read_bytes())
    if stopped:
        Steps.step = _stopping(Steps.step, stopped)
    for folder, fit in fits.items():
        if folder == killed:
            Trainer._epoch = _dying(Trainer._epoch)
        fit.write(folder)
