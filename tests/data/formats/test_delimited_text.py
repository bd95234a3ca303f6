"""How text tables are written, found out from the files."""

import csv
import gzip

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.data.formats import memory
from pare.data.formats.delimited_text import LINE_BYTES, UTF_8, Dialect, detect_dialect, load_text
from pare.data.formats.table_files import load_frame

FRAME = pd.DataFrame({"größe": [1.5, -2.25, 30.0], "zahl": [1, 20, 3], "ort": ["Köln", "Ulm", "1,2,3"]})


@pytest.mark.parametrize(
    ("name", "encoding", "sep", "decimal", "found"),
    [
        ("t.csv", "utf-8", ",", ".", Dialect()),
        ("t.csv", "utf-8-sig", ";", ",", Dialect(delimiter=";", encoding=UTF_8, decimal=",")),
        ("t.csv", "utf-16", ";", ",", Dialect(delimiter=";", encoding="utf-16", decimal=",")),
        ("t.csv", "utf-8", ";", ".", Dialect(delimiter=";")),
        ("t.csv", "utf-16", "\t", ".", Dialect(delimiter="\t", encoding="utf-16")),
        ("t.tsv", "utf-8", "\t", ".", Dialect()),
        ("t.csv.gz", "utf-8", ";", ",", Dialect(delimiter=";", encoding=UTF_8, decimal=",")),
        ("t.txt", "utf-8", "\t", ".", Dialect(delimiter="\t")),
        ("t.txt", "utf-8", " ", ",", Dialect(delimiter=" ", encoding=UTF_8, decimal=",")),
        ("t.dat.gz", "utf-8", " ", ".", Dialect(delimiter=" ")),
    ],
)
def test_what_is_detected_reads_the_table_as_it_was_written(tmp_path, name, encoding, sep, decimal, found):
    FRAME.to_csv(tmp_path / name, index=False, encoding=encoding, sep=sep, decimal=decimal)
    assert detect_dialect(tmp_path / name, None) == found
    pd.testing.assert_frame_equal(load_text(tmp_path / name, found), FRAME)


@pytest.mark.parametrize("content", ["a;b\n1,5;1.5\n2,5;2\n", "a;b\n1;x,y\n2;z\n"])
def test_commas_are_decimal_only_where_all_numbers_agree(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    assert detect_dialect(tmp_path / "t.csv", None) == Dialect(delimiter=";")


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


def test_runs_of_blanks_divide_values_as_pandas_has_it(tmp_path):
    (tmp_path / "t.dat").write_text('  a   b  c \n 1.5  2   \'x\n-3\t 4e2  "y z" \n')
    frame = load_text(tmp_path / "t.dat", detect_dialect(tmp_path / "t.dat", None))
    pd.testing.assert_frame_equal(frame, pd.read_csv(tmp_path / "t.dat", sep=r"\s+"))


def test_the_names_of_rows_that_r_writes_without_a_name_above_them_are_a_column(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text('"mass" "site"\n"Mazda RX4" 1.5 "north"\n"Fiat 128" NA "south"\n')
    frame = load_text(path, detect_dialect(path, None))
    expected = pd.read_csv(path, sep=r"\s+", na_values=[], keep_default_na=False).reset_index(names="column 1")
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize(
    "above",
    [
        "# measured in May, by me\n#\n",
        '# 5" pipe\n\n',
        "# May, June\n",
        '# May "June, July\n',
        '# "May, June\n',
        "\n#note\n#\n\n",
    ],
)
def test_comments_above_the_header_are_passed_over(tmp_path, above):
    (tmp_path / "t.csv").write_text(f"{above}a,b\n1,x\n2,y\n")
    frame = load_text(tmp_path / "t.csv", detect_dialect(tmp_path / "t.csv", None))
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


@pytest.mark.parametrize("header", ["#id,kind", "# by me, in May\n#id,kind"])
@pytest.mark.parametrize("rows", ["1,x\n2,y\n", "u,x\nv,y\n"])
def test_a_header_may_begin_with_the_mark_of_comments(tmp_path, header, rows):
    (tmp_path / "t.csv").write_text(f"{header}\n{rows}")
    frame = load_text(tmp_path / "t.csv", detect_dialect(tmp_path / "t.csv", None))
    assert (list(frame), len(frame), frame["kind"].tolist()) == (["#id", "kind"], 2, ["x", "y"])


@pytest.mark.parametrize("delimiter", [" ", ",", "\t"])
def test_what_numpy_wrote_with_a_header_is_read_with_its_names(tmp_path, delimiter):
    values = np.random.default_rng(0).normal(size=(5, 3))
    np.savetxt(tmp_path / "t.txt", values, delimiter=delimiter, header=f"by me\n{delimiter.join('abc')}")
    frame = load_text(tmp_path / "t.txt", detect_dialect(tmp_path / "t.txt", None))
    assert list(frame) == ["a", "b", "c"]
    np.testing.assert_allclose(frame, values, rtol=1e-15)


@pytest.mark.parametrize(("columns", "dtype", "header"), [(4, float, True), (5, int, True), (3, int, False)])
def test_the_header_that_pandas_writes_for_columns_without_names_is_one(tmp_path, columns, dtype, header):
    frame = pd.DataFrame(np.arange(2 * columns, dtype=dtype).reshape(2, columns))
    frame.to_csv(tmp_path / "t.csv", index=False, header=header)
    found = detect_dialect(tmp_path / "t.csv", None, names_needed=False)
    assert (found.header, len(load_text(tmp_path / "t.csv", found))) == (header, 2)


@pytest.mark.parametrize(("below", "header"), [("0.1,0.98\n", False), ("0.1,fir\n", True)])
def test_numbers_0_and_1_above_numbers_are_a_first_row(tmp_path, below, header):
    (tmp_path / "t.csv").write_text(f"0,1\n{below}")
    assert detect_dialect(tmp_path / "t.csv", None, names_needed=False).header == header


@pytest.mark.parametrize("header", ["a,b", "a,b,", "a,b,,"])
def test_a_delimiter_at_the_end_of_each_line_makes_no_column(tmp_path, header):
    ends = "," * max(1, header.count(",") - 1)
    (tmp_path / "t.csv").write_text(f"{header}\n1,x{ends}\n2,y{ends}\n")
    pd.testing.assert_frame_equal(
        load_text(tmp_path / "t.csv", Dialect()), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    )


def test_words_for_a_missing_value_hide_no_decimal_commas(tmp_path):
    frame = pd.DataFrame({"a": [1.5, None, -2.25], "b": ["x", None, "z"]})
    frame.to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",", na_rep="NA")
    found = detect_dialect(tmp_path / "t.csv", None)
    assert (found.decimal, load_frame(tmp_path / "t.csv", found)["a"].tolist()) == (",", [1.5, "NA", -2.25])
    found = detect_dialect(tmp_path / "t.csv", None, missing=("NA",))
    pd.testing.assert_frame_equal(load_text(tmp_path / "t.csv", found), frame)


@pytest.mark.parametrize("read", [lambda path: load_text(path, Dialect()), lambda path: detect_dialect(path, None)])
@pytest.mark.parametrize("end", ["\n", "\r"])
def test_text_that_unpacks_to_more_than_memory_or_has_no_lines_is_refused_as_a_stream(tmp_path, monkeypatch, read, end):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"0" * (LINE_BYTES + (2 << 20))))
    assert path.stat().st_size < 100_000
    with pytest.raises(PareError, match=r"t\.csv\.gz has a line of more than 64\.0 MiB"):
        read(path)
    path.write_bytes(gzip.compress(f"a,b{end}".encode() + (f"1,{'0' * 999}{end}".encode() * (80 << 10))))
    monkeypatch.setattr(memory, "free_memory", lambda: 70_000_000)
    with pytest.raises(PareError, match=r"t\.csv\.gz needs .* MiB of memory by what it declares, and 66\.8 MiB are"):
        read(path)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("quoted", [True, False])
def test_names_may_have_more_commas_than_the_header_has_delimiters(tmp_path, delimiter, quoted):
    frame = pd.DataFrame({"height, cm, without shoes": [1.5, 2.5], "site, place": ["x", "y"]})
    frame.to_csv(tmp_path / "t.csv", index=False, sep=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    found = detect_dialect(tmp_path / "t.csv", None)
    assert found == Dialect(delimiter=delimiter)
    pd.testing.assert_frame_equal(load_text(tmp_path / "t.csv", found), frame)


def test_lines_and_values_may_be_longer_than_python_s_csv_module_takes_them(tmp_path):
    frame = pd.DataFrame({f"gene_{i:06}": [1.5, i] for i in range(15_000)} | {"note": ["w" * 140_000, "x"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    pd.testing.assert_frame_equal(load_text(tmp_path / "t.csv", detect_dialect(tmp_path / "t.csv", None)), frame)


@pytest.mark.parametrize("names", ["a;b", "k;b;c"])
def test_the_line_that_tells_excel_the_delimiter_is_no_header(tmp_path, names):
    rows = f"{';'.join('xyz'[: names.count(';') + 1])}\n" * 2
    (tmp_path / "t.csv").write_text(f"sep=;\r\n{names}\n{rows}")
    frame = load_text(tmp_path / "t.csv", detect_dialect(tmp_path / "t.csv", None))
    assert (";".join(frame), len(frame)) == (names, 2)
