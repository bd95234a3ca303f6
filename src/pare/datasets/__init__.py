"""Kedro datasets of this project.

Raw files, the model input and the trained model are saved lazily: a node describes them, and saving makes them, see
`LazyDataset`. Loading them gives a handle that reads when asked.
"""

from pare.datasets.array_store import ArrayStoreDataset
from pare.datasets.arrays import ArraysDataset
from pare.datasets.folder import FolderDataset
from pare.datasets.lazy import LazyDataset
from pare.datasets.model import ModelDataset
from pare.datasets.new_predictions import NewPredictionsDataset
from pare.datasets.raw_folder import RawFolderDataset
from pare.datasets.text_files import TextFilesDataset
from pare.datasets.trained_models import TrainedModelsDataset

__all__ = [
    "ArrayStoreDataset",
    "ArraysDataset",
    "FolderDataset",
    "LazyDataset",
    "ModelDataset",
    "NewPredictionsDataset",
    "RawFolderDataset",
    "TextFilesDataset",
    "TrainedModelsDataset",
]
