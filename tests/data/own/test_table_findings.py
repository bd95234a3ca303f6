import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.config.schema import ReaderConfig
from pare.data.own.new_rows import open_new_rows
from pare.data.registries import open_raw_files
from users_files import CLASSES, NUMBERS, RNG, TABLE, N, all_rows, facts, look, read_found, table


@pytest.mark.parametrize(
    ("values", "kind", "shape"),
    [
        (CLASSES.astype(str), "classification", (3,)),
        (CLASSES, "classification", (3,)),
        (CLASSES + 1, "classification", (3,)),
        (CLASSES * 7 - 2, "classification", (3,)),
        (CLASSES.astype(bool), "classification", (2,)),
        (NUMBERS, "regression", (1,)),
        (np.arange(N), "regression", (1,)),
        (RNG.integers(18, 90, N), "regression", (1,)),  # ages
    ],
)
def test_what_a_column_holds_says_what_is_predicted(tmp_path, values, kind, shape):
    found = look(table(tmp_path, answer=values), "answer")
    assert facts(found) == (kind, shape, (3,))
    assert (found.reader, found.rows, found.output_name) == ("table", {"all": N}, "answer")


def test_several_columns_are_labels_or_numbers(tmp_path):
    paths = table(tmp_path, a=CLASSES // 2, b=CLASSES % 2, c=NUMBERS)
    assert facts(look(paths, "a", "b")) == ("multilabel", (2,), (4,))
    assert facts(look(paths, "a", "c")) == ("regression", (2,), (4,))


def test_a_table_may_use_other_delimiters_and_hold_columns_to_ignore(tmp_path):
    paths = table(tmp_path, ";", answer=CLASSES, sample="s1")
    found = look(paths, "answer", ignore=("sample",))
    assert found.options["delimiter"] == ";"
    assert found.input_shape == (3,)
    assert found.options["ignore"] == ["sample"]


def test_names_of_rows_are_left_out_and_said_so_or_brought_back(tmp_path):
    paths = table(tmp_path, answer=CLASSES, sample=[f"s{i}" for i in range(N)])
    found = look(paths, "answer")
    assert (found.options["ignore"], found.input_shape) == (["sample"], (3,))
    assert "sample; --categorical NAME" in found.notes["ignore"]
    assert look(paths, "answer", categorical=("sample",)).input_shape == (4,)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S", "%d-%b-%Y", "%B %d, %Y"])
def test_dates_become_days_and_the_task_says_since_when(tmp_path, form):
    days = RNG.permutation(N)
    paths = table(
        tmp_path, answer=CLASSES, when=(pd.Timestamp("2024-02-28") + pd.to_timedelta(days, "D")).strftime(form)
    )
    found = look(paths, "answer")
    assert (found.options["dates"], "ignore" in found.options) == ({"when": "2024-02-28"}, False)
    assert "days since" in found.notes["dates"]
    x, _ = read_found(found, tmp_path)["all"].read(0, N)
    np.testing.assert_array_equal(x[:, 3], days)
    assert look(paths, "answer", ignore=("when",)).input_shape == (3,)


@pytest.mark.parametrize(
    ("days", "question", "hint"),
    [
        (np.arange(N), {}, "rows are in the order of when: --ordered tests on the last ones"),
        (np.arange(N), {"ordered": True}, "days of test rows are new to a model: see what --ignore when gives"),
        (RNG.permutation(N), {}, None),
        (
            RNG.permutation(N),
            {"ordered": True},
            "rows are not in the order of when, and --ordered tests on the last ones: sort them by time",
        ),
        (np.arange(N) // 20, {}, None),
    ],
)
def test_rows_in_the_order_of_a_date_are_noticed(tmp_path, days, question, hint):
    when = (pd.Timestamp("2024-02-28") + pd.to_timedelta(days, "D")).strftime("%Y-%m-%d")
    notes = look(table(tmp_path, answer=CLASSES, when=when), "answer", **question).notes
    assert notes["dates"].endswith(hint or "--ignore NAME leaves such a column out")


def test_the_newest_row_is_not_the_last(tmp_path):
    days = (pd.Timestamp("2024-02-28") - pd.to_timedelta(np.arange(N), "D")).strftime("%Y-%m-%d")
    paths = table(tmp_path, answer=CLASSES, when=days)
    assert "dates" in look(paths, "answer").options
    with pytest.raises(PareError, match=r"t\.csv: the newest when comes first, but --ordered tests on the last rows"):
        look(paths, "answer", ordered=True)


@pytest.mark.parametrize(
    ("columns", "remark"),
    [
        ({"Id": np.arange(1, N + 1)}, "Id rises by one from row to row; .* --ignore Id"),
        ({"code": CLASSES * 10 + 7}, "code says the same as answer in other words; .* --ignore code"),
        ({"code": np.array(["x", "y", "z"])[CLASSES]}, "code says the same"),
        ({"answer": np.where(CLASSES == 0, "N/A", "yes")}, "'N/A' is one of the classes.* --missing N/A"),
    ],
)
def test_columns_that_may_be_no_features_are_named(tmp_path, columns, remark):
    found = look(table(tmp_path, **{"answer": CLASSES.astype(str)} | columns), "answer")
    assert re.search(remark, "\n".join([*found.remarks, *found.notes.values()]))
    assert "ignore" not in found.options  # the user knows


def test_columns_like_others_are_not_named(tmp_path):
    columns = {"twice": CLASSES * 2 + np.arange(N) % 2, "some": np.arange(N) * 2}
    assert "target" not in look(table(tmp_path, answer=CLASSES.astype(str), **columns), "answer").notes


def test_a_list_in_a_place_of_a_table_is_named(tmp_path):
    TABLE.assign(tags=[["a", "b"]] * N).to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    with pytest.raises(PareError, match=r"column 'tags' holds \['a', 'b'\]; a table has one number"):
        look([tmp_path / "t.jsonl"], "site")


def test_dates_of_years_get_a_season(tmp_path):
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(10 * RNG.permutation(N), "D")
    found = look(table(tmp_path, answer=CLASSES, when=days.strftime("%Y-%m-%d")), "answer")
    assert found.options["calendar"] == {"when": ["season"]}
    assert found.input_shape == (6,)
    assert "weekday is one to add" in found.notes["calendar"]


@pytest.mark.parametrize(
    ("form", "order"),
    [
        ("%d/%m/%Y", "day_first"),
        ("%m/%d/%y", "month_first"),
        ("%m/%d/%Y %I:%M %p", "month_first"),
        ("%d-%m-%Y", "day_first"),
        ("%m-%d-%Y %H:%M", "month_first"),
    ],
)
def test_dates_with_slashes_are_read_in_the_order_that_some_row_tells(tmp_path, form, order):
    days = pd.date_range("2024-01-01", periods=N)
    found = look(
        table(tmp_path, answer=CLASSES, when=days.strftime(form), noted=days[[3, 4] * (N // 2)].strftime(form)),
        "answer",
    )
    assert found.options["date_order"] == order
    assert found.options["dates"] == {"when": "2024-01-01", "noted": "2024-01-04"}  # by itself it tells no order
    x, _ = read_found(found, tmp_path)["all"].read(0, N)
    np.testing.assert_array_equal(x[:, 3], np.arange(N))


def test_dates_with_slashes_that_tell_no_order_are_asked_about(tmp_path):
    paths = table(tmp_path, answer=CLASSES, when=[f"{1 + i % 12:02}/{1 + i % 7:02}/2024" for i in range(N)])
    with pytest.raises(PareError, match=r"^t\.csv: no date of 'when' .*--dates day_first or --dates month_first"):
        look(paths, "answer")
    assert look(paths, "answer", date_order="month_first").options["dates"] == {"when": "2024-01-01"}
    assert "dates" not in look(paths, "answer", ignore=("when",)).options


@pytest.mark.parametrize("question", [{}, {"date_order": "month_first"}])
def test_dates_of_two_orders_are_refused(tmp_path, question):
    days = pd.date_range("2024-01-01", periods=N)
    other = {"due": days.strftime("%m/%d/%Y")} if not question else {}
    paths = table(tmp_path, answer=CLASSES, when=days.strftime("%d/%m/%Y"), **other)
    with pytest.raises(PareError, match=r"day_first in 'when'.*(month_first in 'due'|says month_first)"):
        look(paths, "answer", **question)


def test_days_as_whole_numbers_are_not_rounded_to_every_second_one(tmp_path):
    days = [f"2024{1 + i // 28:02}{1 + i % 28:02}" for i in range(N)]
    found = look(table(tmp_path, answer=CLASSES, day=days), "answer", missing=("20240103",))
    x, _ = all_rows(read_found(found, tmp_path)["all"])
    expected = [(date(2024, 1 + i // 28, 1 + i % 28) - date(2024, 1, 1)).days for i in range(N)]
    np.testing.assert_array_equal(x[:, -1], np.where(np.arange(N) == 2, np.nan, expected))


@pytest.mark.parametrize("value", ["1/2", "13/13/2024", "120/80/2024", "3/4/5/2024", "03-04-05", "03/04-2024"])
def test_other_numbers_with_slashes_are_no_dates(tmp_path, value):
    assert "dates" not in look(table(tmp_path, answer=CLASSES, pressure=[value, "7/8"] * (N // 2)), "answer").options


def test_the_columns_are_listed_where_no_target_is_named(tmp_path):
    with pytest.raises(PareError, match=r"--target COLUMN\. Columns of t\.csv: mass, count, site"):
        look(table(tmp_path))


def test_a_task_says_how_its_table_is_written_and_reads_it_so(tmp_path):
    frame = TABLE.assign(answer=CLASSES)
    frame.to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",", encoding="utf-16")
    found = look([tmp_path / "t.csv"], "answer")
    assert {key: found.options[key] for key in ("delimiter", "encoding", "decimal")} == {
        "delimiter": ";",
        "encoding": "utf-16",
        "decimal": ",",
    }
    assert "decimal" in found.notes
    x, y = read_found(found, tmp_path)["all"].read(0, N)
    np.testing.assert_allclose(x[:, 0], frame["mass"], rtol=1e-6)
    np.testing.assert_array_equal(y, CLASSES)


def test_an_encoding_is_asked_for_by_the_option_of_the_command(tmp_path):
    TABLE.assign(answer=CLASSES, ort="süd").to_csv(tmp_path / "t.csv", index=False, encoding="latin-1")
    with pytest.raises(PareError, match=r"^t\.csv cannot be read as utf-8.*set --encoding NAME"):
        look([tmp_path / "t.csv"], "answer", ignore=("ort",))
    assert look([tmp_path / "t.csv"], "answer", ignore=("ort",), encoding="latin-1").options["encoding"] == "latin-1"


def test_rows_without_an_answer_are_counted(tmp_path):
    answer = np.where(np.arange(N) < 7, "", CLASSES.astype(str))
    found = look(table(tmp_path, answer=answer), "answer")
    assert (found.rows, found.unlabelled) == ({"all": N - 7}, 7)


@pytest.mark.parametrize("units", [np.arange(N) // 6, [f"walk {i // 6}" for i in range(N)]])
def test_a_column_that_may_say_which_rows_belong_together_is_named(tmp_path, units):
    gait = np.repeat(["slow", "fast"], N // 2)
    found = look(table(tmp_path, gait=gait, walk=units), "gait")
    assert found.remarks[0].startswith("all rows of one walk have the same gait; where such rows belong together")
    assert not look(table(tmp_path, gait=gait, walk=units), "gait", groups="walk").remarks
    (remark,) = look(table(tmp_path, gait=CLASSES, walk=units), "gait").remarks
    assert remark.startswith("rows are sorted by walk; where that is") and remark.endswith("together, --groups walk")


def test_test_rows_may_be_in_a_table_of_their_own(tmp_path):
    frame = TABLE.assign(kind=[None, *CLASSES[1:].astype(str)])
    frame[:40].to_csv(tmp_path / "wine_train.csv", index=False)
    frame[40:].to_csv(tmp_path / "wine_test.csv", index=False)
    for paths in (["wine_train.csv", "wine_test.csv"], ["wine_test.csv", "wine_train.csv"]):
        found = look([tmp_path / path for path in paths], "kind")
        assert (found.rows, found.unlabelled) == ({"train": 39, "test": 20}, 1)
        assert facts(found) == ("classification", (3,), (3,))
        assert found.classes == {str(k): int((CLASSES[1:40] == k).sum()) for k in range(3)}
        assert (found.options["file"], found.options["test_file"]) == ("wine_train.csv", "wine_test.csv")


def test_series_that_are_rows_may_have_test_rows_in_a_table_of_their_own(tmp_path):
    rows = np.column_stack([1 + CLASSES, RNG.normal(size=(N, 12))])
    for part, chosen in (("TRAIN", slice(0, 40)), ("TEST", slice(40, N))):
        np.savetxt(tmp_path / f"Set_{part}.tsv", rows[chosen], delimiter="\t")
    found = look([tmp_path / "Set_TRAIN.tsv", tmp_path / "Set_TEST.tsv"], "1", wide=True)
    assert (found.reader, found.rows) == ("series_rows", {"train": 40, "test": 20})
    assert facts(found) == ("classification", (3,), (1, 12))


def test_two_tables_that_are_no_parts_are_refused(tmp_path):
    for name in ("a.csv", "b.csv", "long_train.csv", "long_test.csv"):
        TABLE.to_csv(tmp_path / name, index=False)
    with pytest.raises(PareError, match="or two, named as in wine_train and wine_test"):
        look([tmp_path / "a.csv", tmp_path / "b.csv"], "mass")
    with pytest.raises(PareError, match="expected one of these: one table"):  # a series could be in both
        look([tmp_path / "long_train.csv", tmp_path / "long_test.csv"], "mass", series="site")


@pytest.mark.parametrize("index", [None, RNG.permutation(1000)[:N], [f"s{i}" for i in range(N)]])
def test_the_index_that_pandas_writes_is_left_out_and_said_so(tmp_path, index):
    frame = TABLE.assign(answer=CLASSES)
    (frame if index is None else frame.set_axis(index)).to_csv(tmp_path / "t.csv")
    found = look([tmp_path / "t.csv"], "answer")
    assert (found.options["ignore"], found.input_shape) == (["column 1"], (3,))
    assert found.remarks == ("the first column has no name and another value in each row, as row numbers do: left out",)
    x, _ = read_found(found, tmp_path)["all"].read(0, N)
    np.testing.assert_array_equal(x[:, 1], pd.read_csv(tmp_path / "t.csv", index_col=0)["count"])


def test_the_index_of_training_rows_and_that_of_test_rows_are_left_out(tmp_path):
    frame = TABLE.assign(answer=CLASSES)
    for part, rows in (("train", slice(0, 40)), ("test", slice(40, N))):
        frame[rows].reset_index(drop=True).to_csv(tmp_path / f"t_{part}.csv")
    assert look([tmp_path / "t_train.csv", tmp_path / "t_test.csv"], "answer").options["ignore"] == ["column 1"]
    frame[40:].to_csv(tmp_path / "t_test.csv", index=False)
    with pytest.raises(PareError, match="has no column 'column 1'"):
        look([tmp_path / "t_train.csv", tmp_path / "t_test.csv"], "answer")
    found = look([tmp_path / "t_train.csv", tmp_path / "t_test.csv"], "answer", ignore=("column 1",))
    assert (found.rows, found.input_shape) == ({"train": 40, "test": 20}, (3,))


def test_other_columns_without_a_name_are_called_by_their_place(tmp_path):
    frame = TABLE.assign(answer=CLASSES)
    frame.columns = ["mass", "", "site", "answer"]
    frame.set_index(NUMBERS).to_csv(tmp_path / "t.csv")
    found = look([tmp_path / "t.csv"], "answer")
    assert found.remarks == ("without a name in the file, called by their place: column 1, column 3",)
    assert found.input_shape == (4,)
    TABLE.set_index(pd.date_range("2024-01-01", periods=N)).to_csv(tmp_path / "t.csv")
    assert look([tmp_path / "t.csv"], "mass").options["dates"] == {"column 1": "2024-01-01"}


def test_words_for_a_missing_value_are_told(tmp_path):
    frame = TABLE.assign(size=NUMBERS[::-1], answer=CLASSES)
    frame.loc[:2, "mass"], frame.loc[:1, "site"], frame.loc[5, "size"] = np.nan, np.nan, -999
    frame.to_csv(tmp_path / "t.csv", index=False, na_rep="#N/A")
    found = look([tmp_path / "t.csv"], "answer")
    assert found.remarks == (
        "'#N/A' is read as missing in mass (3 rows)",
        "'#N/A' is a category in site (2 rows); --missing '#N/A' makes it missing",
    )
    found = look([tmp_path / "t.csv"], "answer", missing=("#N/A", "-999"))
    assert (found.remarks, found.options["missing"]) == ((), ["#N/A", "-999"])
    samples = read_found(found, tmp_path)["all"]
    holes = frame[samples.columns].isna() | frame[samples.columns].isin([-999])
    np.testing.assert_array_equal(np.isnan(samples.read(0, N)[0]), holes)
    assert samples.categories == [None, None, ["north", "south"], None]


def test_columns_of_which_nothing_can_be_learnt_are_left_out_and_said_so(tmp_path):
    columns = {"a": "", "b": "NA", "c": 7, "d": [7, ""] * (N // 2), "e": ["u", ""] * (N // 2), "f": 1.5}
    found = look(table(tmp_path, answer=CLASSES, **columns), "answer")
    assert found.remarks == ("left out: 1 column without a value (a), 3 columns the same in every row (b, c, f)",)
    assert (found.options["ignore"], found.input_shape) == (["a", "b", "c", "f"], (5,))  # d and e are known or not
    assert read_found(found, tmp_path)["all"].read(0, 2)[0][:, 4].tolist() == pytest.approx([0, np.nan], nan_ok=True)


def test_a_word_between_dates_is_a_missing_one(tmp_path):
    when = pd.Series(pd.date_range("2024-01-01", periods=N).strftime("%Y-%m-%d"))
    when[3] = None
    TABLE.assign(answer=CLASSES, when=when).to_csv(tmp_path / "t.csv", index=False, na_rep="NA")
    found = look([tmp_path / "t.csv"], "answer")
    assert (found.options["dates"], found.remarks) == (
        {"when": "2024-01-01"},
        ("'NA' is read as missing in when (1 row)",),
    )
    x, _ = read_found(found, tmp_path)["all"].read(0, N)
    assert np.flatnonzero(np.isnan(x[:, 3])).tolist() == [3]


# ---------------------------------------------------------------------- as people write numbers

LAB = """probe;lead;dose;people;share;kind
1;<0,05;5 mg;1.234;45 %;a
2;0,3;2,5 mg;12;3 %;b
3;n.d.;7 mg;56.789;7,5 %;a
4;12,5;1 mg;7;0 %;b
5;>100;2 mg;2.345;11 %;a
6;1,25;8 mg;915;2 %;b
"""
LAB_NUMBERS = {
    "lead": [0.05, 0.3, np.nan, 12.5, 100, 1.25],
    "dose": [5, 2.5, 7, 1, 2, 8],
    "people": [1234, 12, 56789, 7, 2345, 915],
    "share": [45, 3, 7.5, 0, 11, 2],
}


def lab_files(folder):
    """The table as text and as a sheet of Excel whose cells hold the same texts."""
    (folder / "t.csv").write_text(LAB)
    yield folder / "t.csv"
    pd.read_csv(folder / "t.csv", sep=";", dtype=str, keep_default_na=False).to_excel(folder / "t.xlsx", index=False)
    yield folder / "t.xlsx"


def test_a_table_of_a_laboratory_is_read_alike_at_first_by_its_task_and_as_new_rows(tmp_path):
    for path in lab_files(tmp_path):
        found = look([path], "kind", ignore=("probe",))
        said = " ".join(found.remarks)
        assert "read as their limit, as if it were measured: lead (2 rows, such as <0" in said
        assert "thousands are marked by '.': 1.234 in people is 1234" in said
        assert "numbers of dose have the unit mg" in said and "'n.d.' is read as missing in lead (1 row)" in said
        reader = ReaderConfig(name=found.reader, options=found.options | {"file": path.name})
        samples = open_raw_files(reader, tmp_path)["all"]
        x, _ = samples.read(0, samples.count)
        assert samples.columns == list(LAB_NUMBERS)
        np.testing.assert_array_equal(x, np.array([*LAB_NUMBERS.values()], np.float32).T)
        new = open_new_rows(path, reader, samples)
        np.testing.assert_array_equal(new.read(0, 6), x)


@pytest.mark.parametrize(
    ("row", "values"),
    [
        ("<0,5;3 mg;1.234;5 %", [0.5, 3, 1234, 5]),
        ("BDL;;7;", [np.nan, np.nan, 7, np.nan]),
        ("1,5;3 g;7;5 %", r"column 'dose' holds '3 g' in row 1; expected a number with the unit mg"),
        ("1,5;3 mg;<7;5 %", "column 'people' holds '<7' in row 1; expected a number"),
        ("1.5;3 mg;7;5 %", r"column 'lead' holds '1\.5' in row 1; expected a number, or a limit"),
    ],
)
def test_new_rows_are_read_by_what_the_task_says_not_by_what_they_look_like(tmp_path, row, values):
    path, *_ = lab_files(tmp_path)
    found = look([path], "kind", ignore=("probe",))
    reader = ReaderConfig(name=found.reader, options=found.options | {"file": "t.csv"})
    samples = open_raw_files(reader, tmp_path)["all"]
    (tmp_path / "new.csv").write_text(f"lead;dose;people;share\n{row}\n")
    if isinstance(values, str):
        with pytest.raises(PareError, match=values):
            open_new_rows(tmp_path / "new.csv", reader, samples)
    else:
        np.testing.assert_array_equal(open_new_rows(tmp_path / "new.csv", reader, samples).read(0, 1), [values])


def test_limits_that_are_predicted_are_told(tmp_path):
    (tmp_path / "t.csv").write_text("a,lead\n" + "".join(f"{i},{'<0.5' if i == 3 else i / 8 + 1}\n" for i in range(40)))
    found = look([tmp_path / "t.csv"], "lead")
    assert "lead is predicted, and its limits count as answers" in found.remarks
    _, y = all_rows(read_found(found, tmp_path)["all"])
    assert y[3] == 0.5 and y[4] == 1.5


def test_limits_of_test_rows_alone_are_found(tmp_path):
    for part, values in (("train", ["1.5", "2.5", "4.25"]), ("test", ["<0.5", "3", "7.5"])):
        rows = "".join(f"{value},{kind}\n" for value, kind in zip(values * 4, "abb" * 4, strict=True))
        (tmp_path / f"lead_{part}.csv").write_text(f"lead,kind\n{rows}")
    found = look([tmp_path / "lead_train.csv", tmp_path / "lead_test.csv"], "kind")
    assert found.options["limits"] == ["lead"] and "lead (4 rows, such as <0.5)" in " ".join(found.remarks)
    assert all_rows(read_found(found, tmp_path)["test"])[0][0, 0] == 0.5


def test_a_doubtful_mark_is_what_the_user_says(tmp_path):
    (tmp_path / "t.csv").write_text("people;kind\n" + "1.234;a\n12;b\n56.789;b\n" * 4)
    with pytest.raises(PareError, match=r"may be 1\.234 or 1234, .* say --thousands \. or --thousands none"):
        look([tmp_path / "t.csv"], "kind")
    for said, value in ((".", 1234), ("none", 1.234)):
        found = look([tmp_path / "t.csv"], "kind", thousands=said)
        assert all_rows(read_found(found, tmp_path)["all"])[0][0, 0] == np.float32(value)


def test_series_are_read_as_people_write_numbers(tmp_path):
    rows = "".join(
        f"{i // 5};{'<0,5' if i % 5 == 1 else f'{i + 1000:,},25'.replace(',', '.', 1)};{'ab'[i // 10]}\n"
        for i in range(20)
    )
    (tmp_path / "t.csv").write_text(f"walk;height;kind\n{rows}")
    found = look([tmp_path / "t.csv"], "kind", series="walk")
    assert "height (4 rows, such as <0,5)" in " ".join(found.remarks)
    x, _ = all_rows(read_found(found, tmp_path)["all"])
    np.testing.assert_array_equal(x[0, 0], [1000.25, 0.5, 1002.25, 1003.25, 1004.25])


def test_categories_keep_the_texts_that_look_like_numbers(tmp_path):
    (tmp_path / "t.csv").write_text("dose;b;kind\n" + "5 mg;1,5;a\n10 mg;2,5;b\n" * 6)
    found = look([tmp_path / "t.csv"], "kind", categorical=("dose",))
    samples = read_found(found, tmp_path)["all"]
    assert samples.categories == [["10 mg", "5 mg"], None] and "units" not in found.options
