"""Tables of the forms nine_rivals, nine_mechanism and seven_regularisers of yardstick.yml."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.stats import gmean, wilcoxon

from fits import read_fits
from pare.paper.report.method_statistics import holm

FITS, FORMS = Path(__file__).parents[1] / "data/fits/fields.csv", Path(__file__).with_name("yardstick.yml")
REGULARISED = "finetune, decay 0.3"  # the best of the form seven_regularisers by its validation errors
RIVALS = ["finetune", "pare_one_pass", "fno", "u_net", "kernel_ridge"]
CONTRASTS = (
    ("pare_one_pass", "target_mask"),
    ("finetune", "from_scratch"),
    ("pare_one_pass", "pare_constant"),
    ("pare_one_pass", REGULARISED),
)


def main() -> None:
    """Print errors and CPU seconds of the complete equations, and each comparison with its test."""
    fits = read_fits(FITS)
    nine = _of_forms(fits, "nine_rivals", "nine_mechanism")
    regularised = nine["settings"].str.contains("weight_decay")
    nine = nine.assign(method=nine["method"].mask(regularised, REGULARISED))
    for split, own in nine.groupby("split"):
        errors = own.pivot(index="data", columns="method", values="test")
        print(f"\nsplit {split}\n{errors.round(4).to_string()}\n")
        print(own.groupby("method")["cpu_seconds"].mean().round(0).to_string(), "\n")
        rivals = errors.assign(better_rival=errors.reindex(columns=["fno", "u_net"]).min(axis=1, skipna=False))
        others = errors.reindex(columns=RIVALS)
        for first, second in (("finetune", "better_rival"), ("pare_one_pass", "better_rival"), *_against(others)):
            _compare(rivals, first, second)
        if "choose" in errors:
            print("choose against the best other:", (errors["choose"] / others.min(axis=1)).round(3).to_dict())
        _mechanism(errors)
    seven = _of_forms(fits, "seven_regularisers").assign(system=lambda own: own["method"] + " " + own["settings"])
    print("\n", seven.groupby("system")["validation"].agg([gmean, "size"]).sort_values("gmean").round(4).to_string())


def _of_forms(fits: pd.DataFrame, *forms: str) -> pd.DataFrame:
    """The fits that the lines of forms ask for."""
    lines = [line for form in forms for line in yaml.safe_load(FORMS.read_text())[form]]
    asked = [
        fits["data"].isin(line["data"])
        & fits["method"].isin(line["methods"])
        & (fits["settings"] == " ".join(sorted(line["settings"])))
        & (fits["fraction"] == line["fractions"][0])
        & fits["test"].notna()
        for line in lines
    ]
    return fits[np.any(asked, axis=0)]


def _against(errors: pd.DataFrame) -> list[tuple[str, str]]:
    return [("finetune", method) for method in errors if method != "finetune"]


def _compare(errors: pd.DataFrame, first: str, second: str) -> float:
    """Print how often the first is lower, by how much, and Wilcoxon's p over equations; NaN below two equations."""
    if not {first, second} <= {*errors}:
        return np.nan
    ratios = (errors[first] / errors[second]).dropna()
    if len(ratios) < 2:
        return np.nan
    p = float(wilcoxon(np.log(ratios)).pvalue)
    won = f"lower on {(ratios < 1).sum()} of {len(ratios)}, {100 * (gmean(ratios) - 1):+.1f} %"
    print(f"{first} against {second}: {won} in the geometric mean, p = {p:.2g}")
    return p


def _mechanism(errors: pd.DataFrame) -> None:
    """The four contrasts with Holm's correction."""
    print("mechanism")
    p = [_compare(errors, *pair) for pair in CONTRASTS]
    if np.isfinite(p).all():
        print("Holm:", holm(np.array(p)).round(4).tolist())


if __name__ == "__main__":
    main()
