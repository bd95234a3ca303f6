"""Datasets of trained models: one, all of a folder, and one as an ONNX file."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from kedro.io import DatasetError

from pare.datasets.lazy import LazyDataset, PathDataset

if TYPE_CHECKING:
    from pare.export import OnnxModel
    from pare.learners.model import Model


class ModelDataset(LazyDataset):
    """Saving a `pare.learners.fit.Fit` does it, unless it is done; loading gives the trained model.

    Example:
        ```yaml
        model:
          type: pare.datasets.ModelDataset
          filepath: data/06_models/darcy_flow/pare/seed_0/model
        ```
    """

    waits = False

    def load(self) -> "Model":
        """The model; PareError where the folder holds no whole one."""
        from pare.learners.model import Model  # noqa: PLC0415 - what only brings files does without torch

        return Model.load(self.path)


class TrainedModelsDataset(PathDataset[NoReturn]):
    """Loads as Kedro's PartitionedDataset does: a function that loads the model, by the folder of its run.

    Example:
        ```yaml
        trained_models:
          type: pare.datasets.TrainedModelsDataset
          filepath: data/06_models
        ```
    """

    def load(self) -> dict[str, Callable[[], "Model"]]:
        """What loads ``<path>/<folder>/model``, by folder."""
        from pare.learners.model import Model, model_folders  # noqa: PLC0415

        return {run: partial(Model.load, folder) for run, folder in model_folders(self.path).items()}

    def save(self, data: NoReturn) -> None:
        """Models are saved one by one, each as a `ModelDataset`."""
        raise DatasetError(f"{self.path} is read only: a model is saved as a dataset of its own")


class OnnxDataset(PathDataset["OnnxModel"]):
    """Saves the file whole or not at all; loads as its path, for a runtime to open.

    Example:
        ```yaml
        onnx_model:
          type: pare.datasets.OnnxDataset
          filepath: data/06_models/wine/probe/seed_0/model.onnx
        ```
    """

    def save(self, data: "OnnxModel") -> None:
        """Write the file, and say where it is."""
        data.write(self.path)
