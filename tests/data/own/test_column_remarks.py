import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from pare.config.errors import PareError
from pare.data.own.column_remarks import coarse, followers, look_like_points, numbered_run, stand_ins
from users_files import NUMBERS, RNG, N, images, look, read_found, series_files, series_frames, table


def listed(folder):
    """A flat folder of eight images, and a table of them."""
    (photos,) = images(folder, (20, 30))
    rows = ["number,picture,animal"]
    for i, path in enumerate(sorted(photos.rglob("*.png"))):
        path.rename(photos / f"{path.parent.name}{path.name}")
        rows.append(f"{i},{path.parent.name}{path.stem},{path.parent.name}")
    for inner in ("cat", "dog"):
        (photos / inner).rmdir()
    (folder / "labels.csv").write_text("\n".join(rows))
    return [photos, folder / "labels.csv"]


def test_the_column_that_names_files_is_found(tmp_path):
    found = look(listed(tmp_path), "animal")
    assert found.options["labels"] == {"table": "labels.csv", "file": "picture", "target": "animal"}
    assert (found.output_name, found.classes) == ("animal", {"cat": 4, "dog": 4})
    x, y = read_found(found, tmp_path)["all"].read(0, 2)
    assert x.shape == (2, 3, 20, 30)
    np.testing.assert_array_equal(y, [0, 1])


def test_files_that_a_table_does_not_name_are_counted(tmp_path):
    photos, labels = listed(tmp_path)
    labels.write_text("\n".join(labels.read_text().splitlines()[:-2]))
    assert look([photos, labels], "animal").unlabelled == 2


def test_series_may_be_labelled_by_a_table(tmp_path):
    (walks,) = series_files(tmp_path, series_frames())
    rows = [f"{path.relative_to(walks)},{path.parent.name}ing" for path in sorted(walks.rglob("*.csv"))]
    (tmp_path / "t.csv").write_text("\n".join(["path,gait", *rows]))
    assert look([walks, tmp_path / "t.csv"], "gait").classes == {"runing": 6, "walking": 6}


def test_what_is_unclear_is_asked_for(tmp_path):
    paths = listed(tmp_path)
    with pytest.raises(PareError, match=r"--target COLUMN. Columns of labels\.csv: number, picture, animal"):
        look(paths)
    with pytest.raises(PareError, match="--target names number, animal; the class of a file is in one column"):
        look(paths, "number", "animal")
    paths[1].write_text(paths[1].read_text().replace("number,", "age,number,").replace("\n", "\n2.5,"))
    with pytest.raises(PareError, match=r"'age' of labels\.csv holds numbers, and of images only classes"):
        look(paths, "age")
    paths[1].write_text("a,b\nx,y\n")
    with pytest.raises(PareError, match=r"no column of labels\.csv names files.*in photos\. Columns: a, b"):
        look(paths, "b")
    with pytest.raises(PareError, match="leave --target out"):
        look(paths[:1], "b")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["id", "900", "902.5", "905", "kind"], ["900", "902.5", "905"]),
        (["4000", "3998", "3996"], ["4000", "3998", "3996"]),
        (["x1", "x2", "t0", "t1", "t2", "t3"], ["t0", "t1", "t2", "t3"]),
        (["s1_t1", "s1_t2", "s1_t3", "s2_t1"], ["s1_t1", "s1_t2", "s1_t3"]),
        (["350 nm", "351 nm", "352 nm"], ["350 nm", "351 nm", "352 nm"]),
        (["1", "3", "2", "1", "0"], ["3", "2", "1", "0"]),
        (["mass", "site"], ["mass"]),
        ([], []),
    ],
)
def test_a_run_of_names_differs_in_one_number(names, expected):
    assert numbered_run(names) == expected


def columns(values, prefix="t"):
    return pd.DataFrame(values, columns=[f"{prefix}{i}" for i in range(values.shape[1])])


def test_columns_look_like_points_where_neighbours_are_alike():
    noise = np.random.default_rng(0).normal(size=(50, 40))
    walks = columns(noise.cumsum(1))
    assert look_like_points(walks.assign(site="north")) == [f"t{i}" for i in range(40)]
    assert look_like_points(columns(noise, "V")) == []  # such as principal components
    assert look_like_points(columns(np.ones((50, 40)))) == []
    assert look_like_points(columns(noise.cumsum(1)[:, :10])) == []  # few
    assert look_like_points(walks.assign(t7="high")) == []


@pytest.mark.parametrize(
    "leak", [1.1 * NUMBERS, -NUMBERS, np.exp(NUMBERS), np.where(np.arange(N) % 4, NUMBERS, np.nan)]
)
def test_a_column_in_the_order_of_the_target_is_named_with_what_leaves_it_out(tmp_path, leak):
    paths = table(tmp_path, answer=NUMBERS, mass=RNG.normal(size=N), leak=leak)
    (remark,) = look(paths, "answer").remarks
    assert remark == "leak orders the rows as answer does; if new rows do not have it, say --ignore leak"
    assert look(paths, "answer", ignore=("leak",)).remarks == ()


def test_columns_below_the_limit_are_no_leak():
    answer = pd.DataFrame({"y": np.arange(500.0)})
    noise = RNG.normal(size=500)
    for size, expected in ((2, True), (30, False)):
        column = answer["y"] + size * noise
        assert bool(abs(spearmanr(column, answer["y"])[0]) > 0.999) is expected
        assert bool(followers(column.to_frame("x"), answer)) is expected


def test_a_column_that_separates_two_classes_may_be_genuine():
    classes = np.arange(N) % 2
    free = pd.DataFrame({"x": classes + 0.1 * RNG.normal(size=N)})
    assert followers(free, pd.DataFrame({"y": classes})) == []


@pytest.mark.parametrize(("number", "where"), [(-999, "below"), (1e6, "above")])
@pytest.mark.parametrize("rows", [3, 50])
def test_a_number_far_outside_that_repeats_may_mean_missing(number, where, rows):
    free = pd.DataFrame({"x": np.where(np.arange(N) < rows, number, NUMBERS), "other": NUMBERS})
    (remark,) = stand_ins(free)
    said = f"{number:.15g}"
    assert remark == f"{said} is far {where} all others in x ({rows} rows); if it means missing, say --missing={said}"


def test_a_number_of_several_columns_is_told_once():
    free = pd.DataFrame(np.where(RNG.random((N, 9)) < 0.2, 9999, RNG.normal(size=(N, 9)))).add_prefix("x")
    (remark,) = stand_ins(free)
    assert remark.startswith("9999 is far above all others in x0 (") and " and 4 more; if" in remark


def test_several_numbers_at_either_end_may_mean_missing():
    codes = np.array([-999, -998, 999, 0])[np.minimum(np.arange(N) % 10, 3)]
    remarks = list(stand_ins(pd.DataFrame({"x": np.where(codes, codes, NUMBERS)})))
    assert [remark.partition(" is far ")[0] for remark in remarks] == ["-999", "-998", "999"]


@pytest.mark.parametrize(
    "column",
    [
        NUMBERS,
        np.where(np.arange(N) < 2, -999, NUMBERS),  # two rows
        np.exp(3 * NUMBERS),  # a heavy tail
        np.where(np.arange(N) % 10, 30 + NUMBERS, 25),  # near
        np.arange(N) % 2 * 1000,  # two values
        np.array([1, 2, 3, 9])[np.arange(N) % 4],  # a code that is not one of many numbers
    ],
)
def test_other_columns_have_no_such_number(column):
    assert list(stand_ins(pd.DataFrame({"x": column}))) == []


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        (1.7e9 + np.arange(200), 3),  # seconds since 1970, of which 32 bits know every 128th
        (2_460_000.5 + np.arange(200) / 24, 34),  # Julian days, known in steps of a quarter
        (1.7e9 + 1000 * np.arange(200), None),
        (RNG.normal(size=200), None),
        (np.exp(RNG.normal(scale=9, size=200)), None),
        (np.full(200, 2.0**53), None),
        ([np.inf, np.nan] * 100, None),
        ([], None),
    ],
)
def test_numbers_that_32_bits_do_not_tell_apart_are_told(numbers, told):
    sentence = f"t has 200 different numbers, of which 32 bits tell {told} apart: subtract what all have in common"
    found = list(coarse(pd.DataFrame({"t": np.asarray(numbers, float)})))
    assert [text.startswith(sentence) for text in found] == ([True] if told else [])


def test_a_first_look_tells_of_coarse_numbers_and_of_texts_that_differ_in_capitals(tmp_path):
    seconds, sexes = 1.7e9 + RNG.permutation(N), [("Male", "male", "female")[i % 3] for i in range(N)]
    paths = table(tmp_path, answer=seconds, sex=sexes)
    assert look(paths, "answer").remarks == (
        "answer has 60 different numbers, of which 32 bits tell 1 apart: subtract what all have in common, such as the "
        "least",
        "Male, male in sex differ in capitals only, and count as different",
    )
    assert "sex" not in " ".join(look(paths, "answer", ignore=("sex",)).remarks)


@pytest.mark.parametrize("other", ["cafe\u0301", "caf\u00e9\u200b", "\uff43af\u00e9"])  # joined, without width, wide
def test_texts_that_only_a_machine_tells_apart_are_told(tmp_path, other):
    paths = table(tmp_path, answer=RNG.normal(size=N), drink=[("caf\u00e9", other, "tea")[i % 3] for i in range(N)])
    (said,) = look(paths, "answer").remarks
    assert said.endswith("in drink differ in capitals or unseen characters only, and count as different")
