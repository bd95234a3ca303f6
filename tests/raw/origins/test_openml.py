"""OpenML tables: from OpenML, from its client's cache, by hand, and the one that scikit-learn ships."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import openml
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from pare.config.errors import PareError
from pare.raw.options import bind_options
from pare.raw.origins.ingest import ingest
from pare.raw.origins.openml import openml_dataset, scikit_learn_wdbc
from pare.raw.origins.registry import ORIGINS
from pare.raw.readers.tables import table
from publisher_files import write_openml

ARFF = b"@RELATION t\n@ATTRIBUTE a REAL\n@ATTRIBUTE b REAL\n@ATTRIBUTE c {x,y}\n@DATA\n1,3,x\n2,4,y\n"


@pytest.fixture(autouse=True)
def client_cache(tmp_path, monkeypatch):
    """Cache of OpenML's client for dataset 7, away from the user's home."""
    cache = tmp_path / "client"
    monkeypatch.setattr(openml.config, "get_cache_directory", lambda: str(cache))
    return cache / "datasets" / "7"


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


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "01_raw" / "task"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def shared(folder):
    """Where a person puts tables for all tasks."""
    shared = folder.parent / "openml"
    shared.mkdir()
    return shared


def test_wdbc_is_the_table_of_scikit_learn_with_the_classes_of_openml_1510(folder):
    scikit_learn_wdbc(folder)
    samples = table(folder)["all"]
    x, y = samples.read(0, samples.count)
    shipped = load_breast_cancer()
    np.testing.assert_array_equal(x, shipped.data.astype(np.float32))
    assert samples.classes == ["1", "2"] and samples.columns == [f"V{i}" for i in range(1, 31)]
    assert np.bincount(y).tolist() == [357, 212]
    np.testing.assert_array_equal(y == 1, shipped.target_names[shipped.target] == "malignant")


def test_what_openml_says_of_the_table_is_kept(folder, online):
    (folder / "dataset.arff").write_bytes(ARFF)
    assert openml_dataset(folder, 7)["dataset.arff"] == "http://127.0.0.1:9/t.arff"
    described = json.loads((folder / "dataset.json").read_text())
    assert (described["id"], described["default_target"], described["ignored"]) == (7, "c", ["a"])
    assert table(folder)["all"].columns == ["b"]


def test_a_table_whose_md5_is_not_openmls_is_not_taken(folder, online, monkeypatch):
    monkeypatch.setattr("pare.raw.origins.download.PAUSE", 0.0)
    (folder / "dataset.arff").write_bytes(ARFF + b"3,3,y\n")
    with pytest.raises(PareError, match=hashlib.md5(ARFF).hexdigest()):
        openml_dataset(folder, 7)
    assert not (folder / "dataset.json").exists()


def test_what_openmls_client_keeps_is_not_fetched_again(folder, online, client_cache):
    client_cache.mkdir(parents=True)
    (client_cache / "dataset.arff").write_bytes(ARFF)
    openml_dataset(folder, 7)
    assert (folder / "dataset.arff").read_bytes() == ARFF


def test_without_a_network_the_message_names_dataset_page_place_and_checksum(folder, offline):
    with pytest.raises(PareError) as error:
        openml_dataset(folder, 1510, name="wdbc")
    place = str(folder.parent / "openml" / "1510.arff")
    for part in ("dataset 1510", "https://www.openml.org/d/1510", place, ".csv or .parquet", "checksum"):
        assert part in str(error.value)
    assert not list(folder.iterdir())


def test_without_a_network_a_table_in_the_folder_serves(folder, offline):
    (folder / "dataset.arff").write_bytes(ARFF)
    openml_dataset(folder, 7, target="c")
    assert (folder / "dataset.arff").read_bytes() == ARFF
    assert table(folder)["all"].count == 2


@pytest.mark.parametrize("name", ["7.arff", "7.csv", "7.parquet", "small-one.arff", "small-one.csv"])
def test_without_a_network_a_table_next_to_the_folder_is_copied_by_number_or_name(folder, shared, offline, name):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": ["x", "y"]})
    if name.endswith("arff"):
        (shared / name).write_bytes(ARFF)
    elif name.endswith("csv"):
        frame.to_csv(shared / name, index=False)
    else:
        frame.to_parquet(shared / name)
    suffix = name.rpartition(".")[2]
    brought = openml_dataset(folder, 7, name="small-one", target="c", ignored=("b",))
    assert brought == {f"dataset.{suffix}": "https://www.openml.org/d/7", "dataset.json": None}
    samples = table(folder)["all"]
    assert samples.columns == ["a"] and samples.classes == ["x", "y"] and samples.count == 2


def test_a_csv_put_there_by_hand_has_the_categories_that_the_task_tells(library, folder, shared, offline):
    car = "buying,doors,persons,class\nlow,2,2,acc\nmed,5more,more,good\nlow,3,4,acc\n"
    (shared / "car.csv").write_text(car)
    openml_dataset(folder, **library.task("openml_car").raw.origins["openml_dataset"].options)
    samples = table(folder)["all"]
    assert samples.categories == [["low", "med"], ["2", "3", "5more"], ["2", "4", "more"]]
    (shared / "banknote-authentication.csv").write_text("V1,V2,Class\n1,2,1\n2,3,2\n3,3,2\n")
    place = folder.parent / "banknotes"
    openml_dataset(place, **library.task("openml_banknote_authentication").raw.origins["openml_dataset"].options)
    assert table(place)["all"].classes == ["1", "2"]


def test_two_tables_put_there_by_hand_are_not_guessed_between(folder, shared, offline):
    for name in ("7.arff", "t.csv"):
        (shared / name).write_bytes(ARFF)
    with pytest.raises(PareError, match=r"openml holds 7.arff and t.csv: keep one of them"):
        openml_dataset(folder, 7, name="t")
    assert not list(folder.iterdir())


def test_every_table_of_openml_cc18_can_be_put_there_by_hand(library, folder, shared, offline, tmp_path):
    for name in sorted(library.tasks):
        if not name.startswith("openml_"):
            continue
        task = library.task(name)
        options = task.raw.origins["openml_dataset"].options
        source = tmp_path / name
        source.mkdir()
        write_openml(source, task, np.random.default_rng(0), rows=20)
        (source / "dataset.arff").rename(shared / f"{options['name']}.arff")
        place = folder.parent / name
        bring = bind_options("origin", "openml_dataset", ORIGINS["openml_dataset"].load(), options)
        bring(place)
        samples = bind_options("reader", "table", table, task.reader.options)(place)["all"]
        assert samples.read(0, 20)[0].shape == (20, *task.input.shape), name


def test_ingest_records_the_table_that_was_put_there_by_hand(folder, shared, library, offline):
    task = library.task("openml_kc2")
    (shared / "1063.csv").write_text("a,problems\n1,x\n2,y\n")
    manifest = ingest(task.raw.active, folder)
    assert [record.name for record in manifest.files] == ["dataset.csv", "dataset.json"]
    assert manifest.files[0].sha256 == hashlib.sha256((shared / "1063.csv").read_bytes()).hexdigest()


def test_openmls_own_settings_are_as_before_even_after_a_failure(folder, offline):
    before = openml.config.get_config_as_dict()
    with pytest.raises(PareError):
        openml_dataset(folder, 1)
    assert openml.config.get_config_as_dict() == before
