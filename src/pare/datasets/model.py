"""A trained model, as a folder of safetensors and JSON."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from pare.storage.atomic import atomic_path
from pare.training.checkpoint import CHECKPOINT, Checkpoint
from pare.training.trained_model import TrainedModel, recorded_fingerprint


class ModelDataset(AbstractDataset[TrainedModel, TrainedModel]):
    """Saves and loads a `TrainedModel`; a model with the same fingerprint is not written again.

    Once the model is on disk, the checkpoint of its training, in the folder beside it, is removed.

    Example:
        ```yaml
        model:
          type: pare.datasets.ModelDataset
          filepath: data/06_models/darcy_flow/pare/seed_0/model
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> TrainedModel:
        """The model; PareError where the folder holds no whole one."""
        return TrainedModel.load(self.path)

    def save(self, data: TrainedModel) -> None:
        """Write the model."""
        if recorded_fingerprint(self.path) != data.record["fingerprint"]:
            with atomic_path(self.path) as unfinished:
                data.save(unfinished)
        Checkpoint(self.path.parent / CHECKPOINT).remove()

    def _exists(self) -> bool:
        return recorded_fingerprint(self.path) is not None

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
