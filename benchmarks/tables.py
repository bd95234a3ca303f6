"""Time from a pandas frame to the inputs of a model, against `pandas.factorize` plus a copy of the numbers.

    OMP_NUM_THREADS=1 python benchmarks/tables.py     # under a minute; prints ratios of one run

Rows are 30 random numbers and a text of four categories.
"""

import numpy as np
import pandas as pd

from harness import in_turns, options, show
from pare.data.own.table import Table
from pare.estimators.inputs import table_rows
from pare.storage.samples import Samples

NUMBERS = [f"number {place}" for place in range(30)]


def main() -> None:
    """Print the time of each way."""
    asked = options(__doc__, rows=200_000, repeats=7)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(asked.rows, len(NUMBERS))), columns=NUMBERS)
    frame["site"] = rng.choice(["north", "south", "east", "west"], asked.rows)
    answers = rng.normal(size=asked.rows)

    reader = Table()
    x, columns, categories = reader.inputs(frame, "the frame", left_out=[])
    known = Samples.of_arrays(x, answers, columns=columns, categories=categories)
    ways = {
        "factorize and copy": lambda: (pd.factorize(frame["site"]), frame[NUMBERS].to_numpy(np.float32)),
        "new rows": lambda: reader.new_rows(frame, known),
        "rows to learn from": lambda: reader.inputs(frame, "the frame", left_out=[]),
        "a first look at them, too": lambda: table_rows(frame, answers, None, are_numbers=True, ordered=False),
    }
    show(f"{asked.rows:,} rows", in_turns(ways, asked.repeats))


if __name__ == "__main__":
    main()
