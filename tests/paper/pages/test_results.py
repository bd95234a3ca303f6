import pytest

from pare.config import PareError
from pare.paper.pages.results import END, START, Tables, runs_in, with_results

TASKS = ("pdebench_burgers", "openml_wdbc")


@pytest.fixture
def tables(write, frame, library):
    """PaRe is better than fine-tuning on both tasks, than ORCA on the first only; significantly so on one."""
    errors = {"pare": (0.10, 0.11, 0.12), "finetune": (0.20, 0.22, 0.21), "orca": (0.11, 0.15, 0.12)}
    scores = {"pare": (0.90, 0.92, 0.94), "finetune": (0.89, 0.93, 0.91), "orca": (0.95, 0.96, 0.97)}
    for task, values in zip(TASKS, (errors, scores), strict=True):
        for method, tests in values.items():
            for seed, test in enumerate(tests):
                write(task, method, seed, test)
    return Tables(frame(), library)


def test_better_is_lower_for_errors_and_higher_for_scores(tables):
    assert tables.ahead(TASKS, "finetune") == 2
    assert tables.ahead(TASKS, "orca") == 1
    assert tables.ahead(TASKS, "finetune", "orca") == 1


def test_the_verdict_counts_what_is_ahead_and_what_was_kept(tables, write, frame, library):
    for seed in range(3):
        write("pdebench_burgers", "ridge", seed, (0.05, 0.06, 0.04)[seed], epochs=None)
        write("pdebench_burgers", "u_net", seed, 0.30, epochs=None)
        write("openml_wdbc", "xgboost", seed, 0.91, epochs=None)
        write("openml_wdbc", "pare", seed, 0.92, kept="solved start")
    tables = Tables(frame(), library)
    _, _, burgers, wdbc = tables.against_best(TASKS).splitlines()
    assert burgers.split(" | ")[2:6] == ["0.110 ± 0.010", "", "0.210 ± 0.010 (0.0033)", "0.050 ± 0.010 (0.027) `ridge`"]
    assert "| solved start |" in wdbc
    text = tables.verdict(TASKS)
    assert "better than fine-tuning's on 2 of 2 tasks and than the best baseline's on 1. On 1 of them" in text


def test_a_row_has_means_spreads_and_the_constant_baseline(tables):
    head, _, burgers, wdbc = tables.comparison(TASKS, ["pare", "orca"]).splitlines()
    assert head == "| task | metric | `pare` | `orca` | constant baseline |"
    assert burgers == "| `pdebench_burgers` (simulated) | nRMSE ↓ | 0.110 ± 0.010 | 0.127 ± 0.021 (0.3) | 0.5 |"
    assert wdbc.startswith("| `openml_wdbc` | AUROC, one-vs-one ↑ | 0.920 ± 0.020 |")


def test_one_seed_has_neither_spread_nor_test(tables, library):
    alone = Tables(tables.runs[tables.runs["seed"] == 0], library)
    assert alone.comparison(TASKS[:1], ["pare", "orca"]).endswith("| nRMSE ↓ | 0.1 | 0.11 | 0.5 |")
    assert alone.one_task(TASKS[0], ["orca"]).endswith("| `orca` | 0.11 | 0.11 | none | 100 | 1000 |")


def test_the_paper_is_named_next_to_ours(tables, library):
    paper = library.task("pdebench_burgers").paper["pare"]
    row = tables.next_to_paper(["pdebench_burgers"]).splitlines()[-1]
    assert f"| 0.110 ± 0.010 | 0.5 | {paper:g} | 810 | 5 | 100 | 1000 |" in row


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
