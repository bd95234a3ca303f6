"""How PaRe compares with other systems of the yardstick, for tables."""

import pandas as pd


def against(line: pd.Series) -> str:
    """Data sets on which PaRe is better, level and worse; the summary counts from the other's side."""
    return ", ".join(str(int(line[side])) for side in ("lost", "level", "won"))


def tested(line: pd.Series) -> str:
    """The same with p of the Wilcoxon test over data sets; nothing where there are none that both have."""
    return "" if pd.isna(line["data_sets"]) or not line["data_sets"] else f"{against(line)}, p = {line['p']:.2g}"
