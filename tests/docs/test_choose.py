"""The page of `choose` has the means of the committed comparison."""

import csv
from collections import defaultdict
from statistics import fmean


def test_the_means_are_those_of_the_committed_comparison(page):
    text, scores, digits = page("docs/choose.md"), defaultdict(list), {}
    lines = list(csv.DictReader(page("docs/shares.csv").splitlines()))
    for line in lines:
        scores[line["data"], line["rule"]].append(float(line["test"]))
        digits[line["data"]] = 4 if line["kind"] == "tables" else 1
    rules = list(dict.fromkeys(line["rule"] for line in lines))
    assert f"| table | {' | '.join(rules)} |" in text
    for data, after in digits.items():
        means = " | ".join(f"{fmean(scores[data, rule]):.{after}f}" for rule in rules)
        assert f"| `{data}` | {means} |" in text


def test_the_guide_for_scientists_has_the_mean_of_the_command(page):
    lines = csv.DictReader(page("docs/yardstick/tables.csv").splitlines())
    tests = [float(line["test"]) for line in lines if (line["method"], line["settings"]) == ("choose", "minutes=5")]
    assert len(tests) == 40
    mean = f"{fmean(tests):.4f}"
    assert f"`choose` {mean}" in page("docs/for_scientists.md")
    assert f"mean AUROC **{mean}**" in page("docs/choose.md")
