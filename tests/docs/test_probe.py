"""The page of the probe has the means of the fits that are committed."""

import csv
import re
from collections import defaultdict
from statistics import fmean

import pytest


@pytest.mark.parametrize(("kind", "digits"), [("tables", 4), ("series", 1)])
def test_the_means_are_those_of_the_committed_fits(page, kind, digits):
    fits = defaultdict(list)
    for line in csv.DictReader(page(f"docs/probe_{kind}.csv").splitlines()):
        fits[line["data"], line["method"]].append(float(line["value"]))
    text = page("docs/probe.md")
    for name in {data for data, _ in fits}:
        (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", text, re.MULTILINE)
        means = {f"{fmean(values):.{digits}f}" for (data, _), values in fits.items() if data == name}
        assert set(row.split(" | ")) == means


def test_every_method_has_the_same_splits(page):
    for kind in ("tables", "series"):
        splits = defaultdict(set)
        for line in csv.DictReader(page(f"docs/probe_{kind}.csv").splitlines()):
            splits[line["data"], line["method"]].add(line["split"])
        for data in {name for name, _ in splits}:
            assert len({frozenset(found) for (name, _), found in splits.items() if name == data}) == 1
