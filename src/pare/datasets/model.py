"""A trained model, as a folder of safetensors and JSON."""

from pare.datasets.lazy import LazyDataset
from pare.training import TrainedModel


class ModelDataset(LazyDataset[TrainedModel]):
    """Saving a `Training` does it, or goes on with an interrupted one; loading gives the trained model.

    Example:
        ```yaml
        model:
          type: pare.datasets.ModelDataset
          filepath: data/06_models/darcy_flow/pare/seed_0/model
        ```
    """

    def load(self) -> TrainedModel:
        """The model; PareError where the folder holds no whole one."""
        return TrainedModel.load(self.path)
