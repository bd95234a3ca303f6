"""The model input of a task: raw samples split, normalised and written as one store.

Statistics come from training rows only. Outputs stay in physical units; their statistics are stored so
that the model can predict physical units itself.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from pare.config.errors import PareError
from pare.config.run import PREPARED, Run
from pare.config.schema import Task
from pare.data.preparation.equal_rows import EqualRows
from pare.data.preparation.normalisation import prepared_inputs
from pare.data.preparation.split import divided
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint
from pare.storage.samples import Samples
from pare.storage.statistics import RunningMoments
from pare.storage.store import ArrayStore, Block, write_store

logger = logging.getLogger(__name__)
BLOCK_BYTES = 16 << 20  # inputs held at once; a reader and the normalisation add a few times that


class ModelInput:
    """A model input that is described and not computed yet; lazily saved, see `pare.storage.fingerprint.Lazy`.

    Args:
        task_name: name of the task.
        task: the task.
        samples: the reader's result, by publisher's part.
        raw_fingerprint: fingerprint of the raw files.
        validated: whether there is a validation part.
        check: raises `PareError` where the raw files are not what was brought.
    """

    def __init__(
        self,
        task_name: str,
        task: Task,
        samples: Mapping[str, Samples],
        raw_fingerprint: str,
        *,
        validated: bool,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.task_name, self.task, self.samples, self.validated = task_name, task, samples, validated
        self.check = check
        self.first = next(iter(samples.values()))
        self.fingerprint = model_input_fingerprint(task_name, task, raw_fingerprint, validated=validated)

    def is_current(self, path: Path) -> bool:
        """Whether the store at ``path`` is whole and has the same fingerprint and description."""
        try:
            store = ArrayStore(path)
        except PareError:
            return False
        # An older version of this project described less.
        return store.fingerprint == self.fingerprint and fingerprint(store.description) == fingerprint(self.description)

    def write(self, path: Path) -> None:
        """Read the raw samples three times, for equal rows, for the statistics and for the rows, and write the store.

        The store is written whole or not at all.

        Raises:
            PareError: where rows or classes are missing, or shapes, labels or values are not those that the task
                declares.
        """
        if self.check:
            self.check()
        self._check_parts()
        equal = self._equal_rows()
        groups, parts = divided(self.task, equal, self._own_groups(), validated=self.validated)
        repeats = equal.repeats(parts, together=self.task.keeps_equal_rows_together)
        for sentence in repeats.sentences():
            logger.info("Task %s: %s.", self.task_name, sentence)
        statistics, seen = self._gather(parts)
        with atomic_path(path) as unfinished:
            write_store(
                unfinished,
                rows=Counter(str(name) for names in parts.values() for name in names),
                blocks=self._normalised(parts, groups, statistics, seen),
                statistics=statistics,
                fingerprint=self.fingerprint,
                description=self.description,
                compress=self.task.input.compress,
                repeats=asdict(repeats) if repeats else None,
            )

    @property
    def description(self) -> dict[str, Any]:
        """What the store says of its rows: names, and how many categories each column has, 0 for numbers."""
        categories = self.first.categories or []
        return {
            "task": self.task_name,
            "channels": self.task.input.channels or self.first.columns,
            "columns": self.first.columns,
            "points": self.first.points,
            "classes": self.first.classes,
            "categories": [len(levels or []) for levels in categories],
            "levels": categories,
        }

    def _check_parts(self) -> None:
        for part, wanted in self.task.samples.items():
            if part not in self.samples:
                raise PareError(f"task {self.task_name!r} needs part {part!r}, its reader gives {sorted(self.samples)}")
            samples = self.samples[part]
            if samples.count < wanted:
                raise PareError(
                    f"task {self.task_name!r} declares {wanted} rows of part {part!r}, the raw files hold "
                    f"{samples.count}; lower samples.{part} in the task or bring the missing rows"
                )
            if self.task.average_groups and samples.groups is None:
                raise PareError(
                    f"task {self.task_name!r} averages the predictions of groups, its reader gives none; "
                    "set average_groups: false, or the reader's option that names the groups"
                )

    def _equal_rows(self) -> EqualRows:
        unnamed: dict[str, np.ndarray] = {part: np.zeros(wanted) for part, wanted in self.task.samples.items()}
        return EqualRows.among((part, x, y) for part, _, _, x, y in self._blocks(unnamed))

    def _own_groups(self) -> dict[str, np.ndarray]:
        groups = {part: self.samples[part].groups for part in self.task.samples}
        return {part: own[: self.task.samples[part]] for part, own in groups.items() if own is not None}

    def _blocks(self, parts: Mapping[str, np.ndarray]) -> Iterator[tuple[str, int, np.ndarray, np.ndarray, np.ndarray]]:
        """Raw rows in blocks: part, number of the first row, splits, x and y."""
        row_bytes = 4 * (prod(self.task.input.shape) + prod(self.task.output.shape))
        step = max(1, BLOCK_BYTES // row_bytes)
        for part, names in parts.items():
            for start in range(0, len(names), step):
                stop = min(start + step, len(names))
                x, y = self.samples[part].read(start, stop)
                self._check_shapes(x, y)
                yield part, start, names[start:stop], x, y

    def _gather(self, parts: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[int, np.ndarray]]:
        """Statistics of the training rows, and the categories that occur among them, by column."""
        rule = self.task.normalisation
        moments = {
            name: RunningMoments() for name, wanted in (("x", rule.inputs), ("y", rule.outputs)) if wanted != "none"
        }
        seen = {column: np.empty(0) for column in self._categorical}
        for _, _, names, x, y in self._blocks(parts if moments or seen else {}):
            training = names == "train"
            for name, rows in (("x", x[training]), ("y", y[training])):
                if name in moments:
                    moments[name].update(_by_channel(rows) if name == "x" and rule.inputs == "channel" else rows)
            seen = {column: np.union1d(levels, x[training, column]) for column, levels in seen.items()}
        statistics: dict[str, np.ndarray] = {}
        for name, gathered in moments.items():
            mean, scale = gathered.result()
            if name == "x" and rule.inputs == "channel":
                mean, scale = (a.reshape(-1, *[1] * (len(self.task.input.shape) - 1)) for a in (mean, scale))
            if name == "x":
                mean[self._categorical], scale[self._categorical] = 0, 1  # a category keeps its code
                statistics["x_bounds"] = self._bounds(gathered)
            statistics |= {f"{name}_mean": mean, f"{name}_scale": scale}
        return statistics, seen

    def _bounds(self, gathered: RunningMoments) -> np.ndarray:
        """Least and greatest value of each feature or channel, ``(2, channels)`` float32; infinite for categories."""
        least, greatest = np.asarray(gathered.least), np.asarray(gathered.greatest)
        points = tuple(range(1, least.ndim))
        bounds = np.stack([least.min(axis=points), greatest.max(axis=points)])
        bounds[:, [*self._categorical, *np.flatnonzero(bounds[0] > bounds[1])]] = [[-np.inf], [np.inf]]
        return bounds.astype(np.float32)

    @property
    def _categorical(self) -> list[int]:
        """Numbers of the columns that hold categories."""
        return [i for i, levels in enumerate(self.first.categories or []) if levels is not None]

    def _normalised(
        self,
        parts: Mapping[str, np.ndarray],
        groups: Mapping[str, np.ndarray],
        statistics: Mapping[str, np.ndarray],
        seen: Mapping[int, np.ndarray],
    ) -> Iterator[Block]:
        own = self._own_groups()
        name = "group" if own else "equal"
        numbers = own if self.task.average_groups else groups  # what is averaged is no more than a group of the task's
        counts = {str(name): np.zeros(self.task.classes or 0, int) for names in parts.values() for name in names}
        for part, start, names, raw_x, y in self._blocks(parts):
            x = prepared_inputs(raw_x, statistics, seen, coordinates=self.task.normalisation.coordinates)
            self._check(x, y, part, start)
            for split in np.unique(names):
                chosen = names == split
                arrays = {"x": x[chosen], "y": y[chosen]}
                for other, known in ((name, numbers.get(part)), ("weight", self.samples[part].weights)):
                    if known is not None:
                        arrays[other] = known[start : start + len(names)][chosen]
                if self.task.classes:
                    counts[str(split)] += np.bincount(y[chosen], minlength=self.task.classes)
                yield str(split), arrays
        self._check_classes(counts)

    def _check_shapes(self, x: np.ndarray, y: np.ndarray) -> None:
        found = list(x.shape[1:])
        if self.task.normalisation.coordinates:
            found[0] += len(found) - 1
        expected_y = [] if self.task.classes else list(self.task.output.shape)
        for name, declared, given in (
            ("input", list(self.task.input.shape), found),
            ("output", expected_y, list(y.shape[1:])),
        ):
            if declared != given:
                raise PareError(
                    f"task {self.task_name!r} declares {name}.shape {declared}, the raw files give {given}; "
                    f"correct {name}.shape in the task, or the reader's options"
                )

    def _check(self, x: np.ndarray, y: np.ndarray, part: str, start: int) -> None:
        kind, classes = self.task.output.kind, self.task.classes
        if self.task.tokens.kind == "patch":
            self._check_rows(np.isfinite(x), part, start, "the input", "a finite number everywhere")
        if classes:
            self._check_rows((y >= 0) & (y < classes), part, start, "the label", f"a class from 0 to {classes - 1}")
            return
        if kind == "multilabel":
            self._check_rows((y == 0) | (y == 1), part, start, "a label", "0 or 1")
        if kind == "regression":
            self._check_rows(np.isfinite(y), part, start, "the target", "a finite number")

    def _check_rows(self, good: np.ndarray, part: str, start: int, what: str, expected: str) -> None:
        bad = ~good.reshape(len(good), -1).all(axis=1)
        if bad.any():
            raise PareError(
                f"task {self.task_name!r}: {what} of row {start + int(bad.argmax()) + 1} of part {part!r} is not "
                f"{expected} ({bad.sum()} such rows in this block); mend the raw file or leave those rows out"
            )

    def _check_classes(self, counts: Mapping[str, np.ndarray]) -> None:
        """A classifier needs two classes to learn."""
        if self.task.classes and (counts["train"] > 0).sum() < 2:
            raise PareError(
                f"task {self.task_name!r}: all training rows have one class; expected at least two. "
                "Set split.stratified: true, or bring rows of the other classes"
            )


def model_input_fingerprint(task_name: str, task: Task, raw_fingerprint: str, *, validated: bool) -> str:
    """Fingerprint of the model input that the arguments of `ModelInput` describe; no file is opened."""
    return fingerprint(task_name, task.model_dump(mode="json", include=PREPARED), raw_fingerprint, validated)


def check_model_input(run: Run, raw_fingerprint: str, store: ArrayStore) -> None:
    """Refuse a model input that was prepared from other files, or by other rules, than the run's own.

    Args:
        run: the run that wants to learn from it.
        raw_fingerprint: fingerprint of the raw files that the run's task asks for.
        store: the model input.

    Raises:
        PareError: with the command that prepares it again.
    """
    validated = run.protocol == "validated"
    if store.fingerprint == model_input_fingerprint(run.task_name, run.task, raw_fingerprint, validated=validated):
        return
    raise PareError(
        f"{store.path} was prepared from other raw files, or with another reader, split or normalisation, than task "
        f"{run.task_name!r} has now; prepare it again: {run.command('ingest,preprocess')}"
    )


def _by_channel(rows: np.ndarray) -> np.ndarray:
    """``(rows, channels, *grid)`` to ``(rows × grid points, channels)``."""
    return np.moveaxis(rows, 1, -1).reshape(-1, rows.shape[1])
