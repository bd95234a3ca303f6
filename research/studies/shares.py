"""Ways to share a mean among the candidates of `choose`, on real tables and series that need no network; resumable.

    OMP_NUM_THREADS=1 python research/studies/shares.py fit tables --splits 5    # missing fits, into data/yardstick
    python research/studies/shares.py compare        # reads the test rows, writes research/data/shares.csv

Each candidate that takes seconds predicts every training row from a fit to the other folds, and the test rows from a
fit to all, as in `kedro run --pipelines=choose`. Then each rule chooses shares on the first and is scored on the
second. Trainings are left out: most of them keep the solved start, which is the probe.
"""

import argparse
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pare.config.candidates import CHOOSE
from pare.learners.libraries.by_name import why_not
from scipy.stats import wilcoxon

from cuts import CUTS, PROJECT, Cut
from pare.config import ChoiceRun, Library, Task, resolve_choice
from pare.config.run import BaselineRun
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.scoring import score
from pare.learners.choice.blend import WAYS, Blend, decide, mean_of, task_loss, weights_text
from pare.learners.choice.chosen import load_trained
from pare.learners.choice.fold_rows import fold_parts, write_fold
from pare.learners.choice.tried import Candidate, described, held_out
from pare.storage.atomic import atomic_path
from yardstick import PREDICTIONS, configuration, outputs_of, own_library, source_of

KINDS = ("tables", "series", "numbers", "others", "choosing", "choosing_numbers")
# It takes longer than all others together, so that tables on which rules are chosen do without.
SLOW, WITHOUT_SLOW = "realmlp", ("others", "choosing", "choosing_numbers")
FITS, RESULTS = PREDICTIONS / "shares", PROJECT / "research/data/shares.csv"
PROBE, LEAST_ERROR = "the probe", 1e-4  # the latter is added to errors, of which a ratio is taken
NAME = re.compile(r"(?P<kind>\w+)-(?P<data>\w+)-(?P<split>\d+)-(?P<method>\w+)\.npz")


def main() -> None:
    """Make the fits that are missing, or compare the rules on those that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fits = commands.add_parser("fit", help="make the fits that are missing")
    fits.add_argument("kind", choices=KINDS)
    fits.add_argument("--splits", type=int, default=3, help="the first so many splits of each data set")
    commands.add_parser("compare", help="score each rule on the test rows")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    library, parameters = configuration()
    if arguments.command == "compare":
        _compare(library)
        return
    for split in range(arguments.splits):
        for cut in CUTS[arguments.kind](library, ()):
            if cut.split == split:
                run, candidates = _resolved(parameters, cut)
                slow = {SLOW} if arguments.kind in WITHOUT_SLOW else set()
                _fit(arguments.kind, cut, run, [one for one in candidates if one.method_name not in slow])


def _resolved(parameters: dict, cut: Cut) -> tuple[ChoiceRun, list]:
    chosen = {"task": cut.name, "seed": cut.split, "protocol": "validated", "method": CHOOSE, "minutes": 60}
    run = resolve_choice(own_library(cut), {**parameters, **chosen, "mixing": {}}, chosen)
    return run, list(_quick(run.candidates))


def _quick(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """Baselines that suit the data, and the probe."""
    for one in candidates:
        reason = why_not(one) if isinstance(one, BaselineRun) else "a training" if one.training.epochs else ""
        if reason:
            print(f"{one.task_name}: without {one.method_name}, {reason}", flush=True)
        else:
            yield one


def _fit(kind: str, cut: Cut, run: ChoiceRun, candidates: list) -> None:
    FITS.mkdir(parents=True, exist_ok=True)
    source = source_of(run)
    with tempfile.TemporaryDirectory() as name:
        folder, stores = Path(name), []
        for candidate in candidates:
            path = FITS / f"{kind}-{cut.name}-{cut.split}-{candidate.method_name}.npz"
            if path.exists():
                continue
            store = cut.stored(folder / "store.h5")
            stores = stores or [
                write_fold(folder / f"{number}.h5", store, parts, compress=False)
                for number, parts in enumerate(fold_parts(store, run.task, run.folds))
            ]
            started = time.process_time()
            outcomes = [held_out(candidate, fold, source, folder / candidate.method_name) for fold in stores]
            described(candidate, store, source).write(folder / "models" / candidate.method_name)
            trained = load_trained(folder / "models" / candidate.method_name)
            np.savez(
                path,
                outputs=np.concatenate([outcome.outputs for outcome in outcomes]),
                truth=np.concatenate([outcome.truth for outcome in outcomes]),
                test=outputs_of(trained, cut.test[0]),
            )
            print(path.stem, f"{time.process_time() - started:.1f} CPU s", flush=True)


def _compare(library: Library) -> None:
    cuts = {(kind, cut.name, cut.split): cut for kind in KINDS for cut in CUTS[kind](library, ())}
    lines = [line for key, fits in _fits().items() for line in _lines(key, cuts[key], fits)]
    frame = pd.DataFrame(lines)
    with atomic_path(RESULTS) as unfinished:
        frame.to_csv(unfinished, index=False, lineterminator="\n")
    print(_against_probe(frame).to_string(index=False))


def _against_probe(frame: pd.DataFrame) -> pd.DataFrame:
    """How each rule compares with the probe over data sets: means over the splits, errors in the geometric mean."""
    errors = frame.pivot_table(index=["kind", "data"], columns="rule", values="error", sort=False)
    lines = []
    for kinds in (*((kind,) for kind in frame["kind"].unique()), tuple(frame["kind"].unique())):
        part = errors.loc[list(kinds)]
        for rule in part.columns.drop(PROBE):
            log = np.log((part[rule] + LEAST_ERROR) / (part[PROBE] + LEAST_ERROR))
            ahead, behind = (int((sign * log > 1e-6).sum()) for sign in (-1, 1))
            p = wilcoxon(log).pvalue if ahead + behind else 1.0
            lines.append(
                {"kinds": ", ".join(kinds), "data sets": len(part), "rule": rule, "ahead": ahead, "behind": behind}
                | {"error [%]": round(100 * np.expm1(log.mean()), 1), "p": round(float(p), 4)}
            )
    return pd.DataFrame(lines)


def _fits() -> dict[tuple, dict[str, dict[str, np.ndarray]]]:
    """Arrays of each candidate, by kind, data set and split, where every candidate of that data set was fitted."""
    found: dict[tuple, dict] = {}
    for path in sorted(FITS.glob("*.npz")):
        match = NAME.fullmatch(path.name)
        assert match
        key = match["kind"], match["data"], int(match["split"])
        found.setdefault(key, {})[match["method"]] = dict(np.load(path))
    most = {kind: max(len(fits) for (other, *_), fits in found.items() if other == kind) for kind, *_ in found}
    return {key: fits for key, fits in found.items() if len(fits) == most[key[0]]}


def _lines(key: tuple, cut: Cut, fits: dict) -> Iterator[dict]:
    task = own_library(cut).task(cut.name)
    order = [name for name in configuration()[0].candidates_of(task.kind).methods if name in fits]
    outputs, tests = ({name: fits[name][part] for name in order} for part in ("outputs", "test"))
    truth, mean = fits["probe"]["truth"], mean_of(task)
    spread = 1.0 if task.classes else float(cut.test[1].std())  # numbers of different units are compared
    for rule, choose in _rules(task).items():
        blend = choose(outputs, truth)
        test = score(build_metric(task.metric, task.output), blend.outputs(tests, mean), cut.test[1])
        yield dict(zip(("kind", "data", "split"), key, strict=True)) | {
            "rule": rule,
            "test": round(test, 5),
            "error": round(METRICS[task.metric].error(test) / spread, 5),
            "kept": weights_text(blend.weights),
        }


def _rules(task: Task) -> dict[str, Callable[..., Blend]]:
    mean, loss = mean_of(task), task_loss(task)

    def only(name: str) -> Callable[..., Blend]:
        return lambda outputs, y: WAYS["the first alone"]({name: outputs[name]}, y, mean, loss)

    def best(outputs: dict, y: np.ndarray) -> Blend:
        losses = {name: loss(only(name)(outputs, y).outputs(outputs, mean), y) for name in outputs}
        return only(min(losses, key=losses.__getitem__))(outputs, y)

    def everything(outputs: dict, y: np.ndarray) -> Blend:
        temperatures = {name: only(name)(outputs, y).temperatures[name] for name in outputs}
        return Blend(dict.fromkeys(outputs, 1 / len(outputs)), temperatures)

    ways = {way: partial(make, mean=mean, loss=loss) for way, make in WAYS.items() if way != "the first alone"}
    return {
        PROBE: only("probe"),
        "the best alone": best,
        "equal shares of all": everything,
        **ways,
        "what choose keeps": lambda outputs, y: decide(outputs, y, mean, loss).blend,
    }


if __name__ == "__main__":
    main()
