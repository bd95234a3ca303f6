"""A trained model of a method, a baseline or a choice, as a folder."""

from pare.datasets.lazy import LazyDataset
from pare.saved.saved_model import SavedModel


class ModelDataset(LazyDataset[SavedModel]):
    """Saving a `FineTuning`, a `BaselineFit` or a `Choice` does it, unless it is done; loading gives the trained model.

    Example:
        ```yaml
        model:
          type: pare.datasets.ModelDataset
          filepath: data/06_models/darcy_flow/pare/seed_0/model
        ```
    """

    def load(self) -> SavedModel:
        """The model; PareError where the folder holds no whole one."""
        from pare.choice.chosen import load_trained  # noqa: PLC0415 - a training, which only saves, does without

        return load_trained(self.path)
