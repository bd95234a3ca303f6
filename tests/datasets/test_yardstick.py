"""The fits of the yardstick as a dataset."""

import pytest
from kedro.io import DatasetError

from pare.datasets import YardstickDataset


def test_what_cannot_be_read_is_a_warning(tmp_path, caplog):
    (tmp_path / "tables.csv").write_text("data,split\nwdbc,0\n")
    yardstick = YardstickDataset(str(tmp_path)).load()
    assert yardstick.fits == {}
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == yardstick.warnings != []


def test_a_project_without_the_folder_has_no_fits(tmp_path, caplog):
    assert YardstickDataset(str(tmp_path / "none")).load().fits == {}
    assert not caplog.records


def test_it_is_read_only(tmp_path):
    with pytest.raises(DatasetError, match="read only"):
        YardstickDataset(str(tmp_path)).save("fits")
