"""Metrics by name, accumulated over the whole test set and never averaged over chunks.

The released code averages most metrics over chunks of about 1,000 samples. That changes every metric that is not a mean
over samples. Here a metric sees every sample before it is computed. The paper's own metrics have names of their own
(``…_chunks``, ``one_minus_balanced_accuracy``, ``mae_8a_published``), for runs of ``protocol: paper``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from pare.config.errors import PareError, unknown_name
from pare.config.run import Run
from pare.config.schema import SHARES, OutputConfig
from pare.data.preparation.normalisation import zero_fields
from pare.evaluation.binary import BALANCED_POINTS, auroc, average_precision, one_minus_ranking
from pare.evaluation.checks import require_samples
from pare.evaluation.classification import (
    auroc_one_vs_one,
    error_percent,
    one_minus_balanced_accuracy,
    one_minus_f1,
)
from pare.evaluation.regression import MAE, MAE_8A, MAE_8A_PUBLISHED, RELATIVE_L2, RMSE, r2
from pare.evaluation.row_sums import Metric, target_blocks
from pare.storage.store import SPLITS, ArrayStore

CHUNK = 1000  # samples; `eval_batch_size` of nearly all released configurations


@dataclass(frozen=True)
class MetricSpec:
    """Name and unit of a metric, what it suits, how it is made and how it becomes an error.

    Attributes:
        title: the name in figures and tables.
        unit: the unit of its value; empty for a plain ratio, or where it is that of the target.
        kinds: the kinds of output that it suits.
        build: makes the metric of an output.
        as_error: where more is better, from the value to an error that falls to 0 as the value rises; None where the
            value is an error itself.
        relative: whether it is an error over the size of the truth, and figures should show such errors.
        every_class: whether it is undefined for rows of which none has some class.
    """

    title: str
    unit: str
    kinds: tuple[str, ...]
    build: Callable[[OutputConfig], Metric]
    as_error: Callable[[float], float] | None = None
    relative: bool = False
    every_class: bool = False

    @property
    def direction(self) -> Literal["lower", "higher"]:
        """Which value is better."""
        return "lower" if self.as_error is None else "higher"

    def error(self, value: float) -> float:
        """The value as an error: lower is better, 0 is perfect."""
        return value if self.as_error is None else self.as_error(value)

    @property
    def label(self) -> str:
        """Title and unit, for an axis."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    def quantity(self, value: float) -> str:
        """The value with its unit."""
        return f"{value:.4g}{' ' + self.unit if self.unit else ''}"

    def text(self, value: float) -> str:
        """The value with title and unit, for a heading."""
        return f"{self.title} {self.quantity(value)}"


def _one_minus_auroc(output: OutputConfig) -> Metric:
    return partial(one_minus_ranking, ranking=auroc, pooled=output.kind == "dense")


def _one_minus_balanced_accuracy(output: OutputConfig) -> Metric:
    return BALANCED_POINTS if output.kind == "dense" else one_minus_balanced_accuracy(output.shape[0])


def _from_one(value: float) -> float:
    return 1 - value


METRICS: dict[str, MetricSpec] = {
    "error_percent": MetricSpec("error", "%", ("classification",), lambda output: error_percent(output.shape[0])),
    "one_minus_f1": MetricSpec("1 − macro F1", "", ("classification",), lambda output: one_minus_f1(output.shape[0])),
    "auroc_ovo": MetricSpec(
        "AUROC, one-vs-one",
        "",
        ("classification",),
        lambda output: partial(auroc_one_vs_one, classes=output.shape[0]),
        _from_one,
        every_class=True,
    ),
    "one_minus_auroc": MetricSpec("1 − AUROC", "", ("multilabel", "dense"), _one_minus_auroc),
    "one_minus_map": MetricSpec(
        "1 − mAP", "", ("multilabel",), lambda _: partial(one_minus_ranking, ranking=average_precision, pooled=False)
    ),
    "rmse": MetricSpec("RMSE", "", ("regression", "dense"), lambda _: RMSE),
    "mae": MetricSpec("MAE", "", ("regression", "dense"), lambda _: MAE),
    "r2": MetricSpec("R²", "", ("regression",), lambda _: r2, _from_one),
    "relative_l2": MetricSpec("relative L2 error", "", ("dense",), lambda _: RELATIVE_L2, relative=True),
    "nrmse": MetricSpec("nRMSE", "", ("dense",), lambda _: RELATIVE_L2, relative=True),
    "mae_8a": MetricSpec("MAE of contacts", "Å", ("dense",), lambda _: MAE_8A),
}


def _by_chunks(name: str, kind: str) -> MetricSpec:
    """A metric of that name and kind of output, as the released code averages it."""
    spec = METRICS[name]
    title = f"{spec.title} by chunks"
    return replace(
        spec, title=title, kinds=(kind,), build=lambda output: partial(mean_of_chunks, metric=spec.build(output))
    )


METRICS |= {
    "error_percent_chunks": _by_chunks("error_percent", "classification"),
    "one_minus_f1_chunks": _by_chunks("one_minus_f1", "classification"),
    "one_minus_auroc_chunks": _by_chunks("one_minus_auroc", "multilabel"),
    "one_minus_balanced_accuracy": MetricSpec(
        "1 − balanced accuracy", "", ("classification", "dense"), _one_minus_balanced_accuracy
    ),
    "mae_8a_published": MetricSpec("MAE of contacts as released", "Å", ("dense",), lambda _: MAE_8A_PUBLISHED),
}


def find_metric(name: str) -> MetricSpec:
    """The metric of that name.

    Raises:
        PareError: if there is none.
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS, "pare.evaluation.metrics.METRICS")
    return METRICS[name]


def build_metric(name: str, output: OutputConfig) -> Metric:
    """The metric of raw model outputs and truth, each ``(rows, …)``, a float.

    Args:
        name: a key of `METRICS`.
        output: what the task predicts.

    Raises:
        PareError: if the name is unknown, or the metric does not suit the output.
    """
    spec = find_metric(name)
    if output.kind not in spec.kinds:
        suited = ", ".join(other for other, s in METRICS.items() if output.kind in s.kinds)
        raise PareError(
            f"metric {name!r} suits {' and '.join(spec.kinds)}, the task predicts {output.kind}; use one of {suited}"
        )
    if output.kind == "classification" and output.shape[0] < 2:
        raise PareError(f"metric {name!r} needs at least 2 classes, found {output.shape[0]}; correct output.shape")
    return spec.build(output)


def build_error(name: str, output: OutputConfig) -> Metric:
    """A metric as an error: lower is better, 0 is perfect; see `build_metric`."""
    metric, spec = build_metric(name, output), METRICS[name]
    return lambda prediction, truth: spec.error(metric(prediction, truth))


def check_classes(run: Run, store: ArrayStore) -> None:
    """Refuse a model input with a part that lacks a class which the run's metric needs, before anything is learnt.

    Raises:
        PareError: naming the part and the class.
    """
    if not run.task.classes or not METRICS[run.metric].every_class:
        return
    for split in SPLITS:
        rows = store.rows(split)
        missing = sorted({*range(run.task.classes)} - {*rows.array("y").tolist()}) if len(rows) else []
        if missing:
            raise PareError(
                f"task {run.task_name!r}: part {split!r} has no row of class {missing}, metric {run.metric} needs "
                "each; set split.stratified: true, a larger share, or metric: error_percent"
            )


def check_fields(run: Run, store: ArrayStore) -> None:
    """Refuse fields that are zero everywhere where an error is a share of its field, before anything is learnt.

    Loss and metric decide no model input, so it may be older than their names in the task.

    Raises:
        PareError: naming the number of such rows in each part.
    """
    if not run.task.compares_shares and run.metric not in SHARES:
        return
    rows = {split: store.rows(split) for split in SPLITS}
    counts = {
        split: sum(int(zero_fields(y).sum()) for y in target_blocks(of_split)) for split, of_split in rows.items()
    }
    if any(counts.values()):
        where = ", ".join(f"{count} of {len(rows[split])} {split} rows" for split, count in counts.items() if count)
        raise PareError(
            f"task {run.task_name!r} measures an error as a share of the field, which is zero everywhere in {where}; "
            "say metric: rmse and loss: rmse in the task, or leave such rows out"
        )


def mean_of_chunks(prediction: np.ndarray, truth: np.ndarray, metric: Metric) -> float:
    """Mean of a metric over chunks of 1,000 samples in their order, the last short chunk with equal weight.

    Not a good metric: a score that is no mean over samples, such as F1 or AUROC, depends on the chunks. It is here
    because it is in the paper's tables.

    Args:
        prediction: ``(rows, …)``.
        truth: ``(rows, …)``.
        metric: the metric of one chunk, an error.

    Raises:
        UndefinedMetric: if there is no sample, or the metric is undefined for a chunk.
    """
    require_samples(len(truth))
    parts = (slice(start, start + CHUNK) for start in range(0, len(truth), CHUNK))
    return float(np.mean([metric(prediction[part], truth[part]) for part in parts]))
