"""Results of runs that never were."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pare.report.results import collect_results

NRMSE = {"name": "nrmse", "title": "nRMSE", "unit": "", "direction": "lower"}
AUROC = {"name": "auroc_ovo", "title": "AUROC, one-vs-one", "unit": "", "direction": "higher"}


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Write the metrics.json of a run below ``tmp_path``, as evaluation does."""

    def write(task: str, method: str, seed: int, test: float, **changes: object) -> Path:
        metrics = {
            "task": task,
            "method": method,
            "variant": "",
            "source": "minilm",
            "proxy": "english_topics",
            "seed": seed,
            "protocol": "validated",
            "simulated": task.startswith("pdebench"),
            "metric": AUROC if task.startswith("openml") else NRMSE,
            "test": test,
            "validation": test,
            "constant_prediction": 0.5,
            "n_train": 810,
            "n_test": 100,
            "epochs": 5,
            "train_seconds": 100.0,
            "peak_memory_mb": 1000,
            "device": "cpu",
            "precision": "no",
            "paper": None,
        } | changes
        name = f"{method}-{metrics['variant']}" if metrics["variant"] else method
        differs = "-".join(f"{key}_{value}" for key, value in metrics.get("differs", {}).items())
        path = tmp_path / task / name / differs / f"seed_{seed}" / "metrics.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(metrics))
        return path

    return write


@pytest.fixture
def frame(tmp_path) -> Callable[[], pd.DataFrame]:
    """The results below ``tmp_path``, as one table; none may be broken."""

    def frame() -> pd.DataFrame:
        results = collect_results(tmp_path)
        assert not results.warnings
        return results.frame

    return frame
