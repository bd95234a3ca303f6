"""Members of archives: where they are, and damaged ones."""

import zipfile
from pathlib import Path

import pytest

from pare.config.errors import PareError
from pare.data.formats.archives import folder_of, open_zip, zip_member


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("folder/numbers.txt", " ".join(map(str, range(2000))))
    return path


def test_a_member_is_read_where_it_lies(archive):
    content = zip_member(open_zip(archive), "folder/numbers.txt").read()
    assert content.split()[1999] == b"1999"
    assert list(archive.parent.iterdir()) == [archive]


def test_a_member_that_is_absent_or_damaged_is_named_with_what_to_do(archive):
    with pytest.raises(PareError, match=r"a.zip does not hold other.txt; .*--pipelines=ingest"):
        zip_member(open_zip(archive), "other.txt")
    content = bytearray(archive.read_bytes())
    content[500] ^= 255
    archive.write_bytes(content)
    with pytest.raises(PareError, match=r"a.zip cannot be read as an archive .*--pipelines=ingest"):
        zip_member(open_zip(archive), "folder/numbers.txt")


def test_a_member_that_claims_more_than_fits_into_memory_is_not_unpacked(archive):
    opened = open_zip(archive)
    opened.NameToInfo["folder/numbers.txt"].file_size = 2**30 + 1
    with pytest.raises(PareError, match=r"numbers.txt claims 1073741825 bytes, expected at most 1073741824"):
        zip_member(opened, "folder/numbers.txt")


@pytest.mark.parametrize(
    "names, folder",
    [
        (["tr.csv", "a/b.csv"], ""),
        (["data/tr.csv", "data/xtr.csv"], "data/"),
        (["__MACOSX/data/._tr.csv", "data/tr.csv"], "data/"),
    ],
)
def test_the_folder_of_a_file_is_the_path_before_it(names, folder):
    assert folder_of(names, "tr.csv", Path("a.zip")) == folder


@pytest.mark.parametrize(
    "names, message", [(["xtr.csv"], "holds no tr.csv"), (["a/tr.csv", "b/tr.csv"], "holds a/tr.csv, b/tr.csv")]
)
def test_a_file_that_is_nowhere_or_twice_is_refused(names, message):
    with pytest.raises(PareError, match=message):
        folder_of(names, "tr.csv", Path("a.zip"))
