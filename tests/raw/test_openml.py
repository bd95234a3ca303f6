"""OpenML tables: the one that scikit-learn ships, and the client's answers."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import openml
import pytest
from sklearn.datasets import load_breast_cancer

from pare.config.errors import PareError
from pare.raw.readers import arff_table
from pare.raw.openml import openml_dataset, scikit_learn_wdbc

ARFF = b"@RELATION t\n@ATTRIBUTE a REAL\n@ATTRIBUTE c {x,y}\n@DATA\n1,x\n2,y\n"


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_args, **_options):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(openml.datasets, "get_dataset", refuse)


@pytest.fixture
def online(monkeypatch):
    """OpenML as it answers for a small table."""
    described = SimpleNamespace(
        name="t",
        version=2,
        default_target_attribute="c",
        row_id_attribute=None,
        ignore_attribute=["a"],
        md5_checksum=hashlib.md5(ARFF).hexdigest(),
        licence="CC0",
        url="http://127.0.0.1:9/t.arff",
    )
    monkeypatch.setattr(openml.datasets, "get_dataset", lambda id, **_: described)


def test_wdbc_is_the_table_of_scikit_learn_with_the_classes_of_openml_1510(tmp_path):
    scikit_learn_wdbc(tmp_path)
    samples = arff_table(tmp_path)["all"]
    x, y = samples.read(0, samples.count)
    table = load_breast_cancer()
    np.testing.assert_array_equal(x, table.data.astype(np.float32))
    assert samples.classes == ["1", "2"] and samples.columns == [f"V{i}" for i in range(1, 31)]
    assert np.bincount(y).tolist() == [357, 212]
    np.testing.assert_array_equal(y == 1, table.target_names[table.target] == "malignant")


def test_without_a_network_the_message_names_dataset_page_and_place(tmp_path, offline):
    with pytest.raises(PareError) as error:
        openml_dataset(tmp_path, 1510)
    for part in ("dataset 1510", "https://www.openml.org/d/1510", str(tmp_path / "dataset.arff")):
        assert part in str(error.value)
    assert not list(tmp_path.iterdir())


def test_without_a_network_an_arff_put_there_by_hand_serves(tmp_path, offline):
    (tmp_path / "dataset.arff").write_bytes(ARFF)
    openml_dataset(tmp_path, 7)
    assert (tmp_path / "dataset.arff").read_bytes() == ARFF
    assert arff_table(tmp_path, target="c")["all"].count == 2


def test_what_openml_says_of_the_table_is_kept(tmp_path, online):
    (tmp_path / "dataset.arff").write_bytes(ARFF)
    assert openml_dataset(tmp_path, 7)["dataset.arff"] == "http://127.0.0.1:9/t.arff"
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert (described["id"], described["default_target"], described["ignored"]) == (7, "c", ["a"])


def test_a_table_whose_md5_is_not_openmls_is_not_taken(tmp_path, online):
    (tmp_path / "dataset.arff").write_bytes(ARFF + b"3,y\n")
    with pytest.raises(PareError, match=hashlib.md5(ARFF).hexdigest()):
        openml_dataset(tmp_path, 7)
    assert not (tmp_path / "dataset.json").exists()


def test_openmls_own_settings_are_as_before_even_after_a_failure(tmp_path, offline):
    before = openml.config.get_config_as_dict()
    with pytest.raises(PareError):
        openml_dataset(tmp_path, 1)
    assert openml.config.get_config_as_dict() == before
