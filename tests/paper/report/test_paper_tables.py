import numpy as np
import pandas as pd
import pytest

from pare.paper.report.paper_tables import (
    best_cells,
    cell_text,
    fill_table,
    metric_notes,
    ours_text,
    summarise_table,
    summary_texts,
    table_markdown,
)
from pare.paper.report.table_config import PaperTable


@pytest.fixture
def table():
    return PaperTable.model_validate(
        {
            "title": "Table 2: PDEBench",
            "columns": ["pdebench_burgers", "pdebench_darcy"],
            "rows": [
                {"paper": "PINN", "figures": [0.36, 0.18]},
                {"paper": "ORCA", "method": "orca", "figures": [0.012, None]},
                {"paper": "PaRe", "method": "pare", "figures": [0.0083, 0.0806]},
            ],
        }
    )


def cells_of(table, results, library):
    cells = fill_table(table, results, library)
    return cells, cells.set_index(["row", "column"])


def test_ours_is_next_to_the_papers_figure(table, write, frame, library):
    values = [0.2, 0.3, 0.25]
    for seed, value in enumerate(values):
        write("pdebench_burgers", "pare", seed, value)
    write("pdebench_burgers", "pare", 0, 9.0, variant="half")
    _, cells = cells_of(table, frame(), library)
    cell = cells.loc["PaRe", "pdebench_burgers"]
    assert cell[["mean", "std", "seeds", "paper", "status"]].tolist() == [
        pytest.approx(np.mean(values)),
        pytest.approx(np.std(values, ddof=1)),
        3,
        0.0083,
        "run",
    ]
    assert cells["status"].to_dict() == {
        ("PINN", "pdebench_burgers"): "quoted",
        ("PINN", "pdebench_darcy"): "quoted",
        ("ORCA", "pdebench_burgers"): "not run",
        ("ORCA", "pdebench_darcy"): "not run",
        ("PaRe", "pdebench_burgers"): "run",
        ("PaRe", "pdebench_darcy"): "not run",
    }
    assert cells["simulated"].all()
    assert cell_text(cells.loc["ORCA", "pdebench_darcy"]) == ("not run", "")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.0340172, np.nan, 1), "0.03402 (1)"),
        ((0.0340172, 0.00123, 3), "0.0340 ± 0.0012 (3)"),
        ((6.5312, 0.213, 5), "6.53 ± 0.21 (5)"),
        ((50.0, 12.3, 2), "50 ± 12 (2)"),
        ((1.0, 0.0, 3), "1 ± 0 (3)"),
        ((3.3204e-8, 2.1e-9, 3), "3.320e-08 ± 2.1e-09 (3)"),
    ],
)
def test_one_seed_has_no_spread_and_several_are_rounded_to_it(numbers, text):
    assert ours_text(*numbers) == text


def test_our_best_needs_another_to_be_better_than(table, write, frame, library):
    write("pdebench_burgers", "pare", 0, 0.2)
    write("pdebench_burgers", "orca", 0, 0.3)
    write("pdebench_darcy", "pare", 0, 0.1)
    cells = fill_table(table, frame(), library)
    best = cells[best_cells(cells)]
    assert list(zip(best["row"], best["column"], strict=True)) == [("PaRe", "pdebench_burgers")]


def test_a_row_and_a_column_may_name_a_variant(write, frame, library):
    table = PaperTable.model_validate(
        {
            "title": "Table 17",
            "columns": [{"task": "pdebench_darcy", "variant": "fraction_10", "title": "10%"}],
            "rows": [{"paper": "PaRe", "method": "pare", "figures": [0.1]}],
        }
    )
    write("pdebench_darcy", "pare", 0, 0.2)
    write("pdebench_darcy", "pare", 0, 0.4, variant="fraction_10")
    (cell,) = fill_table(table, frame(), library).to_dict("records")
    assert (cell["column"], cell["method"], cell["mean"]) == ("10%", "pare-fraction_10", 0.4)


def test_another_metric_than_the_papers_is_said(write, frame, library):
    table = PaperTable.model_validate(
        {"title": "1", "columns": ["cosmic"], "rows": [{"paper": "PaRe", "method": "pare", "figures": [0.121]}]}
    )
    auroc = {"name": "one_minus_auroc", "title": "1 − AUROC", "direction": "lower"}
    write("cosmic", "pare", 0, 0.2, metric=auroc)
    cells = fill_table(table, frame(), library)
    assert cells["metric"].tolist() == [library.task("cosmic").paper_metric]
    assert metric_notes(cells) == ["cosmic: ours is 1 − AUROC, the paper's 1 − balanced accuracy; they do not compare."]


def test_markdown_has_a_line_a_row_and_says_what_is_quoted_simulated_or_not_run(table, write, frame, library):
    write("pdebench_burgers", "pare", 0, 0.2)
    write("pdebench_burgers", "orca", 0, 0.3)
    text = table_markdown("Table 2", "", fill_table(table, frame(), library))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 3
    assert "pdebench_darcy (simulated)<br>nRMSE" in lines[0]
    assert lines[2] == "| PINN | quoted | paper 0.36 | paper 0.18 |"
    assert lines[3] == "| ORCA | `orca` | 0.3 (1)<br>paper 0.012 | not run |"
    assert lines[4] == "| PaRe | `pare` | **0.2 (1)**<br>paper 0.0083 | not run<br>paper 0.0806 |"


def test_a_summary_counts_wins_with_ties_and_takes_differences_over_common_tasks(write, frame, library):
    table = PaperTable.model_validate(
        {
            "title": "Table 14",
            "columns": ["openml_wdbc", "openml_car"],
            "rows": [
                {"paper": "XGBoost", "method": "finetune", "figures": [0.9, 1.0]},
                {"paper": "TabPFN", "figures": [0.8, 1.0]},
                {"paper": "PaRe", "method": "pare", "figures": [0.95, 1.0]},
            ],
            "summary": {"name": "table_3", "title": "Table 3", "baseline": "XGBoost"},
        }
    )
    write("openml_wdbc", "finetune", 0, 0.7)
    write("openml_wdbc", "pare", 0, 0.8)
    write("openml_car", "pare", 0, 0.6)
    found = summarise_table(fill_table(table, frame(), library), table.summary)
    assert found["paper"]["wins"].to_dict() == {"XGBoost": 1, "TabPFN": 1, "PaRe": 2}
    assert found.loc["PaRe", "ours"][["wins", "mean", "difference", "columns"]].tolist() == pytest.approx(
        [1, 0.7, 0.1, 2]
    )
    assert summary_texts(found.loc["TabPFN"])[:4] == ["quoted", "quoted", "quoted", "0"]
    assert summary_texts(found.loc["PaRe"]) == [*("1", "0.7000", "+0.1000", "2"), *("2", "0.9750", "+0.0250", "2")]


def test_table_3_of_the_paper_follows_from_its_table_14(library):
    """The paper's wins and means, recomputed from its 30 figures; its differences up to the last digit."""
    from conftest import config_loader
    from pare.report.results import COLUMNS

    table = PaperTable.model_validate(config_loader()["report"]["tables"]["table_14"])
    found = summarise_table(fill_table(table, pd.DataFrame(columns=COLUMNS), library), table.summary)["paper"]
    published = {
        "LightGBM": (1, 0.8840, -0.0069),
        "CatBoost": (1, 0.8898, -0.0011),
        "XGBoost": (2, 0.8909, 0),
        "AutoGluon": (7, 0.8947, 0.0038),
        "TabPFN": (5, 0.8943, 0.0034),
        "ORCA": (7, 0.8946, 0.0036),
        "PaRe": (15, 0.9030, 0.0121),
    }
    for row, (wins, mean, difference) in published.items():
        line = found.loc[row]
        assert (line["wins"], round(line["mean"], 4)) == (wins, mean)
        assert line["difference"] == pytest.approx(difference, abs=1.5e-4)


def test_runs_of_a_task_that_the_user_changed_are_in_no_table_of_the_paper(table, write, frame, library):
    write("pdebench_darcy", "pare", 0, 0.2, differs={"task": "changed"}, variant="half")
    table.rows[2] = table.rows[2].model_copy(update={"variant": "half"})
    _, cells = cells_of(table, frame(), library)
    assert set(cells["status"]) == {"quoted", "not run"}
