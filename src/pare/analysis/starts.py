"""The result against the share of tokens that is replaced at first, from runs that exist (paper, figure 5)."""

import json
from pathlib import Path

import pandas as pd

CHOOSING = ("pare", "pare_random_patches")  # the gate, and chance
COMPARED = "finetune"
VARIANT = "start_"  # what a variant is called that differs in mixing.start
COLUMNS = ["method", "variant", "seed", "start", "test"]


def start_results(results: Path, models: Path, *, metric: str, protocol: str) -> pd.DataFrame:
    """Test results of the runs of a task that differ in where their curriculum starts, and of fine-tuning.

    Args:
        results: the task's folder with ``<method>/seed_<n>/metrics.json``.
        models: the task's folder with ``<method>/seed_<n>/model/record.json``, which knows the start of a run whose
            command line did not set it.
        metric: the metric that counts; results of another are left out.
        protocol: the protocol that counts.

    Returns:
        ``method``, ``variant``, ``seed``, ``start`` (a share of the tokens; 0 for fine-tuning) and ``test``, a line
        a run.
    """
    lines = []
    for path in sorted(results.glob("*/seed_*/metrics.json")):
        metrics = json.loads(path.read_text())
        variant = metrics.get("variant", "")
        if (metrics["metric"]["name"], metrics["protocol"]) != (metric, protocol):
            continue
        if metrics["method"] == COMPARED and not variant:
            start: float | None = 0.0
        elif metrics["method"] in CHOOSING and (not variant or variant.startswith(VARIANT)):
            start = _start(metrics, models / path.parent.relative_to(results) / "model" / "record.json")
        else:
            continue
        if start is not None:
            lines.append([metrics["method"], variant, metrics["seed"], start, metrics["test"]])
    return pd.DataFrame(lines, columns=COLUMNS)


def _start(metrics: dict, record: Path) -> float | None:
    """Where the run's curriculum started; None where neither the command line nor a model tells."""
    if "mixing.start" in metrics.get("overridden", {}):
        return float(metrics["overridden"]["mixing.start"])
    return float(json.loads(record.read_text())["run"]["mixing"]["start"]) if record.is_file() else None
