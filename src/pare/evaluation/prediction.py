"""Predictions of a trained model, their score, and the score of predicting always the same."""

from collections.abc import Iterator

import numpy as np
import torch
from rich.progress import track
from torch import nn
from torchmetrics import Metric

from pare.arrays.store import Rows
from pare.config.schema import OutputConfig

BATCH = 64


def _batches(rows: Rows) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(rows), BATCH):
        batch = rows.__getitems__(range(start, min(start + BATCH, len(rows))))
        yield np.stack([row["x"] for row in batch]), np.stack([row["y"] for row in batch])


def predict(model: nn.Module, rows: Rows, device: torch.device) -> dict[str, np.ndarray]:
    """Predict every row.

    Args:
        model: in evaluation mode.
        rows: of the test split.
        device: where to compute.

    Returns:
        ``prediction`` (logits, or fields in physical units) and ``truth``, both ``(rows, …)``.
    """
    model = model.to(device)
    predictions, truths = [], []
    with torch.inference_mode():
        for x, y in track(_batches(rows), "predicting", total=-(-len(rows) // BATCH), transient=True):
            predictions.append(model(torch.from_numpy(x).to(device)).float().cpu().numpy())
            truths.append(y)
    return {"prediction": np.concatenate(predictions), "truth": np.concatenate(truths)}


def score(metric: Metric, prediction: np.ndarray, truth: np.ndarray) -> float:
    """The metric over all rows at once."""
    metric.reset()
    metric.update(torch.from_numpy(prediction), torch.from_numpy(truth))
    return float(metric.compute())


def constant_prediction(rows: Rows, output: OutputConfig, n: int) -> np.ndarray:
    """What knows nothing of the input predicts: the mean training field, or the class frequencies.

    Args:
        rows: of the training split.
        output: what is predicted.
        n: rows to predict.

    Returns:
        ``(n, …)``: fields, or logits of the class frequencies.
    """
    if output.kind == "classification":
        counts = sum(np.bincount(y, minlength=output.shape[0]) for _, y in _batches(rows))
        constant = np.log(np.maximum(counts, 1e-9) / len(rows)).astype(np.float32)
    else:
        constant = np.asarray(sum(y.sum(0, dtype=np.float64) for _, y in _batches(rows)) / len(rows), np.float32)
    return np.broadcast_to(constant, (n, *constant.shape)).copy()
