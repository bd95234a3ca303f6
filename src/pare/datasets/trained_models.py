"""Datasets of trained models: one, all of a folder, and one as an ONNX file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kedro.io import DatasetError

from pare.datasets.lazy import LazyDataset, PathDataset
from pare.learners.saved_model import SavedModel

if TYPE_CHECKING:
    from pare.export import OnnxModel
    from pare.learners.networks.trained_model import TrainedModel


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
        from pare.learners.ensemble.chosen import load_trained  # noqa: PLC0415 - a training, which only saves, does without

        return load_trained(self.path)


class TrainedModelsDataset(PathDataset[NoReturn, dict[str, Callable[[], "TrainedModel"]]]):
    """Loads as Kedro's PartitionedDataset does: a function that loads the model, by the folder of its run.

    Example:
        ```yaml
        trained_models:
          type: pare.datasets.TrainedModelsDataset
          filepath: data/06_models
        ```
    """

    def load(self) -> dict[str, Callable[[], "TrainedModel"]]:
        """What loads ``<path>/<folder>/model``, by folder."""
        from pare.learners.networks.trained_model import TrainedModel  # noqa: PLC0415 - a run saves its model without it
        from pare.learners.saved_model import RECORD  # noqa: PLC0415

        models = [record.parent for record in sorted(self.path.rglob(RECORD))]
        return {path.parent.relative_to(self.path).as_posix(): partial(TrainedModel.load, path) for path in models}

    def save(self, data: NoReturn) -> None:
        """Models are saved one by one, each as a `ModelDataset`."""
        raise DatasetError(f"{self.path} is read only: a model is saved as a dataset of its own")


class OnnxDataset(PathDataset["OnnxModel", Path]):
    """Saves the file whole or not at all; loads as its path, for a runtime to open.

    Example:
        ```yaml
        onnx_model:
          type: pare.datasets.OnnxDataset
          filepath: data/06_models/wine/probe/seed_0/model.onnx
        ```
    """

    def load(self) -> Path:
        """The path."""
        return self.path

    def save(self, data: "OnnxModel") -> None:
        """Write the file, and say where it is."""
        data.write(self.path)
