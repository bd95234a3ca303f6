"""Disturb file operations of tiny runs and bytes of files, and count what becomes of the results: `make faults`.

Each fault is one line of the results file; what is there already is not tried again, so the campaign goes on where it
was stopped. Outcomes:

- unharmed: in the end everything is as after an undisturbed run, and nothing unfinished is left;
- detected: a command refuses and says in a sentence what to do;
- unclear: a traceback, a crash, a process that hangs, or an unfinished file that two runs leave;
- lost: a file of the undisturbed run, or of the user, is missing in the end;
- wrong: a command ends well, and something else than after an undisturbed run is there.
"""

import argparse
import hashlib
import importlib
import json
import os
import pkgutil
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.progress import MofNCompleteColumn, Progress

import bad_bytes
from injection import FAULTS, Ending, Injector, Operation, with_library
from scenarios import SCENARIOS, Scenario, begin_anew, environment, is_leftover, make_project, run, state
from sequences import try_sequences

OUTCOMES = ("unharmed", "detected", "unclear", "lost", "wrong")
NO_RESULT = ".viz"  # the folder in which Kedro-Viz counts
PAUSE = 5.0  # seconds between two looks at the results
HARM, SEQUENCE, BYTES = OUTCOMES[2:], "any sequence", ("generated", "changed", "flipped")
SHARES = {"dvc": 0.1, "choose": 0.2}  # of as many faults as other scenarios get: their runs take long
FILES = {"table.csv": "kind", "field.npz": "y", "series.npz": "y"}  # and what is predicted
SCRATCH = "FAULTS_FOLDER"  # in the environment: the forks of a process must not end its temporary folder with them
LIBRARIES = ("lightgbm", "xgboost", "catboost", "skops.io", "aeon.transformations.collection.convolution_based")
LIBRARIES += ("neuralop.models", "monai.networks.nets", "matplotlib.figure", "kedro.framework.cli.cli")


@dataclass(frozen=True)
class Trial:
    """A fault at the n-th operation of a scenario, or the n-th damage of a kind of bytes."""

    name: str
    fault: str
    nth: int

    @property
    def key(self) -> str:
        """What the results file calls it."""
        return f"{self.name}/{self.fault}/{self.nth}"


class Laboratory:
    """A project in which one scenario after the other is tried."""

    def __init__(self, template: Path, folder: Path) -> None:
        self.project = folder.resolve() / "project"
        shutil.copytree(template, self.project, symlinks=True)
        self.clean = folder / "clean"
        self.injector = Injector(self.project, folder)

    def prepare(self, scenario: Scenario, template: Path) -> tuple[dict[str, str], list[Operation]]:
        """What an undisturbed run leaves, and its operations."""
        begin_anew(self.project, template)
        for command in scenario.before:
            self.undisturbed(partial(run, command))
        shutil.rmtree(self.clean, ignore_errors=True)
        ignored = shutil.ignore_patterns("base", "paper", "src")
        shutil.copytree(self.project, self.clean, symlinks=True, ignore=ignored)
        self.undisturbed(scenario.call)
        whole = state(self.project)
        begin_anew(self.project, self.clean)
        operations = self.undisturbed(scenario.call).operations
        if differ := _differing(whole, state(self.project)):
            raise RuntimeError(f"two undisturbed runs differ in {differ}: no fault would be seen")
        return whole, operations

    def undisturbed(self, call: Callable[[], None]) -> Ending:
        """Run what must end well."""
        ending = self.injector.run(call)
        if ending.code:
            raise RuntimeError(f"an undisturbed run ends with {ending.code}: {ending.said[-3000:]}")
        return ending

    def tried(self, trial: Trial, scenario: Scenario, whole: dict[str, str]) -> dict[str, Any]:
        """The line of a trial."""
        begin_anew(self.project, self.clean)
        first = self.injector.run(scenario.call, trial.fault, trial.nth)
        after = state(self.project) if not first.code and not first.hung else None
        again = self.injector.run(scenario.call)
        outcome, why = judged(first, again, whole, after, state(self.project))
        return {"key": trial.key, "outcome": outcome, "why": why, "codes": [first.code, again.code]}


def judged(
    first: Ending, again: Ending, whole: dict[str, str], after: dict[str, str] | None, end: dict[str, str]
) -> tuple[str, str]:
    """The outcome of a trial, and a reason.

    Args:
        first: the disturbed run.
        again: the run after it.
        whole: state after an undisturbed run.
        after: state after the disturbed run, where it ended well.
        end: state after both.
    """
    kept = after and {name: digest for name, digest in after.items() if name in whole}  # the next removes what is left
    for found in (kept, None if again.code else end):
        if found is not None and (differ := [name for name in _differing(whole, found) if not is_leftover(name)]):
            missing = [name for name in differ if name not in found]
            return ("lost", f"missing: {missing[:3]}") if missing else ("wrong", f"differ: {differ[:3]}")
    if unclear := first.unclear() or again.unclear():
        return "unclear", unclear
    if again.code:
        return "detected", again.said.strip()[-300:]
    left = [name for name in end if name not in whole]
    return ("unclear", f"left over: {left[:3]}") if left else ("unharmed", "")


def _differing(whole: dict[str, str], found: dict[str, str]) -> list[str]:
    return sorted(name for name in {*whole, *found} if whole.get(name) != found.get(name))


def trials_of(name: str, operations: list[Operation], most: int) -> list[Trial]:
    """Faults at operations of a scenario, in an order that spreads them: a part of them is a sample of all."""
    possible = [
        Trial(name, fault, number + 1)
        for number, operation in enumerate(operations)
        for fault in FAULTS
        if (fault != "torn write" or operation.name == "write") and NO_RESULT not in operation.path.parts
    ]
    random.Random(name).shuffle(possible)
    by_fault = {fault: [trial for trial in possible if trial.fault == fault] for fault in FAULTS}
    turns = zip_longest(*by_fault.values())
    return [trial for turn in turns for trial in turn if trial][:most]


def disturbed_runs(
    laboratory: Laboratory, template: Path, name: str, most: int, mine: Callable[[list[Any]], list[Any]]
) -> Iterator[dict[str, Any]]:
    """The lines of a scenario."""
    scenario = SCENARIOS[name]
    whole, operations = laboratory.prepare(scenario, template)
    for trial in mine(trials_of(name, operations, max(1, round(most * SHARES.get(name, 1))))):
        operation = operations[trial.nth - 1]
        place = operation.path.as_posix().removeprefix(f"{laboratory.project.as_posix()}/")
        yield laboratory.tried(trial, scenario, whole) | {"operation": operation.name, "path": place}


def work(template: Path, folder: Path, asked: argparse.Namespace, share: tuple[int, int]) -> None:
    """Try every so many-th fault that is asked for and not tried yet."""
    done, laboratory = read(asked.results), Laboratory(template, folder)

    def mine(trials: list[Any]) -> list[Any]:
        return [trial for trial in trials[share[0] :: share[1]] if trial.key not in done]

    for name in asked.scenarios:
        append(asked.results, disturbed_runs(laboratory, template, name, asked.most, mine))
    if sequences := mine([Trial("boosting", SEQUENCE, number) for number in range(asked.sequences)]):
        keys = [trial.key for trial in sequences]
        try_sequences(laboratory.injector, template, keys, partial(_judge_sequence, asked.results, laboratory.project))
    counts = dict(zip(BYTES, (asked.inputs, asked.folders, asked.flips), strict=True))
    for damage, kinds in bad_bytes.all_kinds().items():
        for name, kind in kinds.items():
            trials = mine([Trial(name, damage, seed) for seed in range(counts[damage])])
            append(asked.results, bad_bytes.tried(kind, trials, folder / "bytes"))


def _judge_sequence(results: Path, project: Path, key: str, taken: str, last: Ending, whole: dict[str, str]) -> None:
    outcome, why = judged(last, last, whole, None, state(project))
    append(results, [{"key": key, "outcome": outcome, "why": f"{taken}: {why}" if why else ""}])


def append(results: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Add each line once it is known."""
    for line in lines:
        with results.open("a") as file:
            file.write(json.dumps(line) + "\n")


def read(results: Path) -> dict[str, dict[str, str]]:
    """The lines of a results file by their keys; a line that broke off is left out."""
    lines = {}
    for line in results.read_text().splitlines() if results.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        lines[entry["key"]] = entry
    return lines


def table(lines: dict[str, dict[str, str]], part: int = 1) -> Iterator[str]:
    """Rows of a table in Markdown: outcomes by fault, or by scenario for part 0."""
    yield f"| fault | tried | {' | '.join(OUTCOMES)} |"
    yield "|---|" + "---:|" * (len(OUTCOMES) + 1)
    counts: dict[str, Counter[str]] = {}
    for key, line in lines.items():
        counts.setdefault(key.split("/")[part], Counter())[line["outcome"]] += 1
    counts["all"] = sum(counts.values(), Counter())
    for name, count in counts.items():
        yield f"| {name} | {count.total()} | {' | '.join(str(count[outcome]) for outcome in OUTCOMES)} |"


def import_all() -> None:
    """Import the project and what it uses, once for all runs."""
    import pare

    names = [module.name for module in pkgutil.walk_packages(pare.__path__, "pare.") if "__main__" not in module.name]
    for name in (*names, *LIBRARIES):
        if not name.startswith(("pare.paper", "pare.matrix.engines.ray", "pare.settings")):
            importlib.import_module(name)


def source_digest() -> str:
    """Digest of the source, so that results of another one are not gone on with."""
    files = sorted((Path(__file__).parents[2] / "src" / "pare").rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def main() -> None:
    """Try what is asked for, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--results", type=Path, default=Path(f"data/faults/{source_digest()}.jsonl"))
    asked.add_argument("--scenarios", type=lambda names: names.split(",") if names else [], default=[*SCENARIOS])
    asked.add_argument("--most", type=int, default=80, help="faults in each scenario")
    asked.add_argument("--sequences", type=int, default=40, help="sequences of runs, kills, new data and settings")
    asked.add_argument("--inputs", type=int, default=10_000, help="generated inputs in each format")
    asked.add_argument("--folders", type=int, default=1000, help="changed folders of each kind of model")
    asked.add_argument("--flips", type=int, default=100, help="flipped bits in each kind of stored file")
    asked.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = asked.parse_args()
    if "LD_PRELOAD" not in os.environ:
        with tempfile.TemporaryDirectory() as scratch:
            variables = os.environ | environment() | with_library(Path(scratch)) | {SCRATCH: scratch}
            sys.exit(os.spawnve(os.P_WAIT, sys.executable, [sys.executable, *sys.argv], variables))
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    import_all()
    campaign(Path(os.environ[SCRATCH]), arguments)
    lines = read(arguments.results)
    print("\n".join([*table(lines, 0), "", *table(lines)]))  # noqa: T201
    sys.exit(any(line["outcome"] in HARM for line in lines.values()))


def campaign(folder: Path, arguments: argparse.Namespace) -> None:
    """Make the project, and share the faults among processes."""
    template = make_project(folder)
    setup = Injector(template, folder)
    for file, target in FILES.items():
        ending = setup.run(partial(run, f"kedro tasks new {file} --target {target}"))
        if ending.code:
            raise RuntimeError(ending.said)
    workers = []
    for number in range(arguments.processes):
        (folder / str(number)).mkdir()
        if not (worker := os.fork()):
            try:
                work(template, folder / str(number), arguments, (number, arguments.processes))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        workers.append(worker)
    _wait(workers, arguments)


def _wait(workers: list[int], asked: argparse.Namespace) -> None:
    """Show how many faults of at most so many are tried, until all processes have ended."""
    kinds = bad_bytes.all_kinds()
    counts = zip((asked.inputs, asked.folders, asked.flips), kinds.values(), strict=True)
    most = len(asked.scenarios) * asked.most + asked.sequences + sum(count * len(of) for count, of in counts)
    left, failed = {*workers}, False
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bar:
        task = bar.add_task("faults", total=most)
        while left:
            for worker, status in [os.waitpid(worker, os.WNOHANG) for worker in left]:
                left.discard(worker)
                failed |= status != 0
            bar.update(task, completed=asked.results.read_bytes().count(b"\n") if asked.results.exists() else 0)
            time.sleep(PAUSE)
    if failed:
        sys.exit("a process of the campaign failed, see above; what it found is kept, and the same command goes on")


if __name__ == "__main__":
    main()
