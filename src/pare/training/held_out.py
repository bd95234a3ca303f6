"""What a model says of the validation rows before it learns from them, for the uncertainty of its predictions."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from pare.config.schema import Task
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
    kind = task.output.kind
    if not len(rows) or (kind == "dense" and not task.compares_values):
        return None
    model.eval()
    if kind == "dense":  # every other row, as neighbours may be alike
        halves = (range(first, len(rows), 2) for first in (0, 1))
        return Calibration.of_fields(*(_predicted(model, rows, half, device, batch_size) for half in halves))
    predictions, truths = zip(*_predicted(model, rows, range(len(rows)), device, batch_size), strict=True)
    arrays = {"prediction": np.concatenate(predictions), "truth": np.concatenate(truths)}
    groups = {"group": rows.array("group")} if "group" in rows.read(0, 1) else {}
    return Calibration(kind, arrays | groups)


def _predicted(
    model: nn.Module, rows: Rows, chosen: Sequence[int], device: torch.device, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Predictions and truths of the chosen rows, by batches, ``(batch, …)`` each."""
    for start in range(0, len(chosen), batch_size):
        batch = rows.__getitems__(list(chosen[start : start + batch_size]))
        with torch.inference_mode():
            prediction = model(torch.from_numpy(batch["x"]).to(device))
        yield prediction.float().cpu().numpy(), batch["y"]
