"""What came of the forms of drawn equations in yardstick.yml; notes say what was expected of them."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import gmean, wilcoxon

from fits import read_fits

FITS = Path(__file__).parents[1] / "data/fits/fields.csv"
PAIRS = (("pare_one_pass", "finetune"), ("finetune", "fno"), ("finetune", "from_scratch"), ("pare_one_pass", "fno"))


def main() -> None:
    """Print test errors, and for each pair of methods how often the first is lower, by how much, and a paired test."""
    fits = read_fits(FITS)
    fits = fits[fits["data"].str.startswith("drawn_") & fits["test"].notna()]
    fits = fits.assign(rate=np.where(fits["settings"].str.contains("learning_rate"), "higher rate", ""))
    methods = (fits["method"] + " " + fits["rate"]).str.strip()
    keys = {"kind": fits["data"].str.split("_").str[1], "fields": (1000 * fits["fraction"]).astype(int)}
    fits = fits.assign(method=methods, number=fits["data"].str.split("_").str[2].astype(int), **keys)
    errors = fits.pivot(index=["kind", "fields", "number"], columns="method", values="test").sort_index()
    seconds = fits.pivot_table(index=["kind", "fields"], columns="method", values="cpu_seconds", aggfunc="mean")
    print(errors.round(4).to_string(), "\n\nCPU seconds\n", seconds.round(1).to_string(), "\n")
    few, many = errors.drop(1000, level="fields", errors="ignore"), errors[errors.index.get_level_values(1) == 1000]
    groups = {"all": few, "lines": few.query("kind == 'line'"), "planes": few.query("kind == 'plane'"), "1000": many}
    for first, second in (*PAIRS, ("finetune", "from_scratch higher rate")):
        for name, group in groups.items():
            _compare(group, first, second, name)


def _compare(errors: pd.DataFrame, first: str, second: str, name: str) -> None:
    if not {first, second} <= {*errors}:
        return
    ratios = (errors[first] / errors[second]).dropna()
    if len(ratios) > 1:
        p = wilcoxon(np.log(ratios)).pvalue
        print(
            f"{name}: {first} against {second}: lower on {(ratios < 1).sum()} of {len(ratios)}, "
            f"{100 * (gmean(ratios) - 1):+.1f} % in the geometric mean, p = {p:.2g}"
        )


if __name__ == "__main__":
    main()
