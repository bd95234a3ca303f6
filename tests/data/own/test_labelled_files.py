"""Folders of classes, of files that nobody opens."""

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.own.labelled_files import FileKind, FileLabels, labelled_files

NOTES = FileKind("note", (".txt", ".txt.gz"))


@pytest.fixture
def put(tmp_path):
    """Make empty files below notes, and folders of names that end in a slash."""

    def put(*names):
        for name in names:
            path = tmp_path / "notes" / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.touch()
        return tmp_path

    return put


def test_rows_take_turns_among_the_classes(put):
    folder = put("b/1.txt", "a/2.TXT", "a/1.txt.gz", "a/3.txt")
    (files,) = labelled_files(folder, None, NOTES).values()
    assert [path.relative_to(folder / "notes").as_posix() for path in files.paths] == [
        "a/1.txt.gz",
        "b/1.txt",
        "a/2.TXT",
        "a/3.txt",
    ]
    np.testing.assert_array_equal(files.codes, [0, 1, 0, 0])
    assert (files.classes, files.counts) == (["a", "b"], {"a": 3, "b": 1})


def test_what_a_desktop_hides_is_passed_over_in_all_folders(put):
    names = (".DS_Store", "Thumbs.db", "desktop.ini", ".cache/x")
    folder = put("a/1.txt", "b/1.txt", *(f"{folder}{name}" for folder in ("", "a/", "../") for name in names))
    assert labelled_files(folder, None, NOTES)["all"].counts == {"a": 1, "b": 1}
    with pytest.raises(PareError, match=r"readme\.md is no note"):
        labelled_files(put("a/readme.md"), None, NOTES)


def test_parts_have_the_classes_of_train(put):
    parts = labelled_files(put("train/a/1.txt", "train/b/1.txt", "test/b/1.txt"), None, NOTES)
    assert {part: files.counts for part, files in parts.items()} == {
        "train": {"a": 1, "b": 1},
        "test": {"a": 0, "b": 1},
    }


def test_folders_of_parts_have_the_names_that_people_give_them(put):
    parts = labelled_files(put("Train/a/1.txt", "Train/b/1.txt", "val/b/1.txt", "Test/b/1.txt"), None, NOTES)
    assert {part: len(files.paths) for part, files in parts.items()} == {"train": 2, "validation": 1, "test": 1}


def test_a_class_may_have_the_name_of_a_part(put):
    assert labelled_files(put("test/1.txt", "valid/1.txt", "control/1.txt"), None, NOTES).keys() == {"all"}


def test_samples_are_made_of_the_files_that_are_asked_for(put):
    files = labelled_files(put("a/1.txt", "b/1.txt", "a/2.txt"), "notes", NOTES)["all"]
    samples = files.samples(lambda paths: np.array([int(path.stem[:1]) for path in paths]), ["number"])
    x, y = samples.read(1, 3)
    np.testing.assert_array_equal((x, y), [[1, 2], [1, 0]])
    assert (samples.count, samples.columns, samples.classes) == (3, ["number"], ["a", "b"])


@pytest.mark.parametrize(
    ("names", "root", "message"),
    [
        (["a/1.txt"], None, "has a as its only class; at least two"),
        (["a/1.txt", "b/"], None, "notes/b holds no note"),
        (["a/1.txt", "b/1.txt", "b/x.png"], None, r"b/x\.png is no note \(\.txt, \.txt\.gz\)"),
        (["a/1.txt", "b/1.txt", "1.txt"], None, r"notes/1\.txt is in no class"),
        (["a/1.txt", "b/c/1.txt"], None, "b/c is no note"),
        (["train/a/1.txt", "train/b/1.txt"], None, "holds train but no folder test"),
        (
            ["train/a/1.txt", "val/a/1.txt", "valid/a/1.txt", "test/a/1.txt"],
            None,
            "test, train, val, valid, two of them",
        ),
        (["train/a/1.txt", "train/b/1.txt", "test/bb/1.txt"], None, "class 'bb' is unknown. Did you mean 'b'"),
        (["a/1.txt", "b/1.txt"], "note", "folder 'note' is unknown. Did you mean 'notes'"),
        (["../other/a/1.txt", "a/1.txt"], None, "holds the folders notes, other; .*root"),
    ],
)
def test_what_is_wrong_with_the_folders_is_told_exactly(put, names, root, message):
    folder = put(*names)
    with pytest.raises(PareError, match=message):
        labelled_files(folder, root, NOTES)


@pytest.fixture
def read(tmp_path):
    """The files of each class, by a table."""

    def read(text, **columns):
        for name in ("1.txt", "2.txt", "007.txt", "deep/3.txt"):
            path = tmp_path / "notes" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (tmp_path / "outside.txt").touch()
        (tmp_path / "t.csv").write_text(text)
        labels = FileLabels(**{"table": "t.csv", "file": "file", "target": "kind"} | columns)
        files = labelled_files(tmp_path, None, NOTES, labels)["all"]
        names = [path.relative_to(tmp_path / "notes").as_posix() for path in files.paths]
        return list(zip(names, [files.classes[code] for code in files.codes], strict=True))

    return read


def test_a_table_names_the_classes_of_files_with_or_without_their_endings(read):
    assert read("file;kind\n1.txt;b\n2;a\ndeep/3.txt;b\nelsewhere;\n007;a\n") == [
        ("2.txt", "a"),
        ("1.txt", "b"),
        ("007.txt", "a"),
        ("deep/3.txt", "b"),
    ]


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("file,kind\nx1,a\n4,b\n", {}, r"'x1' in row 1, which is not in notes"),
        ("file,kind\n1,a\n4,b\n", {}, r"'4' in row 2, which is not in notes"),
        ("file,kind\n1,a\n1.txt,b\n", {}, r"'1.txt' in row 2, as another row does"),
        ("file,kind\n1,a\n../outside.txt,b\n", {}, "which is not in notes"),
        ("file,kind\n1,a\n2,a\n", {}, "has a as its only class"),
        ("file,kind\n1,a\n2,b\n", {"target": "kin"}, "column 'kin' is unknown. Did you mean 'kind'"),
        ("file,kind\n1,a\n2,b\n", {"table": "u.csv"}, r"u\.csv is missing"),
    ],
)
def test_what_is_wrong_with_the_table_is_told_exactly(read, table, columns, message):
    with pytest.raises(PareError, match=message):
        read(table, **columns)


def test_a_name_without_its_ending_that_two_files_have_is_refused(read, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "2.txt.gz").touch()
    assert read("file;kind\n1;a\n2.txt.gz;b\n") == [("1.txt", "a"), ("2.txt.gz", "b")]
    with pytest.raises(PareError, match=r"'2' may be 2\.txt and 2\.txt\.gz in notes"):
        read("file;kind\n1;a\n2;b\n")


def test_a_table_elsewhere_is_refused():
    with pytest.raises(ValueError, match="no plain file name"):
        FileLabels(table="../t.csv", file="a", target="b")
