"""The model input of a task: raw samples split, normalised and written as one store.

Statistics come from training rows only. Outputs stay in physical units; their statistics are stored so
that the model can predict physical units itself.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pare.arrays.fingerprint import fingerprint
from pare.arrays.samples import Samples
from pare.arrays.store import Block, write_store
from pare.config.errors import PareError
from pare.config.schema import Task
from pare.preparation.split import assign_parts
from pare.preparation.statistics import RunningMoments

BLOCK_ROWS = 64


class ModelInput:
    """A model input that has been described but not yet computed; `write` does the work.

    Args:
        task_name: name of the task.
        task: the task.
        samples: the reader's result, by publisher's part.
        raw_fingerprint: fingerprint of the raw files.
        validated: whether a validation part is cut from the training rows.
    """

    def __init__(
        self,
        task_name: str,
        task: Task,
        samples: Mapping[str, Samples],
        raw_fingerprint: str,
        *,
        validated: bool,
    ) -> None:
        self.task_name, self.task, self.samples, self.validated = task_name, task, samples, validated
        relevant = task.model_dump(
            mode="json", include={"reader", "samples", "input", "output", "split", "normalisation"}
        )
        self.fingerprint = fingerprint(task_name, relevant, raw_fingerprint, validated)

    def write(self, path: Path) -> None:
        """Read the raw samples twice, once for the statistics and once for the rows, and write the store.

        Raises:
            PareError: where rows are missing, or shapes or labels are not those that the task declares.
        """
        parts = self._parts()
        statistics = self._statistics(parts)
        write_store(
            path,
            blocks=self._normalised(parts, statistics),
            statistics=statistics,
            fingerprint=self.fingerprint,
            description={
                "task": self.task_name,
                "channels": self.task.input.channels or next(iter(self.samples.values())).columns,
                "classes": next(iter(self.samples.values())).classes,
            },
        )

    def _parts(self) -> dict[str, np.ndarray]:
        parts: dict[str, np.ndarray] = {}
        for part, wanted in self.task.samples.items():
            if part not in self.samples:
                raise PareError(f"task {self.task_name!r} needs part {part!r}, its reader gives {sorted(self.samples)}")
            found = self.samples[part].count
            if found < wanted:
                raise PareError(
                    f"task {self.task_name!r} declares {wanted} rows of part {part!r}, the raw files hold {found}; "
                    f"lower samples.{part} in the task or bring the missing rows"
                )
            labels = self._labels(part) if self.task.split.stratified else None
            parts[part] = assign_parts(self.task, part, labels, validated=self.validated)
        return parts

    def _labels(self, part: str) -> np.ndarray:
        return np.concatenate([y for _, _, y in self._blocks({part: np.zeros(self.task.samples[part])})])  # type: ignore[index]

    def _blocks(self, parts: Mapping[str, np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for part, names in parts.items():
            for start in range(0, len(names), BLOCK_ROWS):
                stop = min(start + BLOCK_ROWS, len(names))
                x, y = self.samples[part].read(start, stop)
                yield names[start:stop], x, y

    def _statistics(self, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rule = self.task.normalisation
        moments = {
            name: RunningMoments() for name, wanted in (("x", rule.inputs), ("y", rule.outputs)) if wanted != "none"
        }
        for names, x, y in self._blocks(parts if moments else {}):
            for name, rows in (("x", x), ("y", y)):
                if name in moments:
                    moments[name].update(rows[names == "train"])
        statistics = {}
        for name, gathered in moments.items():
            statistics[f"{name}_mean"], statistics[f"{name}_scale"] = gathered.result()
        return statistics

    def _normalised(self, parts: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> Iterator[Block]:
        for names, raw_x, y in self._blocks(parts):
            x = self._scaled(raw_x, statistics)
            self._check(x, y)
            for split in np.unique(names):
                yield str(split), x[names == split], y[names == split]

    def _scaled(self, x: np.ndarray, statistics: Mapping[str, np.ndarray]) -> np.ndarray:
        if "x_mean" in statistics:
            x = ((x - statistics["x_mean"]) / statistics["x_scale"]).astype(np.float32)
        return append_coordinates(x) if self.task.normalisation.coordinates else x

    def _check(self, x: np.ndarray, y: np.ndarray) -> None:
        if x.shape[1:] != self.task.input.shape:
            raise PareError(
                f"task {self.task_name!r} declares input.shape {list(self.task.input.shape)}, "
                f"the raw files give {list(x.shape[1:])}"
            )
        if self.task.output.kind == "classification":
            classes = self.task.output.shape[0]
            if y.min() < 0 or y.max() >= classes:
                raise PareError(
                    f"task {self.task_name!r} declares {classes} classes, "
                    f"the raw files hold labels from {y.min()} to {y.max()}"
                )
        elif y.shape[1:] != self.task.output.shape:
            raise PareError(
                f"task {self.task_name!r} declares output.shape {list(self.task.output.shape)}, "
                f"the raw files give {list(y.shape[1:])}"
            )


def append_coordinates(x: np.ndarray) -> np.ndarray:
    """Append one channel per grid axis that runs from 0 to 1, the last axis first.

    Args:
        x: ``(rows, channels, *grid)``.

    Returns:
        ``(rows, channels + axes, *grid)``, the type of ``x``.
    """
    grid = x.shape[2:]
    axes = np.meshgrid(*[np.linspace(0, 1, n, dtype=x.dtype) for n in grid], indexing="ij")
    coordinates = np.broadcast_to(np.stack(axes[::-1]), (len(x), len(grid), *grid))
    return np.concatenate([x, coordinates], axis=1)
