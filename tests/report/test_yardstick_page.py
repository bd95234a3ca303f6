import io
import re

import numpy as np
import pandas as pd
import pytest

from pare.report.page import render_page
from pare.report.results import collect_results
from pare.report.sections import write_report
from pare.report.yardstick import COLUMNS, read_yardstick
from pare.report.yardstick_page import write_yardstick, yardstick_section

SHIFTS = {"pare": 0.0, "probe": 0.01, "catboost": -0.02}
EVIL = "<script>alert(1)</script>"


def line(method="pare", data="wdbc", split=0, fraction=1.0, test=0.9, **changes):
    usual = {"settings": "", "validation": 0.5, "kept": "start" if method in ("pare", "probe") else ""}
    key = {"method": method, "data": data, "split": split, "fraction": fraction}
    return key | usual | {"test": test, "cpu_seconds": 5.0} | changes


def whole(data_sets=("car", "cmc", "wdbc"), fractions=(1.0,)):
    return [
        line(method, data, split, fraction, 0.8 + shift + 0.01 * i + 0.001 * split - 0.1 * (1 - fraction))
        for method, shift in SHIFTS.items()
        for i, data in enumerate(data_sets)
        for split in (0, 1)
        for fraction in fractions
    ]


@pytest.fixture
def page(tmp_path):
    """The files that are made of fits, by their path."""

    def page(lines, kind="tables"):
        pd.DataFrame(lines)[list(COLUMNS)].to_csv(tmp_path / f"{kind}.csv", index=False)
        return write_yardstick(read_yardstick(tmp_path))

    return page


def cells(html, anchor, title):
    """Texts of a table of a section, head and rows."""
    section = html[html.index(f'<section id="{anchor}">') :]
    table = section[section.index(f"<h3>{title}</h3>") :]
    table = table[table.index("<table>") : table.index("</table>")]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def test_a_kind_has_figure_comparison_and_data_sets_with_the_numbers_in_files(page):
    files = page(whole())
    html = files["yardstick.html"]
    assert list(files)[-1] == "yardstick.html"
    _, *rows = cells(html, "tables", "Against pare")
    assert [row[0] for row in rows] == ["probe", "parereference", "catboost"]
    assert rows[0][1:7] == ["0.8205", "0.8105", "1.00", "3", "0", "0"]
    assert rows[1][4:9] == [""] * 5  # nothing to compare a reference with
    _, *rows = cells(html, "tables", "By data set")
    assert rows[0] == ["car", "0.81050 ± 0.00071 (2)", "0.80050 ± 0.00071 (2)", "0.78050 ± 0.00071 (2)"]
    table = pd.read_csv(io.StringIO(files["tables/yardstick_tables_summary.csv"])).set_index("system")
    assert table.loc["probe", "mean"] == pytest.approx(0.8205)
    assert files["figures/yardstick_tables_time.svg"] in html
    assert "probe: 0.8205, 5 CPU seconds" in files["figures/yardstick_tables_time.svg"]


def test_fewer_rows_are_shown_where_they_were_measured_and_said_to_be_missing_where_not(page):
    lines = whole(fractions=(1.0, 0.1))
    lines[0]["kept"] = "epoch 3"
    files = page(lines)
    html = files["yardstick.html"]
    assert [row[0] for row in cells(html, "tables", "By share of the training rows")[1:]] == [
        "probe",
        "pare",
        "catboost",
    ]
    assert cells(html, "tables", "By share of the training rows")[2] == ["pare", "0.7205", "0.8105"]
    assert cells(html, "tables", "Solved start kept")[1:] == [["pare", "6 of 6", "5 of 6"]]
    assert f'data-sort="{5 / 6}">5 of 6<' in html
    assert "pare: 0.7205 with 0.1 of the training rows" in files["figures/yardstick_tables_fractions.svg"]
    assert "several shares of the training rows yet" not in html
    files = page(whole())
    assert "has no split with scored fits on each of several shares of the training rows yet" in files["yardstick.html"]
    assert "By share" not in files["yardstick.html"]


def test_the_page_says_which_commands_make_it(page):
    lines = [*whole(fractions=(0.1, 1.0)), line(settings="start=random training.epochs=8")]
    text = page(lines)["yardstick.html"]
    for command in (
        "benchmarks/yardstick.py try tables pare probe catboost --splits 2 --fractions 0.1 1",
        "benchmarks/yardstick.py try tables pare --splits 1 --fractions 1 --set start=random training.epochs=8",
        "benchmarks/yardstick.py score",
        "kedro run --pipelines=report",
    ):
        assert command in text


def test_means_over_other_splits_are_not_put_next_to_each_other(page):
    lines = [row for row in whole() if row["method"] != "catboost" or row["split"] == 1]
    _, *rows = cells(page(lines)["yardstick.html"], "tables", "Against pare")
    (catboost,) = (row for row in rows if row[0] == "catboost")
    assert catboost[1:3] == ["0.7910", "0.8110"]
    assert catboost[9:11] == ["3", "3"]


def test_what_is_not_scored_is_counted_and_does_not_stop_the_page(page):
    lines = whole()
    lines[0]["test"] = np.nan
    assert "18 fits of 3 systems on 3 data sets, 1 of them not scored yet" in page(lines)["yardstick.html"]
    text = page([row | {"test": np.nan} for row in whole()])["yardstick.html"]
    assert "18 fits; none that learnt from all training rows is scored yet." in text
    assert "18 fits; none" in page(whole(fractions=(0.1,)))["yardstick.html"]


@pytest.mark.parametrize("kind", ["tables", "numbers", "series", "images", "fields"])
def test_every_kind_with_one_system_or_several_has_a_page(page, kind):
    assert f'<section id="{kind}">' in page([line("probe")], kind)["yardstick.html"]
    assert f"yardstick_{kind}_time.svg" in page(whole(fractions=(0.5, 1.0)), kind)["yardstick.html"]


def test_figures_of_metrics_of_different_scales_show_ranks(page):
    assert "data sets have metrics of different scales" not in page(whole())["yardstick.html"].lower()
    files = page(whole(), "numbers")
    assert "data sets have metrics of different scales" in files["yardstick.html"].lower()
    assert "catboost: 1, 5 CPU seconds" in files["figures/yardstick_numbers_time.svg"]


def test_names_appear_as_text_and_never_as_markup(page):
    lines = [*whole(), line("pare", EVIL), line("probe", EVIL, settings=EVIL), line(EVIL, EVIL, kept=EVIL)]
    files = page(lines)
    assert EVIL not in files["yardstick.html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in files["yardstick.html"]


def test_without_fits_there_is_no_page_and_the_report_says_nothing_of_it(config, tmp_path, library):
    yardstick = read_yardstick(tmp_path / "none")
    assert write_yardstick(yardstick) == {}
    files = write_report(config, collect_results(tmp_path), library, yardstick)
    assert "yardstick.html" not in files
    assert "yardstick" not in files["report.html"]


def test_the_report_leads_to_each_kind_and_names_a_file_that_was_left_out(config, tmp_path, library, page):
    page(whole())
    (tmp_path / "series.csv").write_text("data,split\ngunpoint,0\n")
    files = write_report(config, collect_results(tmp_path), library, read_yardstick(tmp_path))
    assert '<a href="yardstick.html#tables">tables</a>' in files["report.html"]
    for name in ("report.html", "yardstick.html"):
        assert "series.csv" in files[name] and "left out" in files[name]
    assert list(files)[-1] == "report.html"


def test_the_section_of_the_report_counts_the_fits(tmp_path, page):
    page(whole())
    html = render_page("R", "lead", [], yardstick_section(read_yardstick(tmp_path)))
    assert re.findall(r'<td class="number"[^>]*>(\d+)<', html) == ["3", "3", "18"]
