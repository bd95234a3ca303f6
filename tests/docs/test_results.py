"""docs/results.md and the README's table."""

import re

from pare.paper.pages.results_page import results_page, with_results

AGAIN = "run: kedro paper pages"


def test_the_page_is_the_one_that_the_committed_results_make(page, matrix_runs, library):
    assert page("docs/results.md") == results_page(matrix_runs, library), AGAIN


def test_the_readme_has_the_table_that_the_committed_results_make(page, matrix_runs, library):
    assert page("README.md") == with_results(page("README.md"), matrix_runs, library), AGAIN


def test_every_task_and_method_of_the_matrix_is_on_the_page(page, matrix_runs):
    text = page("docs/results.md")
    for name in {*matrix_runs["task"], *matrix_runs["name"]}:
        assert f"`{name}`" in text


def test_the_caption_of_the_readme_has_the_errors_of_seed_0(page, matrix_runs):
    run = matrix_runs.query("task == 'darcy_flow' and name == 'pare' and seed == 0").iloc[0]
    error, constant = re.search(r"error ([\d.]+) \(mean-field baseline: ([\d.]+)\)", page("README.md")).groups()
    assert error == f"{run['test']:.3f}"
    assert constant == f"{run['constant_prediction']:.3f}"
    assert f"on {run['n_test']:.0f} samples (constant baseline: {run['constant_prediction']:.4g})" in page("README.md")


def test_what_the_prose_says_of_all_runs_is_so(matrix_runs):
    assert set(matrix_runs["protocol"]) == {"validated"}
    assert set(matrix_runs["device"]) == {"cpu"}
    learnt = matrix_runs[matrix_runs["source"].notna()]
    assert set(learnt["precision"]) == {"bf16"}
    seeds = matrix_runs.groupby(["task", "name"])["seed"].agg(tuple)
    assert set(seeds) == {(0,), (0, 1, 2)}
