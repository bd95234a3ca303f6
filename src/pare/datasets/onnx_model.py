"""An ONNX file of a trained model."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from pare.export import OnnxModel


class OnnxDataset(AbstractDataset[OnnxModel, Path]):
    """Saves the file whole or not at all; loads as its path, for a runtime to open.

    Example:
        ```yaml
        onnx_model:
          type: pare.datasets.OnnxDataset
          filepath: data/06_models/wine/probe/seed_0/model.onnx
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The path."""
        return self.path

    def save(self, data: OnnxModel) -> None:
        """Write the file, and say where it is."""
        data.write(self.path)

    def _exists(self) -> bool:
        return self.path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
