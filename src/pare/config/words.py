"""Words and numbers in messages and on pages."""

import math
from collections.abc import Mapping, Sequence


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def all_done(number: int) -> str:
    """What is said of runs of which none is left."""
    return "The run is done." if number == 1 else f"All {number} runs are done."


def counted(number: int, what: str) -> str:
    """Such as ``1 seed`` or ``2 seeds``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def weights_text(weights: Mapping[str, float]) -> str:
    """Weights for a reader: ``ridge 60 %, pare 40 %``, or the name of the only model."""
    if len(weights) == 1:
        return next(iter(weights))
    return ", ".join(f"{name} {100 * weight:.0f} %" for name, weight in weights.items())


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
