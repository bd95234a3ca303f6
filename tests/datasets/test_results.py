"""The results of all runs as a dataset."""

import pytest
from kedro.io import DatasetError

from pare.datasets import ResultsDataset


def test_what_cannot_be_read_is_a_warning(tmp_path, caplog):
    path = tmp_path / "burgers" / "pare" / "seed_0" / "metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"task": ')
    results = ResultsDataset(str(tmp_path)).load()
    assert results.frame.empty
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == results.warnings != []
    assert "burgers/pare/seed_0/metrics.json is left out" in caplog.text


def test_it_is_read_only(tmp_path):
    with pytest.raises(DatasetError, match="read only"):
        ResultsDataset(str(tmp_path)).save("results")
