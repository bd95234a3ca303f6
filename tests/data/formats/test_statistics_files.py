"""Tables of Stata and R, as other libraries write them, and damaged ones."""

import bz2
import gzip
import lzma
import random
import sys

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.data.formats import memory
from pare.data.formats.delimited_text import Dialect
from pare.data.formats.table_files import load_frame, load_table

FRAME = pd.DataFrame(
    {
        "mass": [1.5, np.nan, -2.25],
        "count": [1, 2, 3],
        "kind": pd.Categorical(["low", "high", "low"], ["low", "middle", "high"]),
        "site": ["north", "south", "north"],
        "day": pd.to_datetime(["2024-01-01", "2024-02-29", "2024-03-01"]),
    }
)


def write_r(frame, path, compress=None):
    pyreadr = pytest.importorskip("pyreadr")
    (pyreadr.write_rds if path.suffix == ".rds" else pyreadr.write_rdata)(str(path), frame, compress=compress)


@pytest.mark.parametrize("name", ["t.dta", "t.rds", "T.RData"])
def test_numbers_categories_texts_and_days_are_those_that_were_written(tmp_path, name):
    path = tmp_path / name
    FRAME.to_stata(path, write_index=False) if name == "t.dta" else write_r(FRAME, path)
    found = load_frame(path, Dialect())
    found["day"] = pd.to_datetime(found["day"])  # the library writes those of R as text
    pd.testing.assert_frame_equal(found.drop(columns="kind"), FRAME.drop(columns="kind"), check_dtype=False)
    assert found["kind"].tolist() == ["low", "high", "low"] and found["kind"].dtype == "category"
    assert found["kind"].cat.categories.tolist() == ["low", "middle", "high"]


def test_a_column_of_which_some_numbers_have_labels_holds_numbers_and_that_is_told(tmp_path):
    frame = pd.DataFrame({"age": [31, -9, 45, 52], "agrees": [1, 2, np.nan, 1]})
    labels = {"age": {-9: "no answer"}, "agrees": {1: "yes", 2: "no", 3: "perhaps"}}
    frame.to_stata(tmp_path / "t.dta", write_index=False, value_labels=labels)
    found = load_table(tmp_path / "t.dta", Dialect(missing=("-9",)))
    assert found.frame["agrees"].tolist() == ["yes", "no", np.nan, "yes"]
    assert found.frame["agrees"].cat.categories.tolist() == ["yes", "no", "perhaps"]
    assert found.frame["age"].dropna().tolist() == [31, 45, 52]
    assert found.findings == (
        "age holds numbers, of which only -9 'no answer' have a label; if it means missing, say --missing",
    )


def test_files_of_r_with_several_tables_are_refused(tmp_path):
    write_r(FRAME, tmp_path / "t.rds")
    pyreadr = pytest.importorskip("pyreadr")
    found = pyreadr.read_r(str(tmp_path / "t.rds"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyreadr, "read_r", lambda path: {"a": found[None], "b": found[None]})
        with pytest.raises(PareError, match="holds the data frames a, b; save one alone in R: saveRDS"):
            load_frame(tmp_path / "t.rds", Dialect())


def test_r_without_its_library_is_told_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "t.rds").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "pyreadr", None)
    with pytest.raises(PareError, match=r"a file of R needs the package .*pip install 'pare-transfer\[r\]'"):
        load_frame(tmp_path / "t.rds", Dialect())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_of_r_is_measured_before_it_is_read(tmp_path, monkeypatch, pack):
    (tmp_path / "t.rds").write_bytes(pack(b"X\n" + bytes(80_000_000)))
    monkeypatch.setattr(memory, "free_memory", lambda: 70_000_000)
    with pytest.raises(PareError, match=r"t\.rds needs .* of memory by what it declares, and 66\.8 MiB"):
        load_frame(tmp_path / "t.rds", Dialect())


@pytest.mark.parametrize("name", ["t.sav", "t.zsav"])
def test_files_of_spss_are_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"$FL2")
    with pytest.raises(PareError, match=r"files of SPSS are not read, .* save it as \.dta \(Stata\) or \.csv"):
        load_frame(tmp_path / name, Dialect())


@pytest.mark.parametrize("suffix", [".dta", ".rds"])
def test_damaged_files_are_read_or_refused(tmp_path, suffix):
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"t{suffix}"
    FRAME.to_stata(whole, write_index=False) if suffix == ".dta" else write_r(FRAME, whole)
    chance, refused = random.Random(0), 0
    for cut in range(60):
        content = bytearray(whole.read_bytes())
        if cut % 2:
            del content[chance.randrange(len(content)) :]
        else:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            load_frame(path, Dialect())
        except PareError:
            refused += 1
    assert refused > 25
