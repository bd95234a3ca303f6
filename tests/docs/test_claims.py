"""The page of the claims has the tables that the committed fits and analyses make."""

import re
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).parents[2]
RANDOM = "start=random training.epochs="
METHODS = ("probe", "pare", "finetune")


@pytest.fixture(scope="module")
def claims(script):
    return script("claims")


def test_the_page_has_all_tables_as_the_fits_make_them(page, claims):
    text = page("docs/claims.md")
    assert claims.page(text) == text, "run: python benchmarks/claims.py write"
    assert {*re.findall(r"<!-- (\w+) -->", text)} - {"end"} == {*claims.tables()}


def test_means_of_the_papers_start_are_over_splits_and_then_over_tables(claims):
    fits = pd.read_csv(PROJECT / "docs/yardstick/tables.csv", keep_default_na=False)
    fits = fits[(fits["fraction"] == 0.3) & (fits["settings"] == f"{RANDOM}20") & (fits["method"] == "finetune")]
    mean = fits.astype({"test": float}).groupby("data")["test"].mean().mean()
    assert f"| `finetune` | 20 | 3e-4 | 8 × {fits['split'].nunique()} | {mean:.4f} |" in claims.tables()["random"]


def test_victories_are_counted_from_the_side_of_pare(claims):
    fits = pd.read_csv(PROJECT / "docs/yardstick/tables.csv", keep_default_na=False)
    fits = fits[(fits["fraction"] == 0.3) & fits["settings"].isin([f"{RANDOM}10", f"{RANDOM}20"])]
    means = fits.astype({"test": float}).groupby(["data", "method", "settings"])["test"].mean().unstack([1, 2])
    pare, other = means["pare", f"{RANDOM}10"], means["finetune", f"{RANDOM}20"]
    line = next(line for line in claims.tables()["random"].splitlines() if line.startswith("| `finetune` | 20 | 3e-4"))
    assert f" {(pare > other).sum()}, {(pare == other).sum()}, {(pare < other).sum()}, p = " in line


@pytest.mark.parametrize(("of", "kinds"), [("tables", ["tables"]), ("all tables", ["tables", "numbers", "others"])])
def test_of_two_encoders_a_score_points_to_the_better_or_the_worse(claims, of, kinds):
    frame = pd.read_csv(PROJECT / "docs/sources.csv")
    frame = frame[frame["kind"].isin(kinds) & (frame["weights"] == "pretrained")].set_index(["data", "encoder"])
    wide = frame[["probe", "random_start"]].unstack()
    sides = [wide[name]["minilm"] - wide[name]["dinov2_small"] for name in ("probe", "random_start")]
    agreed = (sides[0] * sides[1]).to_numpy()
    signs = [(agreed > 0).sum(), (agreed == 0).sum(), (agreed < 0).sum()]
    cells = [f"{(signs[0] - signs[2]) / len(agreed):.2f}", ", ".join(map(str, signs))]
    line = f"| pretrained ones of {of} | the probe | the paper's start | {' | '.join(cells)} |"
    assert line in claims.tables()["encoders"]


def test_methods_are_compared_on_splits_that_all_of_them_have(claims):
    fits = pd.read_csv(PROJECT / "docs/yardstick/series.csv", keep_default_na=False)
    settings = fits["method"].map(lambda method: "training.epochs=5" if method == "finetune" else "")
    whole = fits[(fits["fraction"] == 1) & (fits["settings"] == settings)]
    keys = [
        set(map(tuple, part[["data", "split"]].to_numpy())) for name, part in whole.groupby("method") if name in METHODS
    ]
    shared = set.intersection(*keys)
    probe = whole[whole["method"] == "probe"].set_index(["data", "split"]).loc[list(shared)].astype({"test": float})
    mean = probe.groupby("data")["test"].mean().mean()
    line = next(line for line in claims.tables()["solved"].splitlines() if line.startswith("| series | 100 %"))
    assert line.split(" | ")[3] == f"{mean:.1f}"
