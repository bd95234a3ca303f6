"""Results of runs that never were."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pare.report.config import ReportConfig
from pare.report.results import collect_results
from pare.report.sections import write_report

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


@pytest.fixture
def config() -> ReportConfig:
    """Two tasks of a table of the paper, and three of its rows."""
    return ReportConfig.model_validate(
        {
            "reference": "pare",
            "tables": {
                "table_2": {
                    "title": "Table 2: PDEBench",
                    "profile": "Figure 3",
                    "columns": ["pdebench_burgers", "pdebench_darcy"],
                    "rows": [
                        {"paper": "PINN", "figures": [0.36, 0.18]},
                        {"paper": "NFT", "method": "finetune"},
                        {"paper": "PaRe", "method": "pare", "figures": [0.0083, 0.0806]},
                    ],
                }
            },
        }
    )


@pytest.fixture
def report(config, tmp_path, library) -> Callable[[], dict[str, str]]:
    """Make the report of the results below ``tmp_path``."""
    return lambda: write_report(config, collect_results(tmp_path), library)
