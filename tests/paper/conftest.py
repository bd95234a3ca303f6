"""A report of two tasks."""

from collections.abc import Callable

import pytest

from pare.paper.report.sections import write_report
from pare.paper.report.table_config import ReportConfig
from pare.report.results import collect_results


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
