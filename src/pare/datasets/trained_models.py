"""All trained models of a folder."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from pare.saved.saved_model import RECORD
from pare.saved.trained_model import TrainedModel


class TrainedModelsDataset(AbstractDataset[NoReturn, dict[str, Callable[[], TrainedModel]]]):
    """Loads as Kedro's PartitionedDataset does: a function that loads the model, by the folder of its run.

    Example:
        ```yaml
        trained_models:
          type: pare.datasets.TrainedModelsDataset
          filepath: data/06_models
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, Callable[[], TrainedModel]]:
        """What loads ``<path>/<folder>/model``, by folder."""
        models = [record.parent for record in sorted(self.path.rglob(RECORD))]
        return {path.parent.relative_to(self.path).as_posix(): partial(TrainedModel.load, path) for path in models}

    def save(self, data: NoReturn) -> None:
        """Models are saved one by one, each as a `ModelDataset`."""
        raise DatasetError(f"{self.path} is read only: a model is saved as a dataset of its own")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
