"""Time in which boosters predict a table, by an estimator of this project against the library's own `predict_proba`.

    OMP_NUM_THREADS=1 python benchmarks/predicting.py    # a minute

Rows are 20,000 of 20 numbers and four classes; both ways predict by the same fitted estimators, five bags of each.
The library gets the rows as training had them, in its own frame.
"""

from sklearn.datasets import make_classification

from harness import in_turns, options, show
from pare.estimators import PaReClassifier

ROWS, FITTED = 20_000, 2000


def main() -> None:
    """Fit each booster to a few rows, and compare both ways on the others."""
    repeats = options(__doc__, repeats=3).repeats
    x, y = make_classification(ROWS + FITTED, 20, n_informative=10, n_classes=4, random_state=0)
    new = x[FITTED:].astype("float32")
    for name in ("lightgbm", "xgboost", "catboost"):
        model = PaReClassifier(name, minutes=0.3).fit(x[:FITTED].astype("float32"), y[:FITTED])
        members = [one.predictor for one in model.predictor_.trained.predictor.members.values()]
        prepared = model.predictor_.inputs(model.open(new), 0, ROWS)
        frame = members[0].library.frame(prepared, members[0].categories)

        def by_library(members=members, frame=frame) -> None:
            for one in members:
                one.estimators[0].estimator.predict_proba(frame)

        ways = {"the library": by_library, "the estimator": lambda model=model: model.predict_proba(new)}
        show(f"{name}: {ROWS} rows", in_turns(ways, repeats))


if __name__ == "__main__":
    main()
