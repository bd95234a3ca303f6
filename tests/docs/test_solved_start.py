"""The page of the solved start has the means of the fits that are committed."""

import csv
import re
from collections import defaultdict
from statistics import fmean

import pytest

SHOWN = {  # the columns of the page's tables
    "tables": ["probe", "pare", "logistic_regression", "xgboost", "lightgbm", "catboost", "realmlp"],
    "series": ["probe", "minirocket", "multirocket", "multirocket_hydra"],
    "images": ["probe", "pare", "finetune", "svm"],
    "fields": ["probe", "pare", "finetune", "kernel_ridge", "u_net", "fno"],
}
FORMATS = {"tables": ".4f", "series": ".1f", "images": ".1f", "fields": ".3g"}
# By which networks for fields learnt in these tables.
ADAMW = ("training.optimiser=AdamW training.weight_decay=0", "options.optimiser=AdamW")


def fits(page, kind, fraction=1.0):
    """Lines of a file of fits that were made with the defaults of their time, of the methods that the page shows."""
    lines = csv.DictReader(page(f"docs/yardstick/{kind}.csv").splitlines())
    shown = [line for line in lines if line["method"] in SHOWN[kind] and float(line["fraction"]) == fraction]
    own = [line for line in shown if line["settings"] in ("", *ADAMW)]
    earlier = {(line["data"], line["split"], line["method"]) for line in own if line["settings"]}
    return [line for line in own if line["settings"] or (line["data"], line["split"], line["method"]) not in earlier]


@pytest.mark.parametrize("kind", SHOWN)
def test_the_means_are_those_of_the_committed_fits(page, kind):
    scores, text = defaultdict(list), page("docs/solved_start.md")
    for line in fits(page, kind):
        scores[line["data"], line["method"]].append(float(line["test"]))
    for name in {data for data, _ in scores}:
        (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", text, re.MULTILINE)
        means = {f"{fmean(values):{FORMATS[kind]}}" for (data, _), values in scores.items() if data == name}
        assert set(row.replace("*", "").split(" | ")) - {""} == means


@pytest.mark.parametrize(("fraction", "words"), [(0.1, "a tenth of them"), (0.3, "three tenths")])
def test_with_fewer_rows_the_means_over_tables_are_those_of_the_committed_fits(page, fraction, words):
    methods, found = ["probe", "pare", "finetune", "catboost"], defaultdict(list)
    for line in csv.DictReader(page("docs/yardstick/tables.csv").splitlines()):
        if not line["settings"] and float(line["fraction"]) == fraction:
            found[line["method"]].append(float(line["test"]))
    assert {len(found[method]) for method in methods} == {40}
    means = " | ".join(f"{fmean(found[method]):.4f}" for method in methods)
    assert re.search(rf"^\| {words}, \d+ to \d+ \| {re.escape(means)} \|", page("docs/solved_start.md"), re.MULTILINE)


def test_with_a_tenth_of_the_fields_the_means_are_those_of_the_committed_fits(page):
    methods, found = ["probe", "pare", "kernel_ridge"], defaultdict(list)
    for line in fits(page, "fields", 0.1):
        found[line["data"].removeprefix("pdebench_").replace("_", " "), line["method"]].append(float(line["test"]))
    table = page("docs/solved_start.md").partition("With a tenth of the training fields")[2].partition("**")[0]
    rows = dict(re.findall(r"^\| ([a-z][^|]*?) \| ([\d.e|\- ]*) \|$", table, re.MULTILINE))
    assert set(rows) == {data for data, _ in found}
    for data, row in rows.items():
        values = [found[data, method] for method in methods]
        assert [len(value) for value in values] == [3, 3, 3]
        assert [float(cell) for cell in row.split(" | ")] == pytest.approx([fmean(value) for value in values], rel=6e-3)


def test_with_half_of_the_rows_the_means_over_series_are_those_of_the_committed_fits(page):
    methods, found, plaid = ["probe", "pare", "finetune", "multirocket_hydra"], defaultdict(list), defaultdict(list)
    for line in csv.DictReader(page("docs/yardstick/series.csv").splitlines()):
        if not line["settings"] and float(line["fraction"]) == 0.5:
            of = plaid if line["data"] == "ucr_plaid" else found
            of[line["method"]].append(float(line["test"]))
    assert {len(found[method]) for method in methods} == {35}
    start, rocket = (fmean(plaid[method]) for method in ("pare", "multirocket_hydra"))
    assert f"which kept it, {start:.1f} %, MultiRocket-Hydra {rocket:.1f} %" in page("docs/solved_start.md")
    means = " | ".join(f"{fmean(found[method]):.1f}" for method in methods)
    assert f"| half of them, 18 to 135 | {means} |" in page("docs/solved_start.md")


@pytest.mark.parametrize("kind", SHOWN)
def test_methods_are_compared_on_the_same_splits(page, kind):
    splits = defaultdict(set)
    for line in fits(page, kind):
        splits[line["data"], line["method"]].add(line["split"])
    for data in {name for name, _ in splits}:
        assert len({frozenset(found) for (name, _), found in splits.items() if name == data}) == 1
