"""How text tables are written, found out from the files."""

import gzip

import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.raw.formats.delimited_text import UTF_8, Dialect, detect_dialect, load_text

FRAME = pd.DataFrame({"größe": [1.5, -2.25, 30.0], "zahl": [1, 20, 3], "ort": ["Köln", "Ulm", "1,2,3"]})


@pytest.mark.parametrize(
    ("name", "encoding", "sep", "decimal", "found"),
    [
        ("t.csv", "utf-8", ",", ".", Dialect()),
        ("t.csv", "utf-8-sig", ";", ",", Dialect(";", UTF_8, ",")),
        ("t.csv", "utf-16", ";", ",", Dialect(";", "utf-16", ",")),
        ("t.csv", "utf-8", ";", ".", Dialect(";")),
        ("t.csv", "utf-16", "\t", ".", Dialect("\t", "utf-16")),
        ("t.tsv", "utf-8", "\t", ".", Dialect()),
        ("t.csv.gz", "utf-8", ";", ",", Dialect(";", UTF_8, ",")),
    ],
)
def test_what_is_detected_reads_the_table_as_it_was_written(tmp_path, name, encoding, sep, decimal, found):
    FRAME.to_csv(tmp_path / name, index=False, encoding=encoding, sep=sep, decimal=decimal)
    assert detect_dialect(tmp_path / name, None) == found
    pd.testing.assert_frame_equal(load_text(tmp_path / name, found), FRAME)


@pytest.mark.parametrize("content", ["a;b\n1,5;1.5\n2,5;2\n", "a;b\n1,5;x\n1.234,5;y\n", "a;b\n1;x,y\n2;z\n"])
def test_commas_are_decimal_only_where_all_numbers_agree(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    assert detect_dialect(tmp_path / "t.csv", None) == Dialect(";")


def test_points_next_to_decimal_commas_may_mark_thousands_and_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("rent;people;share\n13,6;24.315;1\n11,2;734;2\n")
    with pytest.raises(PareError, match=r"'people' holds '24\.315', and 'rent' has decimal commas; write thousands"):
        detect_dialect(tmp_path / "t.csv", None)


def test_a_file_that_is_cut_short_is_named(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode())[:-20])
    with pytest.raises(PareError, match=r"t\.csv\.gz is damaged or cut short"):
        detect_dialect(path, None)


def test_an_encoding_that_the_file_does_not_tell_is_asked_for(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode("latin-1")))
    for wrong in (None, "ascii", "no_such_code"):
        with pytest.raises(PareError, match=r"t\.csv\.gz cannot be read as .*'encoding'"):
            detect_dialect(path, wrong)
    found = detect_dialect(path, "latin-1")
    pd.testing.assert_frame_equal(load_text(path, found), FRAME)
