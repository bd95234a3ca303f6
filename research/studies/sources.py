"""Does a cheap score say which encoder fine-tuning should begin with? Real tables, series and images; resumable.

    OMP_NUM_THREADS=1 python research/studies/sources.py fit    # missing fits, into data/yardstick
    python research/studies/sources.py compare    # reads the test rows, writes research/data/sources.csv

Encoders are those that need no network, pretrained and with random weights; series and images can be shown to DINOv2
alone. The first split of each data set; 30 % of the training rows of a listed table, a tenth of the images. The cheap
scores are the probe's metric over five folds, as in `kedro run --pipelines=choose`, and OTDD between the source and the
target's tokens, before and after ORCA's alignment. The results are those of fine-tuning, from the paper's start and
from the solved one.
"""

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cuts import CUTS, PROJECT, Cut
from pare.config import Library, Run, resolve
from pare.evaluation.metrics import METRICS, build_metric
from pare.learners.choice.folds import fold_parts, held_out
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.storage.atomic import atomic_path
from yardstick import PREDICTIONS, configuration, outputs_of, own_library, source_of

FITS, RESULTS = PREDICTIONS / "sources", PROJECT / "research/data/sources.csv"
BOTH, WEIGHTS = ("minilm", "dinov2_small"), ("pretrained", "random")


@dataclass(frozen=True)
class Compared:
    """What is compared on the data of one kind.

    Attributes:
        encoders: sources.
        rows: share of the training rows.
        epochs: from the paper's start.
        weights: of the encoders.
    """

    encoders: Sequence[str]
    rows: float
    epochs: int
    weights: Sequence[str] = WEIGHTS

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Encoders and their weights."""
        return product(self.encoders, self.weights)


COMPARED = {
    "tables": Compared(BOTH, 0.3, 20),
    "series": Compared(("dinov2_small",), 1.0, 10),
    "images": Compared(("dinov2_small",), 0.1, 10),
    "numbers": Compared(BOTH, 1.0, 20, ("pretrained",)),
    "others": Compared(BOTH, 1.0, 20, ("pretrained",)),
}
FOLDS = 5


def main() -> None:
    """Make the fits that are missing, or read the test rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fits = commands.add_parser("fit", help="make the fits that are missing")
    fits.add_argument("--kinds", nargs="+", choices=COMPARED, default=list(COMPARED), help="of data")
    commands.add_parser("compare", help="read the test rows")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    library, parameters = configuration()
    if arguments.command == "compare":
        _compare(library)
        return
    FITS.mkdir(parents=True, exist_ok=True)
    for kind, cut in _cuts(library, arguments.kinds):
        for pair in COMPARED[kind].pairs():
            path = _path(cut, *pair)
            if not path.exists():
                _fit(path, kind, cut, *pair, parameters)


def _cuts(library: Library, kinds: Iterable[str] = COMPARED) -> Iterator[tuple[str, Cut]]:
    for kind in kinds:
        yield from ((kind, cut.part_of(COMPARED[kind].rows)) for cut in CUTS[kind](library, ()) if cut.split == 0)


def _path(cut: Cut, encoder: str, weights: str) -> Path:
    return FITS / f"{cut.name}-{encoder}-{weights}.npz"


def _fit(path: Path, kind: str, cut: Cut, encoder: str, weights: str, parameters: dict) -> None:
    started = time.process_time()

    def run_of(method: str, **settings: Any) -> Run:
        chosen = {"task": cut.name, "seed": cut.split, "protocol": "validated", "method": method, "source": encoder}
        own = {**parameters, **chosen, "mixing": {}, **settings}
        own["training"] = parameters["training"] | settings.get("training", {})
        run = resolve(own_library(cut), own, {**chosen, **settings})
        return run.model_copy(update={"learner": run.learner.model_copy(update={"initialisation": weights})})

    probe, random = run_of("probe"), {"start": "random"}
    source = source_of(probe)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = cut.stored(folder / "store.h5")
        data, parts = Data(store, source), fold_parts(store, probe.task, FOLDS)
        folds = [held_out(probe, data, part, folder) for part in parts]

        def fitted(place: str, run: Run) -> Model:
            Fit(run, data).write(folder / place)
            return Model.load(folder / place)

        # Of ORCA only the first stage counts, for its distances.
        alignment = fitted("orca", run_of("orca", **random, training={"epochs": 1})).record["alignment"]
        training = {"epochs": COMPARED[kind].epochs, "learning_rate": 1e-4}
        tuned = {
            "random_start": fitted("random", run_of("finetune", **random, training=training)),
            "solved_start": fitted("solved", run_of("finetune")),
        }
        tests = {start: outputs_of(model, cut.test[0]) for start, model in tuned.items()}
    with atomic_path(path) as unfinished:
        np.savez(
            unfinished,
            outputs=np.concatenate([fold["prediction"] for fold in folds]),
            truth=np.concatenate([fold["truth"] for fold in folds]),
            distances=json.dumps({side: alignment[side] for side in ("before", "after")}),
            **tests,
        )
    print(path.stem, f"{time.process_time() - started:.1f} CPU s", flush=True)


def _compare(library: Library) -> None:
    lines = []
    for kind, cut in _cuts(library):
        if not all(_path(cut, *pair).exists() for pair in COMPARED[kind].pairs()):
            continue  # of this data set fits are missing
        task = own_library(cut).task(cut.name)
        metric, measure = METRICS[task.metric], build_metric(task.metric, task.output)
        for encoder, weights in COMPARED[kind].pairs():
            arrays = np.load(_path(cut, encoder, weights))
            distances = json.loads(str(arrays["distances"]))
            of_rows = {"probe": (arrays["outputs"], arrays["truth"])}
            of_rows |= {start: (arrays[start], cut.test[1]) for start in ("random_start", "solved_start")}
            scores = {name: metric.error(measure(*rows)) for name, rows in of_rows.items()}
            scores |= {f"otdd_{side}": distance for side, distance in distances.items()}
            line = {"kind": kind, "data": cut.name, "encoder": encoder, "weights": weights}
            lines.append(line | {name: round(value, 5) for name, value in scores.items()})
    frame, key = pd.DataFrame(lines), ["data", "encoder", "weights"]
    if RESULTS.exists():  # what was compared before stays, where its fits are not here
        frame = pd.concat([pd.read_csv(RESULTS), frame]).drop_duplicates(key, keep="last")
    with atomic_path(RESULTS) as unfinished:
        frame.to_csv(unfinished, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
