"""Numbers and metrics as text, the same in every table."""

import math

import pandas as pd

ARROWS = {"lower": "↓", "higher": "↑"}


def number_text(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def spread_text(mean: float, std: float) -> str:
    """Mean ± standard deviation, both to its second digit; of one run its value alone."""
    if math.isnan(std):
        return number_text(mean)
    if not std > 0:  # several seeds that agree
        return f"{number_text(mean)} ± 0"
    decimals = max(0, 1 - math.floor(math.log10(std)))
    if decimals > 6:
        return f"{mean:.3e} ± {std:.1e}"
    return f"{mean:.{decimals}f} ± {std:.{decimals}f}"


def ours_text(mean: float, std: float, seeds: int) -> str:
    """Mean ± standard deviation, and the number of seeds in brackets."""
    return f"{spread_text(mean, std)} ({seeds})"


def heading_text(cell: pd.Series) -> str:
    """The metric of a column, its unit, and which way is better."""
    unit = f" [{cell['unit']}]" if cell["unit"] else ""
    return f"{cell['title']}{unit}\u00a0{ARROWS[cell['direction']]}"  # the arrow never alone on a line
