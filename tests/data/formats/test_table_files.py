"""Tables in three formats as data frames, and what is said of files that are damaged or of another shape."""

import gc
import json
import sys
import warnings
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.data.formats import excel as excel_sheets
from pare.data.formats import memory
from pare.data.formats.delimited_text import Dialect
from pare.data.formats.table_files import find_table, load_frame

ARFF = """% a comment
@RELATION 'small one'
@ATTRIBUTE 'blood pressure' REAL
@attribute age INTEGER
@ATTRIBUTE id STRING
@ATTRIBUTE Class {no, 'may be', yes}
@DATA
1.5,30,a,yes
?,40,b,no
2.5,50,c,?
-1e3,60,'d,e','may be'
"""
CSV = "blood pressure,age,id,Class\n1.5,30,a,yes\n?,40,b,no\n2.5, 50,c,\n-1e3,60,'d,may be\n"


def written(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def test_arff_nominal_columns_keep_their_declared_order(tmp_path):
    frame = load_frame(written(tmp_path, "dataset.arff", ARFF), Dialect())
    assert list(frame.columns) == ["blood pressure", "age", "id", "Class"]
    assert list(frame["Class"].cat.categories) == ["no", "may be", "yes"]
    assert frame["blood pressure"].isna().tolist() == [False, True, False, False]
    assert frame["id"].tolist() == ["a", "b", "c", "d,e"] and frame["Class"].isna().sum() == 1


def test_csv_numbers_are_numbers_and_three_marks_are_missing(tmp_path):
    frame = load_frame(written(tmp_path, "t.csv", "a,b\n1,x\n?,\nNaN,NA\n 2 ,?\n"), Dialect())
    assert frame["a"].tolist()[::3] == [1, 2] and frame["a"].isna().tolist() == [False, True, True, False]
    assert frame["b"].isna().tolist() == [False, True, False, True], "NA may be a category of the user's"


@pytest.mark.parametrize("names", ["2020,2021", "1", "0.5,site"])
def test_columns_may_be_named_by_whole_numbers_or_some_by_others(tmp_path, names):
    values = ",".join("7" for _ in names.split(","))
    frame = load_frame(written(tmp_path, "t.csv", f"{names}\n{values}\n"), Dialect())
    assert list(frame.columns) == names.split(",") and len(frame) == 1


def test_csv_of_a_spreadsheet_is_read_with_its_byte_order_mark_quotes_and_blank_lines(tmp_path):
    content = b'\xef\xbb\xbf"a";b\r\n1;"x;\r\ny"\r\n\r\n2;z\r\n'
    frame = load_frame(written(tmp_path, "t.csv", content), Dialect(delimiter=";"))
    assert list(frame.columns) == ["a", "b"] and frame["b"].tolist()[1] == "z" and len(frame) == 2


def test_parquet_keeps_types_and_a_named_index_is_a_column(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["u", None], ["v", "u"])}, index=pd.Index([7, 8], name="i"))
    table.to_parquet(tmp_path / "t.parquet")
    frame = load_frame(tmp_path / "t.parquet", Dialect())
    assert list(frame.columns) == ["i", "a", "b"] and list(frame["b"].cat.categories) == ["v", "u"]
    assert frame.index.tolist() == [0, 1]


@pytest.mark.parametrize("ending", ["b,no\n2.5", "@DATA\n", "Class {no"])
def test_an_arff_cut_short_is_named_as_such(tmp_path, ending):
    path = written(tmp_path, "dataset.arff", ARFF[: ARFF.index(ending) + len(ending)])
    with pytest.raises(PareError, match=r"dataset.arff is .*cut short.*kedro run --pipelines=ingest"):
        load_frame(path, Dialect())


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("t.arff", ARFF.replace("yes\n?", "perhaps\n?"), "perhaps.*line 8"),
        ("t.arff", ARFF.replace("age INTEGER", "id INTEGER"), "id"),
        ("t.arff", ARFF.replace("yes}", "yes, no}"), "unique"),
        ("t.csv", CSV + "1,2,3\n", r"t.csv, line 6: 3 values, but the header names 4 columns"),
        ("t.csv", CSV + "1,2,3,4,5\n", r"line 6: 5 values"),
        ("t.csv", CSV.replace("age", "id"), "several columns are named 'id'"),
        ("t.csv", CSV.replace(",", ";"), "divided by ';', not by ',': set the reader's option delimiter: ';'"),
        ("t.csv", CSV.replace(",", "\t"), r"divided by '\\t'"),
        ("t.csv", "1.5,2\n2.5,3\n", r"must hold the names of the columns, found the numbers 1\.5, 2; put .* as x1,x2,"),
        ("t.csv", "3,-2\n1,4\n", "found the numbers 3, -2;"),
        ("t.csv", "3,1e3\n1,4\n", "found the numbers 3, 1e3;"),
        ("t.csv", "3,3\n1,4\n", "found the numbers 3, 3;"),
        ("t.tsv", "1.5\n2.5\n", r"found the numbers 1\.5;"),
        ("t.csv", "a,b\n", "has no rows"),
        ("t.csv", "", "cut short: it has no rows"),
        ("t.csv", "Results of May\n" + CSV, "line 2: 4 values, .* names 1 col.*Remove lines above the header, or let"),
        ("t.csv", b"a,b\n\xff\xfe,1\n", "cannot be read as utf-8.*option 'encoding'"),
        ("t.parquet", b"PAR1 and no more", "t.parquet is damaged"),
        ("t.xlsx", "a,b\n1,2\n", "t.xlsx is damaged, cut short or not .xlsx"),
        ("t.csv.gz", "a,b\n1,2\n", r"t.csv.gz is damaged or cut short \(Not a gzipped"),
        ("t.jsonl", "a,b\n1,2\n", "t.jsonl is damaged, cut short or not .jsonl"),
        ("t.ods", "a,b\n1,2\n", "tables end in .arff, .csv, .*; convert it"),
    ],
)
def test_a_table_of_another_shape_is_refused_by_name(tmp_path, name, content, message):
    with pytest.raises(PareError, match=message):
        load_frame(written(tmp_path, name, content), Dialect())


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path):
    import pyarrow
    import pyarrow.parquet

    twins = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["a", "a"])
    pyarrow.parquet.write_table(twins, tmp_path / "t.parquet")
    with pytest.raises(PareError, match=r"t.parquet.*a"):
        load_frame(tmp_path / "t.parquet", Dialect())


def test_the_only_table_of_a_folder_is_found_and_two_are_not_guessed_between(tmp_path):
    with pytest.raises(PareError, match=r"holds no table \(.arff, .csv, .*\).*--pipelines=ingest"):
        find_table(tmp_path, None)
    (tmp_path / "manifest.json").touch()
    (tmp_path / "A.CSV").touch()
    (tmp_path / "readme.txt").touch()
    assert find_table(tmp_path, "readme.txt").name == "readme.txt"
    assert find_table(tmp_path, None).name == "A.CSV"
    (tmp_path / "b.arff").touch()
    with pytest.raises(PareError, match=r"holds A.CSV, b.arff: keep one, or name it .*'file'"):
        find_table(tmp_path, None)
    assert find_table(tmp_path, "b.arff").name == "b.arff"
    with pytest.raises(PareError, match=r"c.arff is missing; .*tables there: A.CSV, b.arff"):
        find_table(tmp_path, "c.arff")


FRAME = pd.DataFrame({"mass": [1.5, -2.0], "count": [1, 20], "site": ["north", "süd"]})


def excel(path):
    FRAME.to_excel(path, index=False)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.tsv", lambda path: FRAME.to_csv(path, index=False, sep="\t")),
        ("t.csv.gz", lambda path: FRAME.to_csv(path, index=False)),
        ("t.tsv.gz", lambda path: FRAME.to_csv(path, index=False, sep="\t")),
        ("t.jsonl", lambda path: FRAME.to_json(path, orient="records", lines=True)),
        ("t.feather", FRAME.to_feather),
        ("T.XLSX", excel),
    ],
)
def test_other_formats_of_tables_are_read_as_pandas_wrote_them(tmp_path, name, write):
    write(tmp_path / name)
    pd.testing.assert_frame_equal(load_frame(tmp_path / name, Dialect()), FRAME, check_dtype=False)


def test_excel_without_its_library_is_told_how_to_get_it(tmp_path, monkeypatch):
    excel(tmp_path / "t.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(PareError, match=r"t\.xlsx: Excel files are read by openpyxl.*pip install openpyxl"):
        load_frame(tmp_path / "t.xlsx", Dialect())


def test_twins_in_the_header_of_a_sheet_are_refused(tmp_path):
    pd.DataFrame([["a", "a"], [1, 2]]).to_excel(tmp_path / "t.xlsx", index=False, header=False)
    with pytest.raises(PareError, match="several columns are named 'a'"):
        load_frame(tmp_path / "t.xlsx", Dialect())


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_the_index_that_pandas_writes_without_a_name_is_a_column(tmp_path, name):
    path = tmp_path / name
    FRAME.to_csv(path) if name == "t.csv" else FRAME.to_excel(path)
    frame = load_frame(path, Dialect())
    read = pd.read_csv if name == "t.csv" else pd.read_excel
    assert (frame.columns[0], frame["column 1"].tolist()) == ("column 1", [0, 1])
    pd.testing.assert_frame_equal(frame.drop(columns="column 1"), read(path, index_col=0), check_dtype=False)


def test_names_by_place_pass_over_columns_that_are_empty(tmp_path):
    frame = load_frame(written(tmp_path, "t.csv", "a,,,b,\n1,,7,2,\n3,,,4,\n"), Dialect())
    assert list(frame) == ["a", "column 2", "b"] and frame["column 2"].tolist()[0] == 7


def test_a_sheet_may_begin_below_a_title_and_to_the_right(tmp_path):
    with pd.ExcelWriter(tmp_path / "t.xlsx") as writer:
        FRAME.to_excel(writer, index=False, startrow=4, startcol=2)
        writer.sheets["Sheet1"].cell(2, 1, "Masses of May")
    pd.testing.assert_frame_equal(load_frame(tmp_path / "t.xlsx", Dialect()), FRAME, check_dtype=False)


HOLES = pd.DataFrame({"mass": [1.5, -999, 2.5], "count": [1, 20, -999], "site": ["NA", "süd", "north"]})


def arff(path):
    rows = HOLES.to_csv(index=False, header=False)
    path.write_text(
        f"@relation r\n@attribute mass real\n@attribute count integer\n@attribute site string\n@data\n{rows}"
    )


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda path: HOLES.to_csv(path, index=False)),
        ("t.txt", lambda path: HOLES.to_csv(path, index=False, float_format="%.2f")),
        ("t.jsonl", lambda path: HOLES.to_json(path, orient="records", lines=True)),
        ("t.parquet", HOLES.to_parquet),
        ("t.xlsx", lambda path: HOLES.to_excel(path, index=False)),
        ("t.arff", arff),
    ],
)
def test_words_that_are_named_are_missing_in_every_format_and_column(tmp_path, name, write):
    write(tmp_path / name)
    frame = load_frame(tmp_path / name, Dialect(missing=("NA", "-999")))
    np.testing.assert_array_equal(frame.isna(), HOLES.isin(["NA", -999]))
    assert load_frame(tmp_path / name, Dialect()).notna().all(axis=None)


def test_a_declared_category_that_is_missing_is_none(tmp_path):
    frame = load_frame(written(tmp_path, "t.arff", ARFF), Dialect(missing=("may be",)))
    assert list(frame["Class"].cat.categories) == ["no", "yes"] and frame["Class"].isna().sum() == 2


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def with_sheet(folder, sheet):
    """An Excel file whose sheet has another content."""
    pd.DataFrame({"a": [1]}).to_excel(folder / "whole.xlsx", index=False)
    with ZipFile(folder / "whole.xlsx") as whole, ZipFile(folder / "t.xlsx", "w") as changed:
        for name in whole.namelist():
            changed.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else whole.read(name))
    return folder / "t.xlsx"


def test_excel_s_values_keep_their_types(tmp_path):
    table = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "number": [0.5, np.nan, 1.0],
            "text": ["x", None, "?"],
            "day": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"]),
            "true": [True, False, True],
            "mixed": [1, "a", 2.5],
            "error": ["#DIV/0!", 1, 2],
        }
    )
    table.to_excel(tmp_path / "t.xlsx", index=False)
    found = load_frame(tmp_path / "t.xlsx", Dialect())
    expected = pd.read_excel(tmp_path / "t.xlsx", na_values=["?"])
    for name in table.drop(columns=["mixed", "text"]):
        pd.testing.assert_series_equal(found[name], expected[name], check_dtype=name != "day")
    assert found["mixed"].tolist() == [1, "a", 2.5] and found["text"].isna().tolist() == [False, True, True]


@pytest.mark.slow
def test_a_cell_in_the_last_place_of_a_sheet_is_told_by_the_memory_of_all_others(tmp_path):
    far = SHEET.format('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    path = with_sheet(tmp_path, far)
    with pytest.raises(PareError, match=r"t\.xlsx needs 128\.0 GiB of memory by what it declares, and .* are free"):
        load_frame(path, Dialect())


@pytest.mark.parametrize(
    "sheet",
    [
        "<worksheet><sheetData><row>",
        '<!DOCTYPE a [<!ENTITY b "c">]>' + SHEET.format("<row><c><v>&b;&d;</v></c></row>"),
        SHEET.format('<row r="99999999999"><c r="A1"><v>1</v></c></row>'),
        SHEET.format('<row r="1"><c r="?"><v>1</v></c></row>'),
        SHEET.format('<row r="1"><c r="A1" t="s"><v>9</v></c></row>'),
    ],
)
def test_a_broken_sheet_is_named(tmp_path, monkeypatch, sheet):
    monkeypatch.setattr(excel_sheets, "SHEET_ROWS", 1000)
    with pytest.raises(PareError, match=r"t\.xlsx is damaged, cut short or not \.xlsx"):
        load_frame(with_sheet(tmp_path, sheet), Dialect())


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_rows_of_zeros_are_told_before_they_are_unpacked(tmp_path, monkeypatch, suffix):
    table = pd.DataFrame(np.zeros((100_000, 100)))
    getattr(table.set_axis(map(str, table), axis=1), f"to_{suffix}")(tmp_path / f"t.{suffix}", compression="zstd")
    assert (tmp_path / f"t.{suffix}").stat().st_size < 1_000_000
    monkeypatch.setattr(memory, "free_memory", lambda: 70_000_000)
    with pytest.raises(PareError, match=rf"t\.{suffix} needs 76\.3 MiB of memory by what it declares, and 66\.8 MiB"):
        load_frame(tmp_path / f"t.{suffix}", Dialect())


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_text_that_is_no_utf_8_is_damage_before_it_is_read(tmp_path, suffix):
    frame, path = pd.DataFrame({"kind": ["oak", "fir"]}), tmp_path / f"t{suffix}"
    frame.to_parquet(path, compression=None) if suffix == ".parquet" else frame.to_feather(
        path, compression="uncompressed"
    )
    path.write_bytes(path.read_bytes().replace(b"oak", b"o\xffk"))
    with pytest.raises(PareError, match="is damaged"):
        load_frame(path, Dialect())


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_numbers_of_half_precision_can_be_grouped(tmp_path, suffix):
    frame, path = pd.DataFrame({"mass": np.array([0.5, 1.5, 0.5], np.float16)}), tmp_path / f"t{suffix}"
    (frame.to_parquet if suffix == ".parquet" else frame.to_feather)(path)
    assert load_frame(path, Dialect()).groupby("mass").size().tolist() == [2, 1]


def test_merged_cells_have_the_value_of_the_first_one_in_every_row(tmp_path):
    frame = pd.DataFrame({"mass": np.arange(6.0), "site": ["n", None, None, "s", None, None], "kind": list("ababab")})
    with pd.ExcelWriter(tmp_path / "t.xlsx") as writer:
        frame.to_excel(writer, index=False, startrow=2, startcol=1)
        sheet = writer.sheets["Sheet1"]
        sheet.cell(1, 1, "Masses of May")
        for merged in ("A1:D1", "C4:C6", "C7:C9"):
            sheet.merge_cells(merged)
    found = load_frame(tmp_path / "t.xlsx", Dialect())
    pd.testing.assert_frame_equal(found, frame.assign(site=list("nnnsss")), check_dtype=False)


def test_a_sheet_is_closed(tmp_path, recwarn):
    warnings.simplefilter("always")
    excel(tmp_path / "t.xlsx")
    load_frame(tmp_path / "t.xlsx", Dialect())
    gc.collect()
    assert not [warning for warning in recwarn if warning.category is ResourceWarning]


def test_names_in_json_lines_stay_as_they_are(tmp_path):
    names = ["01", "1.10", "2024-05-31", "1700000000"]
    path = written(tmp_path, "t.jsonl", "".join(json.dumps(dict.fromkeys(names, i)) + "\n" for i in range(3)))
    assert list(load_frame(path, Dialect())) == names
    path.write_text("".join(json.dumps({name: i}) + "\n" for i in range(3) for name in names[:1]))
    assert list(load_frame(path, Dialect())) == names[:1]


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, b"oak"])
def test_what_is_neither_number_nor_text_nor_time_is_refused(tmp_path, value):
    pd.DataFrame({"": [1, 2], "other": [None, value]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(PareError, match=r"column 'other' holds .*; a table has one number, text or time in each place"):
        load_frame(tmp_path / "t.parquet", Dialect())


def test_an_arff_in_another_encoding_is_read_once_it_is_named(tmp_path):
    path = tmp_path / "t.arff"
    path.write_bytes(ARFF.replace("yes", "sí").encode("latin-1"))
    with pytest.raises(PareError, match=r"t\.arff cannot be read as utf-8 .*latin-1"):
        load_frame(path, Dialect())
    assert "sí" in {*load_frame(path, Dialect(encoding="latin-1")).iloc[:, -1]}


def test_an_arff_may_begin_with_a_byte_order_mark(tmp_path):
    plain = load_frame(written(tmp_path, "t.arff", ARFF), Dialect())
    marked = load_frame(written(tmp_path, "m.arff", ARFF.removeprefix("% a comment\n").encode("utf-8-sig")), Dialect())
    pd.testing.assert_frame_equal(marked, plain)
