"""Kedro datasets of this project.

Raw files, the model input, the trained model and the page of a run are saved lazily: a node describes them, and
saving makes them, see `LazyDataset`. Loading them gives a handle that reads when asked.
"""

from importlib import import_module
from typing import Any

MODULES = {
    "ArrayStoreDataset": "lazy",
    "ArraysDataset": "predictions",
    "FigureDataset": "reports",
    "JSONDataset": "reports",
    "LazyDataset": "lazy",
    "ModelDataset": "trained_models",
    "NewPredictionsDataset": "predictions",
    "OnnxDataset": "trained_models",
    "PageDataset": "lazy",
    "RawFolderDataset": "lazy",
    "ResultsDataset": "reports",
    "TextFilesDataset": "reports",
    "TrainedModelsDataset": "trained_models",
}


def __getattr__(name: str) -> Any:
    """Import a dataset when the catalog first names it: only those of models need torch."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(MODULES)}")
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
