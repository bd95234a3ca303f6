"""Texts by name, as the files of a folder."""

import logging
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from pare.storage.atomic import atomic_path

logger = logging.getLogger(__name__)


class TextFilesDataset(AbstractDataset[dict[str, str], Path]):
    """Saves texts under their paths within a folder, each file whole or not at all; loads as the folder.

    Other files in the folder stay.

    Example:
        ```yaml
        report:
          type: pare.datasets.TextFilesDataset
          filepath: data/08_reporting/report
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The folder."""
        return self.path

    def save(self, data: dict[str, str]) -> None:
        """Write the files in the order given; files of the same name are replaced."""
        for name, text in data.items():
            with atomic_path(self.path / name) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
        logger.info("%d files written to %s, the last is %s.", len(data), self.path, list(data)[-1])

    def _exists(self) -> bool:
        return self.path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
