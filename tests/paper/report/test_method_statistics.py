import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, gmean, rankdata, wilcoxon

from pare.evaluation.metrics import METRICS, MetricSpec
from pare.paper.report.method_statistics import (
    compare,
    complete_block,
    costs,
    errors_by_pair,
    holm,
    paired_tests,
    performance_profile,
    performance_ratios,
    ranking,
    relative_costs,
    relative_differences,
)


@pytest.fixture
def errors():
    """Errors of three methods on twelve tasks."""
    values = np.random.default_rng(0).lognormal(size=(12, 3))
    values[0, 1] = values[0, 0]  # a tie
    return pd.DataFrame(values, index=[f"t{i}" for i in range(12)], columns=["pare", "orca", "finetune"])


def by_pair(**columns):
    tasks = [("a", 0), ("a", 1), ("b", 0), ("c", 0)]
    index = pd.MultiIndex.from_tuples(tasks, names=["task", "seed"])
    return pd.DataFrame(columns, index=index).rename_axis(columns="method")


def test_a_profile_starts_at_the_share_of_wins_and_ends_at_one(errors):
    profile = performance_profile(performance_ratios(errors))
    for method in errors:
        assert profile[method].iloc[0] == pytest.approx((errors[method] == errors.min(axis=1)).mean())
    assert profile.index[0] == 1
    assert (profile.iloc[-1] == 1).all()


def test_a_profile_counts_the_tasks_within_a_factor_of_the_best():
    ratios = performance_ratios(pd.DataFrame({"pare": [1.0, 3.0], "orca": [2.0, 1.0]}))
    profile = performance_profile(ratios)
    assert profile.index.tolist() == [1, 2, 3]
    assert profile["pare"].tolist() == [0.5, 0.5, 1]
    assert profile["orca"].tolist() == [0.5, 1, 1]


def test_an_error_of_zero_is_the_best_and_all_others_are_infinitely_worse():
    ratios = performance_ratios(pd.DataFrame({"pare": [0.0, 0.0], "orca": [0.0, 0.1]}))
    assert ratios.to_numpy().tolist() == [[1, 1], [1, np.inf]]
    assert performance_profile(ratios)["orca"].tolist() == [0.5]


def test_mean_ranks_are_those_of_scipy_and_ties_share_a_win(errors):
    ranks = ranking(errors)
    expected = rankdata(errors, axis=1).mean(axis=0)
    assert ranks.loc[list(errors), "mean_rank"].to_numpy() == pytest.approx(expected)
    assert ranks["mean_rank"].is_monotonic_increasing
    assert ranks["wins"].sum() >= len(errors)
    assert ranking(pd.DataFrame({"a": [1.0], "b": [1.0]}))["wins"].tolist() == [1, 1]


def test_higher_is_better_becomes_an_error_and_variants_are_left_out(write, frame):
    write("openml_wdbc", "pare", 0, 0.99)
    write("pdebench_darcy", "pare", 0, 0.2)
    write("pdebench_darcy", "pare", 0, 0.1, variant="half")
    found = errors_by_pair(frame())
    assert found["pare"].to_dict() == pytest.approx({("openml_wdbc", 0): 0.01, ("pdebench_darcy", 0): 0.2})


def test_a_metric_says_itself_how_it_becomes_an_error(write, frame, monkeypatch):
    decibels = MetricSpec("PSNR", "dB", ("dense",), lambda _: pytest.fail(), as_error=lambda value: 10 ** (-value / 20))
    monkeypatch.setitem(METRICS, "psnr", decibels)
    recorded = {"name": "psnr", "title": "PSNR", "direction": decibels.direction}
    write("pdebench_darcy", "pare", 0, 40.0, metric=recorded)
    write("pdebench_darcy", "orca", 0, 20.0, metric=recorded)
    found = errors_by_pair(frame()).loc["pdebench_darcy", 0]
    assert found.to_dict() == pytest.approx({"pare": 0.01, "orca": 0.1})


def test_runs_in_a_rare_metric_are_not_compared(write, frame):
    other = {"name": "rmse", "title": "RMSE", "direction": "lower"}
    write("pdebench_darcy", "pare", 0, 0.2)
    write("pdebench_darcy", "finetune", 0, 0.2)
    write("pdebench_darcy", "orca", 0, 0.1, metric=other)
    assert list(errors_by_pair(frame())) == ["finetune", "pare"]


def test_methods_are_compared_where_all_have_a_run():
    missing = np.nan
    found = by_pair(
        pare=[1.0, 2.0, 3.0, 4.0],
        orca=[2.0, missing, 3.0, 4.0],
        finetune=[1.0, 1.0, 1.0, missing],
        fno=[missing, 9.0, missing, missing],
    )
    block = complete_block(found, "pare")
    assert block.index.tolist() == [("a", 0), ("b", 0)]
    assert set(block) == {"pare", "orca", "finetune"}  # 3 methods × 2 tasks; with fno there would be no common task
    comparison = compare(found, "pare", "all")
    assert comparison.left_out == ["fno"]
    assert (comparison.pairs, comparison.errors.loc["a", "pare"]) == (2, 1.0)


def test_without_the_reference_or_another_method_there_is_nothing_to_compare():
    assert compare(by_pair(orca=[1.0, 2.0, 3.0, 4.0]), "pare", "all").errors.empty
    assert compare(by_pair(pare=[1.0, 2.0, 3.0, 4.0]), "pare", "all").errors.empty


def test_differences_are_positive_where_the_reference_is_better_and_order_as_log_ratios():
    found = relative_differences(by_pair(pare=[1.0, 1.0, 10.0, 0.0], orca=[1.5, 0.5, 30.0, 0.0]), "pare")
    assert found["difference"].tolist() == pytest.approx([0.4, -2 / 3, 1.0, 0.0])
    logs = np.log(found["error"] / found["reference_error"])[:3]
    assert (np.argsort(logs) == np.argsort(found["difference"][:3])).all()


def test_paired_tests_are_those_of_scipy(errors):
    pairs = errors.rename_axis("task").assign(seed=0).set_index("seed", append=True).rename_axis(columns="method")
    found = paired_tests(relative_differences(pairs, "pare"))
    for method in ("orca", "finetune"):
        logs = np.log(errors[method] / errors["pare"])
        logs = logs[logs != 0]
        line = found.loc[method]
        assert line["wilcoxon"] == pytest.approx(wilcoxon(logs).pvalue)  # ranks do not see the scale
        assert line["sign"] == pytest.approx(binomtest(int((logs > 0).sum()), len(logs)).pvalue)
        assert (line["wins"], line["losses"], line["pairs"]) == ((logs > 0).sum(), (logs < 0).sum(), 12)
    assert found.loc["orca", "ties"] == 1


def test_equal_results_speak_for_no_difference():
    found = paired_tests(relative_differences(by_pair(pare=[1.0] * 4, orca=[1.0] * 4), "pare"))
    assert found.loc["orca", ["wilcoxon", "sign", "ties"]].tolist() == [1, 1, 4]


def test_holm_multiplies_the_smallest_p_by_all_tests_and_stays_monotone():
    # Holm (1979): 0.01·4, max(that, 0.02·3), max(that, 0.03·2), max(that, 0.6·1)
    assert holm(np.array([0.03, 0.01, 0.6, 0.02])).tolist() == pytest.approx([0.06, 0.04, 0.6, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.array([])).size == 0


def test_costs_are_means_over_seeds_with_the_distance_to_the_best(write, frame):
    write("pdebench_darcy", "pare", 0, 0.1, train_seconds=100)
    write("pdebench_darcy", "pare", 1, 0.3, train_seconds=300)
    write("pdebench_darcy", "orca", 0, 0.4, train_seconds=400)
    found = costs(frame()).set_index("method")
    assert found.loc["pare", ["error", "ratio", "train_seconds", "seeds"]].tolist() == pytest.approx([0.2, 1, 200, 2])
    assert found.loc["orca", "ratio"] == pytest.approx(2)


def test_relative_costs_are_geometric_means_over_tasks_on_the_same_device(write, frame):
    for task, seconds in (("pdebench_darcy", 50), ("pdebench_burgers", 800)):
        write(task, "pare", 0, 0.1)
        write(task, "orca", 0, 0.1, train_seconds=seconds, peak_memory_mb=None)
    write("pdebench_advection", "pare", 0, 0.1)
    write("pdebench_advection", "orca", 0, 0.1, train_seconds=1, device="cuda")
    line = relative_costs(costs(frame()), "pare").loc["orca"]
    assert line["tasks"] == 2
    assert line["train_seconds"] == pytest.approx(gmean([0.5, 8.0]))
    assert np.isnan(line["peak_memory_mb"])
