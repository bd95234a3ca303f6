"""What a model says of the validation rows before it learns from them, for the uncertainty of its predictions."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from pare.config.schema import Task
from pare.models.threads import fastest_threads
from pare.storage.store import Rows
from pare.uncertainty import Calibration


def held_out(model: nn.Module, rows: Rows, device: torch.device, task: Task, batch_size: int) -> Calibration | None:
    """Predict the validation rows as test rows are predicted: in single precision, averaged over symmetries.

    Args:
        model: which has not learnt from these rows.
        rows: of the validation split.
        device: where the model is.
        task: what is predicted.
        batch_size: rows at once.

    Returns:
        What calibrates the model; None where there are no rows, or masks are predicted.
    """

    def predict(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), fastest_threads(model, ("outputs", len(x))):
            return model(torch.from_numpy(x).to(device)).float().cpu().numpy()

    model.eval()
    kind = task.output.kind
    if not len(rows) or (kind == "dense" and not task.compares_values):
        return None
    if kind == "dense":  # every other row, as neighbours may be alike
        halves = (range(first, len(rows), 2) for first in (0, 1))
        return Calibration.of_fields(*(_predicted(predict, rows, half, batch_size) for half in halves))
    predictions, truths = zip(*_predicted(predict, rows, range(len(rows)), batch_size), strict=True)
    return Calibration.of_rows(task, np.concatenate(predictions), np.concatenate(truths), rows.groups)


def _predicted(
    predict: Callable[[np.ndarray], np.ndarray], rows: Rows, chosen: Sequence[int], batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Predictions and truths of the chosen rows, by batches, ``(batch, …)`` each."""
    for start in range(0, len(chosen), batch_size):
        batch = rows.__getitems__(list(chosen[start : start + batch_size]))
        yield predict(batch["x"]), batch["y"]
