import io

import pandas as pd

from pare.config import Library
from pare.paper.report.sections import write_report
from pare.report.results import collect_results


def test_nothing_run_says_how_to_run_something_and_still_quotes_the_paper(report):
    files = report()
    page = files["report.html"]
    assert "Nothing has been run yet" in page
    assert "kedro run --params task=darcy_flow,method=pare,seed=0" in page
    assert page.count("not run") >= 4
    assert "paper 0.36" in page
    assert set(files) == {
        *("report.html", "tables/table_2.csv", "tables/table_2.md"),
        *("figures/profile_table_2_quoted.svg", "figures/profile_table_2_quoted.csv"),
    }


def test_a_half_finished_matrix_has_comparisons_gaps_and_files_with_the_same_numbers(report, write):
    for seed, value in enumerate((0.2, 0.3, 0.25)):
        write("pdebench_burgers", "pare", seed, value)
        write("pdebench_burgers", "finetune", seed, 2 * value, epochs=9)
    write("openml_wdbc", "pare", 0, 1.0)
    write("openml_wdbc", "finetune", 0, 0.9)
    write("my_task", "my_method", 0, 0.1)
    broken = write("pdebench_darcy", "pare", 0, 0.2)
    broken.write_text("{")
    files = report()
    page = files["report.html"]
    assert list(files)[-1] == "report.html"
    assert "0.250 ± 0.050 (3)" in page
    assert "pdebench_darcy/pare/seed_0/metrics.json is left out" in page
    assert "different epochs: pdebench_burgers (5: pare; 9: finetune)" in page
    assert "my_method" in page

    def table(name):
        return pd.read_csv(io.StringIO(files[name]))

    (tests,) = table("tables/paired_tests.csv").to_dict("records")
    assert (tests["method"], tests["tasks"], tests["pairs"], tests["wins"]) == ("finetune", 2, 4, 4)
    ranks = table("tables/ranking_all_tasks.csv").set_index("method")
    assert ranks["wins"].to_dict() == {"pare": 2, "finetune": 0}
    assert len(table("tables/runs.csv")) == 9
    for name in files:
        if name.endswith(".svg"):
            assert name.replace(".svg", ".csv") in files
            assert files[name] in page


def test_tasks_of_the_users_own_come_first_with_the_best_method_first(config, write, library, tmp_path):
    write("pdebench_burgers", "pare", 0, 0.2)
    for seed, value in enumerate((0.3, 0.5)):
        write("my_task", "pare", seed, value)
    write("my_task", "ridge", 0, 0.1).with_name("run.html").write_text("")
    mine = {
        "title": "Strength of my beams",
        "raw": {"files": ["beams.csv"]},
        "reader": {"name": "table"},
        "samples": {"all": 40},
        "input": {"shape": [2]},
        "output": {"kind": "regression", "shape": [1]},
    }
    own = Library(**(library.model_dump() | {"tasks": library.tasks | {"my_task": mine}}))
    page = write_report(config, collect_results(tmp_path), own)["report.html"]
    assert page.index('<section id="own">') < page.index('<section id="state">')
    section = page[page.index('<section id="own">') : page.index('<section id="state">')]
    assert "Strength of my beams" in section and "pdebench_burgers" not in section
    assert section.index("ridge") < section.index("0.40 ± 0.14 (2)")
    assert '<a href="../my_task/ridge/seed_0/run.html">ridge</a>' in section
