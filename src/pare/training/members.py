"""Several trainings of a run as one model, the mean of their predictions.

They see the rows in one order, and differ in what else is random: weights that begin random, symmetries and noise by
which rows are changed, what is mixed (Lakshminarayanan et al., *Simple and Scalable Predictive Uncertainty Estimation
using Deep Ensembles*, 2017).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from accelerate import PartialState

from pare.models import CrossModalModel
from pare.models.threads import fastest_threads
from pare.storage.store import ArrayStore
from pare.training.batches import batch_loader
from pare.training.held_out import held_out
from pare.training.trained_model import TrainedModel

if TYPE_CHECKING:
    from torchmetrics import Metric


BRIEF = ("best_epoch", "validation", "train_seconds")  # what the mean's record says of each


def mean_of(members: Sequence[TrainedModel], store: ArrayStore, metric: "Metric") -> TrainedModel:
    """Several trained models as one: the first, with the others in it; its record has the history of the first.

    Args:
        members: trained alike, and not kept at their solved start.
        store: the model input.
        metric: the task's.
    """
    first, rows = members[0], store.rows("validation")
    device, size = PartialState().device, first.run.training.batch_size
    first.model.others.extend(member.model for member in members[1:])
    model = first.model.to(device)
    records = [member.record for member in members]
    record = first.record | {
        "validation": _validated(model, store, metric, 2 * size),
        "train_seconds": round(sum(one["train_seconds"] for one in records), 1),
        "peak_memory_mb": max(one["peak_memory_mb"] for one in records),
        "members": [{name: one[name] for name in BRIEF} for one in records],
    }
    calibration = held_out(model, rows, device, first.run.task, size)
    return TrainedModel(first.run, model.cpu(), record, first.encoder_config, first.preparation, calibration)


def _validated(model: CrossModalModel, store: ArrayStore, metric: "Metric", batch_size: int) -> float | None:
    """The metric of the validation rows, of single predictions as in a training; None without such rows."""
    if not len(rows := store.rows("validation")):
        return None
    metric.reset()
    with torch.inference_mode():
        for batch in batch_loader(rows, batch_size):
            x = batch["x"].to(PartialState().device)
            with fastest_threads(model, "validation"):
                prediction = torch.stack([member.predict(x) for member in model.members]).mean(0)
            metric.update(prediction.float().cpu(), batch["y"])
    return float(metric.compute())
