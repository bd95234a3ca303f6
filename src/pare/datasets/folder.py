"""A folder that a node needs as a place, for files that it keeps while it works."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class FolderDataset(AbstractDataset[NoReturn, Path]):
    """Loads as a path.

    Example:
        ```yaml
        model_folder:
          type: pare.datasets.FolderDataset
          filepath: data/06_models/darcy_flow/pare/seed_0
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The path; the folder need not exist yet."""
        return self.path

    def save(self, data: NoReturn) -> None:
        """A folder is only a place: nothing can be saved as one."""
        raise DatasetError(f"{self.path} is a place for files, not a dataset that a node returns")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
