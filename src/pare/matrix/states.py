"""How far each run of the matrix has come, from the small files that it leaves behind, and that as tables."""

import fcntl
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal

from rich.table import Table

from pare.config.run import ENV, PROTOCOL, Run
from pare.data.origins.manifest import current_manifest, read_manifest
from pare.matrix.blocks import Cell
from pare.storage.access import try_lock
from pare.storage.result_lines import read_lines

NOTHING, ELSEWHERE = "·", " *"
LEGEND = "* made elsewhere: the results are here, a model is not, so that dvc trains it"
MODELS, REPORTING = "06_models", "08_reporting"
# Next to a model: the file that who makes it holds, and what an interrupted fit leaves, see `pare.learners.fit`.
LOCK, CHECKPOINT = ".training", "checkpoint"
# Values of a model's record that its metrics have as well, see `pare.evaluation.metrics_record`, which imports torch.
FROM_TRAINING = ("validation", "best_epoch", "n_train", "train_seconds", "samples_per_second", "peak_memory_mb")


@dataclass(frozen=True)
class State:
    """How far a run has come.

    Attributes:
        kind: ``done``; ``results``, whose model is not on this machine; ``changed``, done with another
            configuration, or before the user's own files changed; ``unfinished``, which goes on where it was stopped,
            also between its training and its evaluation; or ``nothing``.
        metrics: its metrics.json, or its line of results.csv; only where ``done`` or ``results``.
        epochs: finished epochs of an unfinished training, of all its members.
        of: its epochs; 0: none is finished, or the run has none.
    """

    kind: Literal["done", "results", "changed", "unfinished", "nothing"]
    metrics: Mapping[str, Any] | None = None
    epochs: int = 0
    of: int = 0

    @property
    def share(self) -> float:
        """Share of the epochs that are finished."""
        return self.epochs / self.of if self.of else 0.0


def matrix_states(cells: Mapping[str, Cell], data: Path) -> dict[str, State]:
    """The state of each run.

    Args:
        cells: the runs by name.
        data: the project's folder of data.
    """
    listed = read_lines(data / REPORTING)
    return {name: _state(cell, data, listed.get(cell.run.folder)) for name, cell in cells.items()}


@dataclass(frozen=True)
class Listing:
    """The lines of results.csv, which git keeps, and what became of those that it had.

    Attributes:
        lines: metrics by the folder of their run.
        done: number of runs of the matrix with results now.
        kept: names of runs whose line stays as it was: they are unfinished here, or changed since.
        dropped: folders of runs that are in the matrix no more, whose lines go.
    """

    lines: dict[str, Mapping[str, Any]]
    done: int
    kept: list[str]
    dropped: list[str]


def listing(cells: Mapping[str, Cell], data: Path) -> Listing:
    """What results.csv is to say; lines of other environments, whose matrix is another one, stay.

    Args:
        cells: the runs of one environment's matrix by name.
        data: the project's folder of data.
    """
    listed, states = read_lines(data / REPORTING), matrix_states(cells, data)
    found = {cell.run.folder: state.metrics for name, cell in cells.items() if (state := states[name]).metrics}
    environments = {cell.run.differs.get(ENV) for cell in cells.values()}
    own = [place for place, line in listed.items() if line.get("differs", {}).get(ENV) in environments]
    dropped = sorted({*own} - {cell.run.folder for cell in cells.values()})
    kept = [name for name, cell in cells.items() if cell.run.folder in listed.keys() - found.keys()]
    lines = {place: line for place, line in listed.items() if place not in dropped} | found
    return Listing(lines, len(found), kept, dropped)


def _state(cell: Cell, data: Path, listed: dict[str, Any] | None) -> State:
    metrics = _content(data / REPORTING / cell.run.folder / "metrics.json") or listed
    folder = data / MODELS / cell.run.folder
    if (folder / CHECKPOINT).is_dir():
        saves = sorted((folder / CHECKPOINT).glob("*/[0-9]*/progress.json"), key=lambda path: int(path.parent.name))
        trainings = [
            *filter(None, map(_content, {path.parents[1]: path for path in saves}.values()))
        ]  # the last of each
        of = max((one["epochs"] * one["members"] for one in trainings), default=0)
        return State("unfinished", epochs=sum(one["epochs_done"] for one in trainings), of=of)
    record = _content(folder / "model" / "record.json")
    if record is not None and not (_is_configured(cell.run, record) and _is_of_files(cell.run, record, data)):
        return State("changed")
    if record and metrics and not _is_of_model(metrics, record):
        return State("unfinished")
    return _finished(metrics, _wanted(cell.run), record is not None)


def maker(run: Run, data: Path) -> str:
    """The process that makes a run at this moment, such as ``process 5 on host``; empty where none holds its lock.

    Args:
        run: the run.
        data: the project's folder of data.
    """
    lock = data / MODELS / run.folder / LOCK
    try:
        with lock.open() as stream:  # a file that nobody holds is left by a process that was killed
            return (stream.read() or "another process") if try_lock(stream, fcntl.LOCK_SH) is False else ""
    except OSError:  # no such file
        return ""


def _is_configured(run: Run, record: Mapping[str, Any]) -> bool:
    """Whether a model was made with this configuration."""
    # `decisive` is without minutes, as any model predicts; a command with others fits anew.
    same_minutes = record.get("run", {}).get("minutes") == run.minutes
    return same_minutes and bool(record.get("decisive") == run.decisive())


def is_outdated(run: Run, data: Path, *, trains: bool) -> bool:
    """Whether the user's own files changed since they were brought, or since the run's model learnt from them.

    Args:
        run: the run.
        data: the project's folder of data.
        trains: whether a new model is about to be made, so that an older one does not count.
    """
    record = None if trains else _content(data / MODELS / run.folder / "model" / "record.json")
    return not _is_of_files(run, record, data)


def _is_of_files(run: Run, record: Mapping[str, Any] | None, data: Path) -> bool:
    """Whether a model learnt from the user's own files as they are now; others are a matter of configuration.

    Without a record of a model, whether the files are as they were brought.
    """
    folder = data / "01_raw" / run.places["raw"]
    manifest = read_manifest(folder)
    if manifest is None or not any(file.original for file in manifest.files):
        return True
    if current_manifest(run.task.raw.active, folder) is None:
        return False
    if record is None:
        return True
    from pare.data.preparation import model_input_fingerprint  # noqa: PLC0415 - h5py, which a list of results does without

    validated = run.protocol == PROTOCOL
    expected = model_input_fingerprint(run.task_name, run.task, manifest.fingerprint, validated=validated)
    return bool(record.get("model_input") == expected)


def _is_of_model(metrics: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether results are those of this model, and not of one that was here before it, or elsewhere."""
    # As text, since NaN differs from itself.
    return all(str(record[key]) == str(metrics.get(key)) for key in FROM_TRAINING if key in record)


def _finished(metrics: dict[str, Any] | None, wanted: dict[str, Any], made_here: bool) -> State:
    """The state of a run that no checkpoint or model speaks against."""
    if metrics is None:
        return State("nothing")
    found = {key: metrics.get(key) for key in wanted} | {"metric": metrics["metric"]["name"]}
    if metrics.get("epochs") == 0 and "epochs" in wanted:  # an exact start leaves nothing to train
        wanted = wanted | {"epochs": 0}
    if found != wanted:
        return State("changed")
    return State("done" if made_here else "results", metrics)


def _content(path: Path) -> dict[str, Any] | None:
    """A JSON file; None where it is not there, or only half, because it is being written at this moment."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _wanted(run: Run) -> dict[str, Any]:
    """What metrics.json says of a run of this configuration."""
    wanted = {"protocol": run.protocol, "metric": run.metric}
    source = {"source": run.source_name, "proxy": run.proxy_name, "proxy_samples": run.proxy_samples}
    counts_epochs = run.on_accelerator and not run.minutes
    return wanted | source | ({"epochs": run.training.epochs} if counts_epochs else {})


def block_table(title: str, cells: Sequence[Cell], states: Mapping[str, State]) -> Table:
    """One block: the test metric of each task and method, mean ± standard deviation over the seeds.

    Args:
        title: the block's title.
        cells: its runs.
        states: how far each run of the matrix has come, by name.
    """
    seeds: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        seeds[cell.run.task_name, cell.run.method_folder].append(cell)
    tasks = {cell.run.task_name: cell.run.metric for cell in cells}
    methods = list(dict.fromkeys(cell.run.method_folder for cell in cells))
    table = Table("task", "metric", *methods, title=title, title_justify="left", box=None, header_style="bold")
    for task, metric in tasks.items():
        table.add_row(task, metric, *(_text(seeds[task, method], states) for method in methods))
    return table


def _text(cells: Sequence[Cell], states: Mapping[str, State]) -> str:
    """What is known of the runs of one task and method."""
    mine = [(cell, states[cell.name]) for cell in cells]
    values = [state.metrics["test"] for _, state in mine if state.metrics and state.kind in ("done", "results")]
    parts = [_summary(values, len(cells))] if values else []
    if values and any(state.kind == "results" for _, state in mine):
        parts[0] += ELSEWHERE
    if count := sum(state.kind == "changed" for _, state in mine):
        parts.append("configuration changed" if count == len(cells) else f"{count} changed")
    parts += [
        f"seed {cell.run.seed}: " + (f"epoch {state.epochs} of {state.of}" if state.of else "begun")
        for cell, state in mine
        if state.kind == "unfinished"
    ]
    return ", ".join(parts) or NOTHING


def _summary(values: Sequence[float], wanted: int) -> str:
    spread = f" ± {stdev(values):.2g}" if len(values) > 1 else ""
    missing = f" ({len(values)} of {wanted} seeds)" if len(values) < wanted else ""
    return f"{mean(values):.4g}{spread}{missing}"
