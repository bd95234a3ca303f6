"""Towards which candidate should `choose` shrink its weights where rows are fields? On drawn equations; resumable.

    OMP_NUM_THREADS=1 python research/studies/prior_of_fields.py 1    # lines and planes of odd numbers; 0: of even ones
    OMP_NUM_THREADS=1 python research/studies/prior_of_fields.py show

Each equation has one choice of 2.7 minutes. Its predictions of the validation fields give the weights by each rule, its
models the test errors; so the rules differ in nothing else. The note of 3 December 2026 says what is expected.
"""

import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import gmean, wilcoxon

from cuts import CUTS, PROJECT, Cut
from pare.config import resolve
from pare.config.run import MODEL
from pare.evaluation.metrics import build_metric
from pare.learners.choice.choose import Choice
from pare.learners.choice.folds import fitted
from pare.learners.choice.leaderboard import Tried
from pare.learners.choice.weights import shrunk_weights, task_loss
from pare.learners.ensemble import combined, mean_of
from pare.learners.learner import Data
from pare.learners.model import Model
from yardstick import configuration, outputs_of, own_library, source_of

FILE = PROJECT / "research/data/prior_of_fields.csv"
NUMBERS = {"line": range(101, 125), "plane": range(101, 113)}
FRACTIONS = (0.025, 0.05)  # of 1,000 training fields
MINUTES = 2.7


def main() -> None:
    """Make the choices that are missing, or show what came."""
    if sys.argv[1:] == ["show"]:
        _show(pd.read_csv(FILE))
        return
    done = {*pd.read_csv(FILE)["data"]} if FILE.exists() else set()
    for kind, numbers in NUMBERS.items():
        for number in numbers:
            if number % 2 == int(sys.argv[1]) and (name := f"drawn_{kind}_{number}") not in done:
                _note(
                    _errors(next(iter(CUTS["fields"](configuration()[0], [name]))).part_of(FRACTIONS[number // 2 % 2]))
                )


def _note(lines: list[dict]) -> None:
    frame = pd.DataFrame(lines)
    frame.to_csv(FILE, mode="a", header=not FILE.exists(), index=False, lineterminator="\n")
    print(frame.to_string(index=False, header=False), flush=True)


def _errors(cut: Cut) -> list[dict]:
    """Weights and test error of each rule."""
    chosen = {"task": cut.name, "seed": cut.split, "protocol": "validated", "method": "choose", "minutes": MINUTES}
    run = resolve(own_library(cut), {**configuration()[1], **chosen}, chosen)
    with tempfile.TemporaryDirectory() as name:
        folder, data = Path(name), Data(cut.stored(Path(name) / "store.h5"), source_of(run))
        choice = Choice(run, data, folder)
        with closing(choice.workers):
            choice.fitted()
        first = choice.finished[0].held
        outputs, loss = {one.name: one.held["prediction"] for one in choice.finished}, task_loss(run)
        weigh = partial(shrunk_weights, outputs, first["truth"], mean_of(run.task), loss)
        encoders = [one.name for one in choice.finished if one.run.source]
        rules = {"first": weigh(prior=encoders[0]), "last": weigh(prior=encoders[-1]), "best": weigh()}
        tested = {one.name: _test(one, data, folder, cut.test[0]) for one in choice.finished}
        metric, mean = build_metric(run.metric, run.task.output), mean_of(run.task)
        rules |= {name: {name: 1.0} for name in tested}
        return [
            {
                "data": cut.name,
                "fields": len(cut.train[0]),
                "rule": rule,
                "weights": " ".join(f"{name}:{weight:.2f}" for name, weight in weights.items()),
                "test": metric(combined(tested, weights, dict.fromkeys(tested, 1.0), mean), cut.test[1]),
            }
            for rule, weights in rules.items()
        ]


def _test(one: Tried, data: Data, folder: Path, x: np.ndarray) -> np.ndarray:
    """Predictions of a candidate that has learnt from all rows, ``(rows, …)``."""
    path = folder / one.name / MODEL
    if not path.is_dir():
        fitted(one.run, data, path)
    return outputs_of(Model.load(path), x)


def _show(frame: pd.DataFrame) -> None:
    """Print where the rules differ, and how they compare over all equations."""
    errors = frame.pivot(index=["data", "fields"], columns="rule", values="test")
    candidates = errors.drop(columns=["first", "last", "best"])
    errors = errors.assign(best_candidate=candidates.min(axis=1), best=errors["best"])
    weights = frame[frame["rule"].isin(["first", "last", "best"])].pivot(index="data", columns="rule", values="weights")
    differ = weights[(weights["first"] != weights["last"]) | (weights["first"] != weights["best"])]
    print(errors.round(4).to_string(), "\n\n", differ.to_string(), "\n")
    for one, other in (
        ("last", "first"),
        ("best", "first"),
        ("best", "last"),
        *((r, "best_candidate") for r in ("first", "last", "best")),
    ):
        ratios = errors[one] / errors[other]
        apart = ratios[ratios != 1]
        p = wilcoxon(np.log(apart)).pvalue if len(apart) > 1 else float("nan")
        print(
            f"{one} against {other}: lower on {(apart < 1).sum()} of {len(apart)} that differ, of {len(ratios)}; "
            f"{100 * (gmean(ratios) - 1):+.2f} % in the geometric mean of all, "
            f"{100 * (gmean(apart) - 1):+.2f} % of those that differ, "
            f"at most {100 * (ratios.max() - 1):+.0f} %, p = {p:.2g}"
        )


if __name__ == "__main__":
    main()
