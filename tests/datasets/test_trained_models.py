"""All trained models of a folder."""

import pytest
from kedro.io import DatasetError

from pare.datasets import TrainedModelsDataset
from pare.saved.trained_model import TrainedModel


def test_each_is_loaded_when_asked_for_by_the_folder_of_its_run(tmp_path, monkeypatch):
    monkeypatch.setattr(TrainedModel, "load", lambda path: path)
    paths = [tmp_path / run / "model" for run in ("burgers/pare/seed_0", "burgers/pare/source_x/seed_0")]
    for path in paths:
        path.mkdir(parents=True)
        (path / "record.json").touch()
    (tmp_path / "burgers" / "pare" / "seed_1" / "checkpoint").mkdir(parents=True)
    models = TrainedModelsDataset(str(tmp_path)).load()
    assert {folder: load() for folder, load in models.items()} == {
        path.parent.relative_to(tmp_path).as_posix(): path for path in paths
    }


def test_there_may_be_none_yet(tmp_path):
    assert TrainedModelsDataset(str(tmp_path / "nowhere")).load() == {}


def test_it_is_read_only(tmp_path):
    with pytest.raises(DatasetError, match="read only"):
        TrainedModelsDataset(str(tmp_path)).save({})
