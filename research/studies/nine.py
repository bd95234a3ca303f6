"""Tables of the forms nine_rivals, nine_longer_rivals, nine_mechanism and seven_regularisers of yardstick.yml."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.stats import gmean, wilcoxon

from fits import read_fits
from pare.paper.report.method_statistics import holm

FITS, FORMS = Path(__file__).parents[1] / "data/fits/fields.csv", Path(__file__).with_name("yardstick.yml")
REGULARISED = "finetune, decay 0.3"  # the best of the form seven_regularisers by its validation errors
HALF = "pare_one_pass, half of the batches"
LONGER = {"training.epochs=980": "fno, longer", "training.epochs=320": "u_net, longer"}
RIVALS = ["finetune", "pare_one_pass", "fno", "u_net", "kernel_ridge"]
CONTRASTS = (
    ("pare_one_pass", "target_mask"),
    ("finetune", "from_scratch"),
    (HALF, "pare_constant"),
    ("pare_one_pass", REGULARISED),
)
FURTHER = ((REGULARISED, "finetune"), ("pare_constant", "finetune"), (HALF, "finetune"))


def main() -> None:
    """Print errors and CPU seconds of the complete equations, and each comparison with its test."""
    fits = read_fits(FITS)
    nine = _of_forms(fits, "nine_rivals", "nine_longer_rivals", "nine_mechanism")
    settings, method = nine["settings"], nine["method"]
    method = settings.str.split().str[0].map(LONGER).fillna(method)
    method = method.mask(settings.str.contains("weight_decay"), REGULARISED)
    method = method.mask((method == "pare_one_pass") & settings.str.contains("batches=0.5"), HALF)
    nine = nine.assign(method=method)
    errors = nine.pivot(index=["split", "data"], columns="method", values="test")
    seconds = nine.groupby(["split", "method"])["cpu_seconds"].mean().round(0).unstack("split")
    for split, own in errors.groupby("split"):
        print(f"\nsplit {split}\n{own.droplevel('split').round(4).to_string()}\n\n{seconds[split].to_string()}\n")
        _comparisons(own)
    print("\nall splits: geometric means over the splits of an equation, then tests over equations")
    _comparisons(errors)
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


def _comparisons(errors: pd.DataFrame) -> None:
    """Print the rivals and the mechanism; a row is an equation of a split."""
    others = errors.reindex(columns=RIVALS)
    rivals = errors.assign(better_rival=errors.reindex(columns=["fno", "u_net"]).min(axis=1, skipna=False))
    rivals = rivals.assign(best_other=others.min(axis=1, skipna=False))
    _compare(rivals, "finetune", "better_rival")
    _compare(rivals, "pare_one_pass", "better_rival")
    if {*LONGER.values()} <= {*errors}:
        longer = errors.assign(longer_rival=errors[[*LONGER.values()]].min(axis=1, skipna=False))
        for method in ("finetune", "pare_one_pass"):
            _compare(longer, method, "longer_rival")
        for name in LONGER.values():
            _compare(errors, name, name.removesuffix(", longer"))
    for method in RIVALS[1:]:
        _compare(rivals, "finetune", method)
    for other in ("finetune", "fno", "best_other"):
        _compare(rivals, "choose", other)
    print("mechanism")
    p = [_compare(errors, *pair) for pair in CONTRASTS]
    if np.isfinite(p).all():
        print("Holm:", holm(np.array(p)).round(4).tolist())
    for pair in FURTHER:
        _compare(errors, *pair)


def _compare(errors: pd.DataFrame, first: str, second: str) -> float:
    """Print how often the first is lower, by how much, and Wilcoxon's p over equations; NaN below two equations."""
    if not {first, second} <= {*errors}:
        return np.nan
    ratios = (errors[first] / errors[second]).dropna().groupby("data").agg(gmean)
    if len(ratios) < 2:
        return np.nan
    p = float(wilcoxon(np.log(ratios)).pvalue)
    won = f"lower on {(ratios < 1).sum()} of {len(ratios)}, {100 * (gmean(ratios) - 1):+.1f} %"
    print(f"{first} against {second}: {won} in the geometric mean, p = {p:.2g}")
    return p


if __name__ == "__main__":
    main()
