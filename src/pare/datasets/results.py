"""The results of all runs."""

import logging
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from pare.report.results import Results, collect_results

logger = logging.getLogger(__name__)


class ResultsDataset(AbstractDataset[NoReturn, Results]):
    """Loads every ``metrics.json`` of an environment as one table; one that cannot be read is left out with a warning.

    Example:
        ```yaml
        results:
          type: pare.datasets.ResultsDataset
          filepath: data/08_reporting
          environment: paper    # none: runs of conf/base and conf/local
        ```
    """

    def __init__(self, filepath: str, environment: str = "", metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.environment = environment
        self.metadata = metadata

    def load(self) -> Results:
        """The table, and what was left out."""
        results = collect_results(self.path, self.environment)
        for warning in results.warnings:
            logger.warning(warning)
        logger.info("%d runs found in %s.", len(results.frame), self.path)
        return results

    def save(self, data: NoReturn) -> None:
        """Each run's metrics are a dataset of their own."""
        raise DatasetError(f"{self.path} is read only: the metrics of a run are saved as a dataset of their own")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
