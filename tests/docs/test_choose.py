"""The page of `choose` has the numbers of the committed comparisons."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

RULES = {"what choose keeps": "**what choose keeps**"}  # as the page has them, where that is otherwise
COLUMNS = ["choose", "probe", "catboost", "xgboost", "lightgbm", "logistic_regression", "realmlp"]


@pytest.fixture
def shares(page) -> pd.DataFrame:
    """Errors of each rule, a line a table, by kind and name."""
    lines = pd.read_csv(StringIO(page("docs/shares.csv")))
    return lines.pivot_table(index=["kind", "data"], columns="rule", values="error")


@pytest.fixture
def tables(page) -> pd.DataFrame:
    """AUROC of `choose` within 5 minutes and of its candidates, means over the splits, a line a table."""
    lines = pd.read_csv(StringIO(page("docs/yardstick/tables.csv")))
    lines = lines[lines["fraction"].eq(1) & (lines["settings"].isna() | lines["settings"].eq("minutes=5"))]
    own = lines[lines["method"].isin(COLUMNS)]
    assert (own.groupby(["data", "method"]).size() == 5).all()
    return own.pivot_table(index="data", columns="method", values="test")[COLUMNS]


@pytest.mark.parametrize(
    "rule", ["the best alone", "equal shares of all", "greedy shares", "shrunk shares", "what choose keeps"]
)
def test_the_rules_are_compared_as_committed(page, shares, rule):
    logs = np.log((shares[rule] + 1e-4) / (shares["the probe"] + 1e-4))
    both = [", ".join(str((sign * part > 1e-6).sum()) for sign in (-1, 1)) for _, part in logs.groupby("kind")]
    percent = 100 * np.expm1(logs.mean())
    said = f"{abs(percent):.1f} % {'lower' if percent < 0 else 'higher'}, p = {wilcoxon(logs).pvalue:.2g}"
    counts = ", ".join(str((sign * logs > 1e-6).sum()) for sign in (-1, 1))
    assert f"| {RULES.get(rule, rule)} | {both[0]} | {both[1]} | {counts}; {said} |" in page("docs/choose.md")


def test_the_command_is_compared_with_its_candidates_as_committed(page, tables):
    text = page("docs/choose.md")
    for data, row in tables.iterrows():
        assert f"| `{data}` | {' | '.join(f'{value:.4f}' for value in row)} |" in text
    assert f"| **mean** | {' | '.join(f'**{value:.4f}**' for value in tables.mean())} |" in text
