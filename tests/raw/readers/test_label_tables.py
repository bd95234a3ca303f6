"""Tables of labels, of files that nobody opens."""

import pytest

from pare.config.errors import PareError
from pare.raw.readers.class_folders import FileKind, labelled_files
from pare.raw.readers.label_tables import FileLabels

NOTES = FileKind("note", (".txt",))


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


def test_a_table_elsewhere_is_refused():
    with pytest.raises(ValueError, match="no plain file name"):
        FileLabels(table="../t.csv", file="a", target="b")
