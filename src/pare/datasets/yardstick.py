"""The fits of the yardstick."""

import logging
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from pare.report.yardstick import Yardstick, read_yardstick

logger = logging.getLogger(__name__)


class YardstickDataset(AbstractDataset[NoReturn, Yardstick]):
    """Loads the fits of every kind; none where there is no folder; a broken file is left out with a warning.

    Example:
        ```yaml
        yardstick:
          type: pare.datasets.YardstickDataset
          filepath: docs/yardstick
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Yardstick:
        """The fits, and what was left out."""
        yardstick = read_yardstick(self.path)
        for warning in yardstick.warnings:
            logger.warning(warning)
        return yardstick

    def save(self, data: NoReturn) -> None:
        """The fits are made by a script."""
        raise DatasetError(f"{self.path} is read only: benchmarks/yardstick.py makes its files")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
