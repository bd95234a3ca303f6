import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, wilcoxon

from fits import (
    COLUMNS,
    common,
    find_reference,
    ranked,
    read_fits,
    scores,
    start_kept,
    summary,
)
from pare.config import PareError

FIT = {"fraction": 1.0, "settings": "", "validation": 0.5, "kept": "", "cpu_seconds": 2.0}


@pytest.fixture
def read(tmp_path):
    """Write fits as the yardstick does, and read them again."""

    def read(*lines, kind="tables"):
        path = tmp_path / f"{kind}.csv"
        pd.DataFrame([FIT | line for line in lines])[list(COLUMNS)].to_csv(path, index=False)
        return read_fits(path)

    return read


def lines_of(tests, **changes):
    """A line for each (method, data set, split) with its test metric."""
    return [
        {"method": method, "data": data, "split": split, "test": value} | changes
        for (method, data, split), value in tests.items()
    ]


def random_fits(methods, data_sets=9, splits=3):
    rng = np.random.default_rng(0)
    names = [(m, f"d{i}", split) for m in methods for i in range(data_sets) for split in range(splits)]
    return lines_of(dict(zip(names, rng.uniform(0.6, 0.9, len(names)), strict=True)))


def by_hand(lines, one, other):
    """Means of two methods over the splits that both have, a line a data set, without pandas' help."""
    tests = {(line["method"], line["data"], line["split"]): line["test"] for line in lines}
    names = sorted({line["data"] for line in lines})
    pairs = {
        name: [
            (tests[one, name, split], tests[other, name, split])
            for split in range(9)
            if (one, name, split) in tests and (other, name, split) in tests
        ]
        for name in names
    }
    return np.array([np.mean(both, axis=0) for both in pairs.values() if both])


# Reading


def test_fits_are_read_with_the_name_of_their_system(read):
    lines = lines_of({("pare", "wdbc", 0): 0.9}, settings="start=random training.epochs=8", kept="epoch 3")
    found = read(*lines, *lines_of({("None", "wdbc", 0): np.nan}))
    assert found["system"].tolist() == ["pare start=random training.epochs=8", "None"]
    assert found["test"].tolist() == pytest.approx([0.9, np.nan], nan_ok=True)
    assert found["kept"].tolist() == ["epoch 3", ""]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("fraction,", "", "fraction"),
        ("0.9", "high", "high"),
        ("wdbc,0,1.0,pare", "car,0,1.0,catboost", "two lines for car 0 1.0 catboost; remove one"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(read, tmp_path, before, after, message):
    read(*lines_of({("pare", "wdbc", 0): 0.9, ("catboost", "car", 0): 0.8}))
    path = tmp_path / "tables.csv"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(PareError, match=rf"tables\.csv.*{message}"):
        read_fits(path)


def test_the_reference_is_pare_else_the_probe_else_the_first_by_name():
    assert find_reference(["probe", "catboost", "pare"]) == "pare"
    assert find_reference(["probe", "catboost", "pare start=random"]) == "probe"
    assert find_reference(["xgboost", "catboost"]) == "catboost"


# Comparisons


def test_means_and_tests_are_those_of_scipy_over_data_sets(read):
    lines = random_fits(["pare", "probe", "catboost"])
    found = summary(read(*lines), "tables", "pare")
    p = {}
    for system in ("probe", "catboost"):
        means = by_hand(lines, system, "pare")
        line = found.loc[system]
        assert line[["mean", "reference_mean"]].tolist() == pytest.approx(means.mean(axis=0).tolist())
        p[system] = wilcoxon(means[:, 0], means[:, 1]).pvalue
        assert line["p"] == pytest.approx(p[system])
        d = means[:, 0] - means[:, 1]  # of AUROC: higher is better
        assert (line["won"], line["level"], line["lost"]) == ((d > 0).sum(), 0, (d < 0).sum())
        assert (line["data_sets"], line["pairs"]) == (9, 27)
    low, high = sorted(p, key=p.get)
    assert found.loc[low, "p_holm"] == pytest.approx(min(1, 2 * p[low]))
    assert found.loc[high, "p_holm"] == pytest.approx(min(1, max(2 * p[low], p[high])))
    assert found.loc["pare", ["won", "p", "p_holm"]].isna().all()


def test_a_system_without_some_splits_and_data_sets_is_compared_where_both_have_a_fit(read):
    lines = [
        line
        for line in random_fits(["pare", "catboost", "probe"])
        if line["method"] != "catboost" or (line["split"] == 1 and line["data"] != "d4")
    ]
    found = summary(read(*lines), "tables", "pare")
    means = by_hand(lines, "catboost", "pare")
    assert len(means) == 8
    assert found.loc["catboost", ["mean", "reference_mean"]].tolist() == pytest.approx(means.mean(axis=0).tolist())
    assert found.loc["catboost", "p"] == pytest.approx(wilcoxon(means[:, 0], means[:, 1]).pvalue)
    assert found["pairs"].to_dict() == {"pare": 27, "probe": 27, "catboost": 8}
    assert found.loc["pare", "mean"] == pytest.approx(by_hand(lines, "pare", "pare").mean())


def test_ranks_are_those_of_scipy_over_what_all_ranked_systems_have(read):
    methods = ["pare", "catboost", "probe"]
    lines = [line for line in random_fits(methods) if line["method"] != "catboost" or line["split"] < 2]
    lines += lines_of({("alone", f"d{i}", 0): 1.0 for i in range(9)})  # would leave one split for all
    found, frame = ranked(read(*lines), "tables", "pare"), summary(read(*lines), "tables", "pare")
    means = {
        method: [
            np.mean([line["test"] for line in lines if (line["method"], line["data"]) == (method, f"d{i}")][:2])
            for i in range(9)
        ]
        for method in methods
    }
    ranks = rankdata(-np.array(list(means.values())), axis=0).mean(axis=1)
    assert found.loc[methods, "mean_rank"].tolist() == pytest.approx(ranks.tolist())
    assert found.loc[methods, "mean"].tolist() == pytest.approx([np.mean(values) for values in means.values()])
    assert found["mean_rank"].is_monotonic_increasing
    assert frame.loc[methods, "mean_rank"].tolist() == pytest.approx(ranks.tolist())
    assert np.isnan(frame.loc["alone", "mean_rank"]) and frame.index[-1] == "alone"
    assert len(common(scores(read(*lines)), "pare")) == 18


def test_errors_rank_the_other_way(read):
    tests = {("pare", "a", 0): 1.0, ("probe", "a", 0): 2.0, ("pare", "b", 0): 3.0, ("probe", "b", 0): 4.0}
    for kind, best in (("series", "pare"), ("tables", "probe")):
        found = summary(read(*lines_of(tests), kind=kind), kind, "pare")
        assert found["mean_rank"].to_dict() == {best: 1.0, ({"pare", "probe"} - {best}).pop(): 2.0}
        assert found.loc["probe", "won"] == (2 if best == "probe" else 0)


def test_units_of_a_target_change_neither_ranks_nor_tests_of_numbers(read):
    lines = random_fits(["pare", "catboost"])
    inches = [line | {"test": line["test"] / (0.0254 if line["data"] == "d3" else 1)} for line in lines]
    one, other = (summary(read(*some, kind="numbers"), "numbers", "pare") for some in (lines, inches))
    for column in ("mean_rank", "p", "won", "lost"):
        assert one[column].dropna().tolist() == pytest.approx(other[column].dropna().tolist())
    a, b = by_hand(lines, "catboost", "pare").T
    assert one.loc["catboost", "p"] == pytest.approx(wilcoxon((a - b) / (a + b)).pvalue)


def test_equal_means_are_level_whatever_the_order_of_their_splits(read):
    values = (160 / 100, 172 / 70, 16 / 70)
    tests = {("pare", "a", i): value for i, value in enumerate(values)}
    tests |= {("probe", "a", i): values[j] for i, j in enumerate((1, 2, 0))}
    means = scores(read(*lines_of(tests), kind="series")).mean()
    assert means["pare"] != means["probe"]  # in floating point
    line = summary(read(*lines_of(tests), kind="series"), "series", "pare").loc["probe"]
    assert (line["level"], line["p"], line["mean_rank"]) == (1, 1.0, 1.5)


def test_one_system_alone_has_means_and_nothing_else(read):
    found = summary(read(*lines_of({("probe", "a", 0): 1.0, ("probe", "a", 1): 3.0})), "tables", "probe")
    assert found.loc["probe", ["mean", "pairs", "mean_rank"]].tolist() == [2.0, 2, 1.0]
    assert found.loc["probe", ["won", "p"]].isna().all()


def test_systems_without_a_common_pair_are_not_compared(read):
    tests = {("pare", "a", 0): 0.7, ("probe", "a", 0): 0.8, ("catboost", "b", 0): 0.9}
    line = summary(read(*lines_of(tests)), "tables", "pare").loc["catboost"]
    assert line["pairs"] == 0
    assert line[["mean", "mean_rank", "won", "p", "cpu_seconds"]].isna().all()


def test_seconds_are_means_over_splits_and_the_median_over_data_sets(read):
    seconds = {("a", 0): 1.0, ("a", 1): 3.0, ("b", 0): 10.0, ("b", 1): 20.0, ("c", 0): 500.0, ("c", 1): 500.0}
    lines = [
        {"method": method, "data": data, "split": split, "test": 0.5, "cpu_seconds": value * factor}
        for (data, split), value in seconds.items()
        for method, factor in (("pare", 1), ("probe", 0.1))
    ]
    for found in (ranked(read(*lines), "tables", "pare"), summary(read(*lines), "tables", "pare")):
        assert found["cpu_seconds"].to_dict() == pytest.approx({"pare": 15.0, "probe": 1.5})


def test_what_is_not_scored_or_learnt_from_fewer_rows_does_not_count(read):
    tests = {("pare", "a", 0): 0.7, ("probe", "a", 0): 0.8}
    fewer = lines_of({("pare", "a", 0): 0.1, ("probe", "a", 0): 0.1}, fraction=0.1)
    waiting = lines_of({("pare", "a", 1): np.nan, ("probe", "a", 1): 0.1})
    frame = read(*lines_of(tests), *fewer, *waiting)
    assert summary(frame, "tables", "pare")["mean"].to_dict() == {"probe": 0.8, "pare": 0.7}
    assert list(scores(read(*lines_of(tests), *lines_of({("catboost", "a", 0): np.nan})))) == ["pare", "probe"]
    assert summary(frame, "tables", "pare", fraction=0.1)["mean"].to_dict() == {"probe": 0.1, "pare": 0.1}


def test_trainings_that_kept_the_solved_start_are_counted(read):
    kept = ["start", "epoch 3", "start", "epoch 12"]
    lines = [lines_of({("pare", "a", i): 0.9}, kept=text)[0] for i, text in enumerate(kept)]
    lines += lines_of({("pare", "a", 0): 0.9}, kept="start", fraction=0.1)
    lines += lines_of({("probe", "a", 0): 0.9}, kept="start") + lines_of({("choose", "a", 0): 0.9}, kept="probe:1.00")
    lines += lines_of({("pare", "a", 0): 0.9}, kept="epoch 2", settings="start=random training.epochs=10")
    found = start_kept(read(*lines))
    assert found.to_dict("index") == {("pare", 0.1): {"kept": 1, "fits": 1}, ("pare", 1.0): {"kept": 2, "fits": 4}}
