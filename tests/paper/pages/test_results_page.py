import pytest

from pare.config import PareError
from pare.paper.pages.results_page import END, START, Tables, runs_in, with_results

TASKS = ("pdebench_burgers", "openml_wdbc")


@pytest.fixture
def tables(write, frame, library):
    """PaRe is better than fine-tuning on both tasks and than ORCA on the first only, some inside the seeds' spread."""
    errors = {"pare": (0.10, 0.11, 0.12), "finetune": (0.20, 0.22, 0.21), "orca": (0.11, 0.15, 0.12)}
    scores = {"pare": (0.90, 0.92, 0.94), "finetune": (0.89, 0.93, 0.91), "orca": (0.95, 0.96, 0.97)}
    for task, values in zip(TASKS, (errors, scores), strict=True):
        for method, tests in values.items():
            for seed, test in enumerate(tests):
                write(task, method, seed, test)
    return Tables(frame(), library)


def test_better_is_lower_for_errors_and_higher_for_scores(tables):
    assert [tables.compared("pdebench_burgers", method) for method in ("finetune", "orca")] == ["ahead", "level"]
    assert [tables.compared("openml_wdbc", method) for method in ("finetune", "orca")] == ["level", "behind"]


@pytest.mark.parametrize(
    ("ours", "other", "wanted"),
    [
        ((0.100, 0.09, 0.11), (0.1009, 0.1, 0.12), "level"),  # 0.9 % apart
        ((0.100, 0.09, 0.11), (0.102, 0.101, 0.12), "ahead"),  # 0.1 is below the other's interval
        ((0.100, 0.09, 0.13), (0.120, 0.08, 0.14), "level"),  # each inside the other's interval
        ((0.100, 0.09, 0.13), (0.120, 0.11, 0.14), "ahead"),  # 0.1 is outside of the other's
        ((0.120, 0.11, 0.14), (0.100, 0.09, 0.13), "behind"),
    ],
)
def test_level_is_closer_than_one_per_cent_or_inside_both_intervals(ours, other, wanted, write, frame, library):
    for method, (test, lower, upper) in (("pare", ours), ("u_net", other)):
        write("pdebench_burgers", method, 0, test, test_interval={"lower": lower, "upper": upper})
    assert Tables(frame(), library).compared("pdebench_burgers", "u_net") == wanted


def test_two_that_selected_the_start_are_one_model_and_a_baseline_is_none(write, frame, library):
    for method in ("pare", "finetune"):
        write("openml_wdbc", method, 0, 0.9, kept="solved start")
    write("openml_wdbc", "xgboost", 0, 0.9, kept=None)
    tables = Tables(frame(), library)
    assert tables.compared("openml_wdbc", "finetune") == "same model"
    assert tables.compared("openml_wdbc", "xgboost") == "level"
    write("openml_wdbc", "pare", 0, 0.9, kept="epoch 1")
    assert Tables(frame(), library).compared("openml_wdbc", "finetune") == "level"


def test_the_verdict_counts_over_all_tasks_that_have_both(tables, write, frame, library):
    for seed in range(3):
        write("pdebench_burgers", "ridge", seed, (0.05, 0.06, 0.04)[seed], epochs=None)
        write("pdebench_burgers", "u_net", seed, 0.30, epochs=None)
        write("openml_car", "pare", seed, 0.92, kept="solved start")
        write("openml_car", "xgboost", seed, 0.80)
    tables = Tables(frame(), library)
    assert "all 2 tasks with both: level on 1, ahead on 1. " in tables.verdict()
    assert "all 2 tasks with one: ahead on 1, behind on 1." in tables.verdict()
    _, _, wdbc, burgers = tables.against_best().splitlines()
    assert burgers.split(" | ")[4:6] == ["0.210 ± 0.010: ahead", "0.050 ± 0.010 `ridge`: behind"]
    assert wdbc.split(" | ")[4:6] == ["0.910 ± 0.020: level", "none"]


def test_a_row_has_means_and_spreads(tables):
    head, _, burgers, wdbc = tables.comparison(TASKS, ["pare", "orca"]).splitlines()
    assert head == "| task | `pare` | `orca` |"
    assert burgers == "| `pdebench_burgers` (simulated) | 0.110 ± 0.010 | 0.127 ± 0.021 |"
    assert wdbc == "| `openml_wdbc` | 0.920 ± 0.020 | 0.960 ± 0.010 |"


def test_one_seed_has_no_spread(tables, library):
    alone = Tables(tables.runs[tables.runs["seed"] == 0], library)
    assert alone.comparison(TASKS[:1], ["pare", "orca"]).endswith("| 0.1 | 0.11 |")
    assert alone.compared("pdebench_burgers", "orca") == "ahead"


def test_coverage_and_log_loss_are_means_over_the_seeds(write, frame, library):
    for seed, coverage in enumerate((0.8, 0.9)):
        sure = {"n_validation": 50, "coverage": coverage, "set_size": 1.25, "temperature": 1.0}
        write("openml_wdbc", "probe", seed, 0.9, uncertainty=sure | {"log_loss": {"before": 0.3, "after": 0.4 + seed}})
    row = Tables(frame(), library).uncertainty(["openml_wdbc"], "probe").splitlines()[-1]
    assert row == "| `openml_wdbc` | 50 | 0.850 | 1.25 | 1 | 0.300 | 0.900 |"


def test_the_paper_is_named_next_to_ours(tables, library):
    paper = library.task("pdebench_burgers").paper["pare"]
    row = tables.next_to_paper(["pdebench_burgers"]).splitlines()[-1]
    assert row.endswith(f"| 0.110 ± 0.010 | none | none | 0.5 | {paper:g} | 810 | 100 |")


def test_runs_that_are_not_in_the_matrix_are_left_out(tables):
    kept = runs_in(tables.runs, {"openml_wdbc/pare/seed_1", "openml_wdbc/pare/seed_7"})
    assert kept[["task", "name", "seed"]].to_numpy().tolist() == [["openml_wdbc", "pare", 1]]


def test_a_missing_run_is_named(tables):
    with pytest.raises(PareError, match="no results of openml_wdbc/u_net"):
        tables.one_task("openml_wdbc", ["u_net"])


def test_a_readme_without_its_marks_is_not_guessed_at(tables, library):
    for text in ("# PaRe", START, f"{END} {START}"):
        with pytest.raises(PareError, match="put both back"):
            with_results(text, tables.runs, library)
