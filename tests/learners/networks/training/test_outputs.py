"""Trainings of each kind of output that is no class."""

from functools import partial

import numpy as np
import pytest
import torch

from pare.config.schema import Task
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import predict_rows
from pare.storage.store import ArrayStore, write_store

CPU = torch.device("cpu")
KINDS = {
    "multilabel": ([3], "binary_cross_entropy", "one_minus_map", {"positive_weight": 4.0}),
    "regression": ([2], "mse", "r2", {}),
    "dense": ([1, 24], "nrmse", "nrmse", {}),
}


def of_kind(run, kind, **training):
    """The run with another output, its input a line of 24 points in 6 patches."""
    shape, loss, metric, _ = KINDS[kind]
    task = run.task.model_dump() | {
        "input": {"shape": [1, 24]},
        "output": {"kind": kind, "shape": shape},
        "tokens": {"kind": "patch", "patch": 4},
        "normalisation": {},
        "loss": loss,
        "metric": metric,
    }
    settings = run.training.model_copy(update=training)
    return run.model_copy(update={"task": Task.model_validate(task), "training": settings})


def stored(path, x, y, statistics):
    """32 training rows, the others for validation."""
    blocks = [("train", {"x": x[:32], "y": y[:32]}), ("validation", {"x": x[32:], "y": y[32:]})]
    rows = {split: len(arrays["x"]) for split, arrays in blocks}
    write_store(path, rows=rows, blocks=blocks, statistics=statistics, fingerprint=path.stem, description={})
    return ArrayStore(path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_output_is_learnt_from_its_loss_and_scored_by_its_metric(train, table_run, tmp_path, kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 1, 24)).astype(np.float32)
    parts = x[:, 0, :3]
    y = {"multilabel": (parts > 0).astype(np.float32), "regression": parts[:, :2], "dense": 2 * x}[kind]
    if kind == "dense":
        y[:, 0, 20:] = np.nan  # masked
    store = stored(tmp_path / "s.h5", x, y, {})
    run = of_kind(table_run({"method": "finetune"}, epochs=12), kind, **KINDS[kind][3])
    result = train(run, store, tmp_path)
    losses = [row["loss"] for row in result.record["history"]]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]
    outcome = predict_rows(partial(result.outputs, device=CPU), store.rows("validation"))
    recomputed = build_metric(run.metric, run.task.output)(outcome["prediction"], outcome["truth"])
    assert recomputed == pytest.approx(result.record["validation"], rel=1e-4)


def test_numbers_are_learnt_alike_in_every_unit(train, table_run, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 1, 24)).astype(np.float32)
    run, found = of_kind(table_run(epochs=3), "regression"), []
    for name, unit in (("one", np.float32([1, 1])), ("other", np.float32([1e-6, 1e5]))):
        y = x[:, 0, :2] * unit
        statistics = {"y_mean": y[:32].mean(0), "y_scale": y[:32].std(0)}
        store = stored(tmp_path / f"{name}.h5", x, y, statistics)
        trained = train(run, store, tmp_path / name)
        found.append(predict_rows(partial(trained.outputs, device=CPU), store.rows("validation"))["prediction"] / unit)
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-4)
