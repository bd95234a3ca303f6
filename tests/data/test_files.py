"""What is said of files and folders."""

from pathlib import Path

import pytest

from pare.data.files import content_bytes, content_sha256, file_state, files_below, train_and_test, words_and_part


def test_what_a_desktop_hides_changes_nothing(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"12345")
    before = content_sha256(tmp_path), content_bytes(tmp_path), file_state(tmp_path)
    for name in (".DS_Store", "Thumbs.db", "cat/Desktop.ini", "cat/.hidden"):
        (tmp_path / name).write_bytes(b"x")
    assert (content_sha256(tmp_path), content_bytes(tmp_path), file_state(tmp_path)) == before
    assert [path.name for path in files_below(tmp_path)] == ["1.png"]


def test_a_folder_that_is_a_link_counts_by_what_it_holds(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "images" / "dog").mkdir(parents=True)
    (tmp_path / "elsewhere" / "1.png").write_bytes(b"12345")
    (tmp_path / "images" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "dog" / "back").symlink_to(tmp_path / "images")  # no end without a look at it
    before = content_sha256(tmp_path / "images")
    assert list(files_below(tmp_path / "images")) == [tmp_path / "images" / "cat" / "1.png"]
    (tmp_path / "elsewhere" / "1.png").write_bytes(b"54321")
    assert content_sha256(tmp_path / "images") != before


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
