"""The result over the share of tokens that is replaced at first, from runs that exist (paper, figure 5)."""

from typing import Any

import pandas as pd

from pare.config import Run
from pare.config.run import ENV, differing_text
from pare.paper.analysis.models import Saved

CHOOSING = ("pare", "pare_random_patches")  # the gate, and chance
COMPARED = "finetune"
VARIANT = "start_"  # what a variant is called that differs in mixing.start
COLUMNS = ["method", "variant", "seed", "start", "test"]


def start_results(run: Run, results: pd.DataFrame, saved: Saved) -> pd.DataFrame:
    """Test results of runs that differ from a run in where their curriculum starts, and of fine-tuning.

    Args:
        run: the run; results of another task, source, protocol or metric are left out.
        results: a line a run, see `pare.report.results.Results`.
        saved: functions that load a model, by the folder of its run; it knows the start where the command line did
            not set it.

    Returns:
        ``method``, ``variant``, ``seed``, ``start`` (a share of the tokens; 0 for fine-tuning) and ``test``, a line
        a run.
    """
    wanted = {"task": run.task_name, "metric": run.metric, "protocol": run.protocol}
    differs = {key: value for key, value in run.differs.items() if key != ENV}  # which all results have in common
    wanted |= {"source": run.source_name, "proxy": run.proxy_name, "differs": differing_text(differs)}
    same = (results[list(wanted)] == pd.Series(wanted)).all(axis=1)
    lines = []
    for line in results[same].itertuples():
        start = _start(line, saved)
        if start is not None:
            lines.append([line.method, line.variant, line.seed, start, line.test])
    return pd.DataFrame(lines, columns=COLUMNS)


def _start(line: Any, saved: Saved) -> float | None:
    """Where the curriculum of a line's run started; None where it is of another kind, or nothing says it."""
    if line.method == COMPARED and not line.variant:
        return 0.0
    if line.method not in CHOOSING or not line.variant.startswith(VARIANT if line.variant else ""):
        return None
    if pd.notna(line.start):
        return float(line.start)
    mixing = saved[line.folder]().run.mixing if line.folder in saved else None
    return mixing.start if mixing else None
