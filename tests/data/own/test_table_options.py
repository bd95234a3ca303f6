"""Tables whose test rows are in a table of their own."""

import numpy as np
import pandas as pd
import pytest

import users_files
from pare.config.errors import PareError
from pare.data.own.columns import Labels
from pare.data.own.table_options import RowTable, part_rows
from users_files import all_rows


def table(folder, **options):
    return users_files.read("table", folder, **options)


PARTS = {"file": "wine_train.csv", "test_file": "wine_test.csv"}
FRAME = pd.DataFrame({"mass": range(8), "site": list("nsnsnsew"), "kind": ["a", "b"] * 4})


@pytest.fixture
def folder(tmp_path):
    FRAME[:5].to_csv(tmp_path / "wine_train.csv", index=False)
    FRAME[5:].iloc[:, ::-1].assign(id=1).to_csv(tmp_path / "wine_test.csv", index=False)  # other order, one column more
    return tmp_path


def test_rows_of_both_tables_are_coded_alike(folder):
    parts = table(folder, target="kind", **PARTS)
    assert list(parts) == ["train", "test"]
    FRAME.to_csv(folder / "whole.csv", index=False)
    whole = table(folder, target="kind", file="whole.csv")["all"]
    assert parts["test"].categories == whole.categories and parts["train"].classes == whole.classes == ["a", "b"]
    for train, test, both in zip(all_rows(parts["train"]), all_rows(parts["test"]), all_rows(whole), strict=True):
        np.testing.assert_array_equal(np.concatenate([train, test]), both)


def test_series_that_are_rows_may_have_test_rows_apart(tmp_path):
    values = np.arange(24.0).reshape(6, 4)
    frame = pd.DataFrame(np.column_stack([[1, 2] * 3, values]))
    frame[:4].to_csv(tmp_path / "Set_TRAIN.tsv", sep="\t", header=False, index=False)
    frame[4:].to_csv(tmp_path / "Set_TEST.tsv", sep="\t", header=False, index=False)
    options = {"header": False, "categorical": ("1",), "file": "Set_TRAIN.tsv", "test_file": "Set_TEST.tsv"}
    parts = users_files.read("series_rows", tmp_path, target="1", first="2", last="5", points=4, **options)
    x, y = parts["test"].read(0, 2)
    np.testing.assert_array_equal(x[:, 0], values[4:])
    assert (parts["train"].count, y.tolist(), parts["test"].classes) == (4, [0, 1], ["1", "2"])


def test_groups_of_both_tables_are_numbered_together(folder):
    parts = table(folder, target="kind", **PARTS, group="site")
    groups = np.concatenate([parts["train"].groups, parts["test"].groups])
    sites = FRAME["site"].to_numpy()
    np.testing.assert_array_equal(groups == groups[:, None], sites == sites[:, None])


def test_test_rows_without_an_answer_are_for_predict(folder):
    FRAME[5:].drop(columns="kind").to_csv(folder / "wine_test.csv", index=False)
    with pytest.raises(PareError, match=r"wine_test\.csv has no column 'kind', wine_train\.csv has.*predict=wine_test"):
        RowTable(**PARTS).load(folder)


def test_a_missing_table_of_test_rows_is_named(folder):
    with pytest.raises(PareError, match=r"other\.csv is missing"):
        RowTable(file="wine_train.csv", test_file="other.csv").load(folder)


def test_a_mistake_in_a_test_row_names_both_tables(folder):
    FRAME[5:].assign(mass=["6", "inf", "8"]).to_csv(folder / "wine_test.csv", index=False)
    with pytest.raises(PareError, match=r"wine_train\.csv and wine_test\.csv.*'mass'.*row 7"):
        table(folder, target="kind", **PARTS)


def test_two_ways_to_name_test_rows_are_refused(folder):
    with pytest.raises(PareError, match="split_column and test_file both say what test rows are"):
        table(folder, target="kind", **PARTS, split_column="site")


def test_a_class_that_no_training_row_has_is_named():
    labels = Labels(np.array([0, 0, 1]), np.ones(3, bool), ["a", "b"])
    with pytest.raises(PareError, match="t with u leaves no train row of class 'b'"):
        part_rows(pd.Series(["train", "test", "test"]), labels, "t with u")


def test_groups_differ_in_more_than_outer_blanks_or_type_and_an_empty_text_is_none(tmp_path):
    def groups(*sites):
        frame = pd.DataFrame({"x": range(6), "kind": list("aabbab"), "site": sites})
        frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
        return table(tmp_path, target="kind", group="site")["all"].groups.tolist()

    assert groups("n", "n ", " n", "s", "s ", "s") == [0, 0, 0, 1, 1, 1]
    assert groups(7, "7", " 7", 8, "8", 8) == [0, 0, 0, 1, 1, 1]
    with pytest.raises(PareError, match="column 'site' is empty in row 2; write there its group"):
        groups("n", "", "n", "s", " ", "s")
