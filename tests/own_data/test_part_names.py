from pathlib import Path

import pytest

from pare.own_data.part_names import train_and_test, words_and_part


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("x_train", (("x",), "train")),
        ("Set-TEST", (("Set",), "test")),
        ("data/valid/x", (("data", "x"), "validation")),
        ("training", ((), "train")),
        ("train_test_x", (("x",), None)),
        ("XTrain", (("X",), "train")),
        ("trainX", (("X",), "train")),
        ("imagesVal", (("images",), "validation")),
        ("heatFlux", (("heatFlux",), None)),
        ("contest", (("contest",), None)),
    ],
)
def test_a_word_of_a_name_says_a_part(name, found):
    assert words_and_part(name) == found


def test_two_files_are_training_and_test_rows_in_any_order():
    train, test = Path("a/wine_train.csv.gz"), Path("a/wine_test.csv.gz")
    assert list(train_and_test([test, train]).items()) == [("train", train), ("test", test)]


@pytest.mark.parametrize(
    "names",
    [
        ["train"],
        ["train", "training"],
        ["train", "wine"],
        ["train", "val"],
        ["a", "b"],
        ["x_train", "y_train", "x_test", "y_test"],
    ],
)
def test_others_are_not(names):
    assert train_and_test([Path(f"{name}.csv") for name in names]) == {}
