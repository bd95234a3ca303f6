"""Kedro datasets of this project.

Saving a description (what to fetch, what to prepare) does the work, unless what stands there already has
the same fingerprint; loading gives a handle that reads when asked.
"""

from pare.datasets.array_store import ArrayStoreDataset
from pare.datasets.arrays import ArraysDataset
from pare.datasets.folder import FolderDataset
from pare.datasets.model import ModelDataset
from pare.datasets.new_predictions import NewPredictions, NewPredictionsDataset
from pare.datasets.raw_folder import RawFolder, RawFolderDataset
from pare.datasets.text_files import TextFilesDataset

__all__ = [
    "ArrayStoreDataset",
    "ArraysDataset",
    "FolderDataset",
    "ModelDataset",
    "NewPredictions",
    "NewPredictionsDataset",
    "RawFolder",
    "RawFolderDataset",
    "TextFilesDataset",
]
