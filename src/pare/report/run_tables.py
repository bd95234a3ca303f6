"""The tables on the page of one run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pare.config import BaselineRun, ChoiceRun, TaskRun
from pare.config.run import BASELINE_TRAINING
from pare.report.page import NONE, Cell, Table
from pare.storage.samples import Repeats

USUAL = {
    "accuracy": "accuracy",
    "auroc": "AUROC",
    "f1_macro": "macro F1",
    "map": "mean average precision",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "relative_l2": "relative L2 error",
    "max_error": "largest error",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
FACTS = {
    "kept": "kept",
    "n_train": "training rows",
    "epochs": "epochs",
    "source": "source",
    "proxy": "proxy",
    "train_seconds": "training time [s]",
    "peak_memory_mb": "peak memory [MiB]",
    "device": "device",
    "precision": "precision",
    "threads": "threads",
    "protocol": "protocol",
    "versions": "versions",
}
Rows = Iterator[list[Cell]]


def metrics_table(metrics: Mapping[str, Any], classes: Sequence[str] | None) -> Table:
    """Everything that was measured on the test rows, the task's own metric first.

    Args:
        metrics: content of metrics.json; of older versions some keys are missing.
        classes: names of the classes, where they are known.
    """
    head = [Cell("metric"), Cell("value"), Cell("95 % interval"), Cell("constant baseline"), Cell("validation rows")]
    title = metrics["metric"]["title"]
    usual = {
        key: value for key, value in (metrics.get("usual") or {}).items() if not title.startswith(USUAL.get(key, key))
    }
    rows = [
        _own_metric(metrics),
        *_usual(usual, classes),
        *_sure(metrics.get("uncertainty") or {}),
    ]
    notes = [f"{metrics['n_test']:,} test rows", "The interval is over draws of the test rows, with replacement"]
    notes += Repeats(**metrics["repeats"]).sentences() if metrics.get("repeats") else []
    return Table("", head, [[*row, *[Cell("")] * (len(head) - len(row))] for row in rows], [f"{'. '.join(notes)}."])


def _own_metric(metrics: Mapping[str, Any]) -> list[Cell]:
    metric, interval = metrics["metric"], metrics.get("test_interval")
    unit = f" [{metric['unit']}]" if metric["unit"] else ""
    arrow = "↓" if metric["direction"] == "lower" else "↑"
    ends = f"{interval['lower']:.4g} to {interval['upper']:.4g}" if interval else NONE
    return [
        Cell(f"{metric['title']}{unit} {arrow}", kind="best"),
        _number(metrics["test"], "number best"),
        Cell(ends, kind="number" if interval else "number missing"),
        _number(metrics["constant_prediction"]),
        _number(metrics["validation"]),
    ]


def _usual(usual: Mapping[str, Any], classes: Sequence[str] | None) -> Rows:
    for key, value in usual.items():
        match value:
            case list():
                names = classes or [f"class {i + 1}" for i in range(len(value))]
                yield from ([Cell(f"{key} of {name}"), _number(one)] for name, one in zip(names, value, strict=True))
            case dict():
                for channel, values in value.items():
                    yield from ([Cell(f"{channel}: {USUAL[name]}"), _number(one)] for name, one in values.items())
            case _:
                yield [Cell(USUAL[key]), _number(value)]


def _sure(uncertainty: Mapping[str, Any]) -> Rows:
    """Coverage and size of sets, intervals or bands, and the temperature with what it does."""
    if "coverage" in uncertainty:
        what = "sets" if "set_size" in uncertainty else "intervals"
        yield [Cell(f"coverage of {what}, {uncertainty['asked']:g} asked for"), _number(uncertainty["coverage"])]
    if "set_size" in uncertainty:
        yield [Cell("classes in a set, mean"), _number(uncertainty["set_size"])]
    for width in uncertainty.get("width") or []:
        yield [Cell("width of an interval, mean"), _number(width)]
    if uncertainty.get("temperature", 1) != 1:
        yield [Cell("temperature"), _number(uncertainty["temperature"])]
        yield from (
            [Cell(f"{USUAL[name]} at the temperature"), _number(uncertainty[name]["after"])]
            for name in ("log_loss", "calibration_error")
        )


def facts_table(metrics: Mapping[str, Any]) -> Table:
    """What was kept, from how many rows, and what that took."""
    facts = {name: metrics[key] for key, name in FACTS.items() if metrics.get(key) is not None}
    return Table(
        "", [Cell("training"), Cell("value")], [[Cell(name), Cell(_text(value))] for name, value in facts.items()]
    )


def candidates_table(candidates: Sequence[Mapping[str, Any]]) -> Table:
    """What a choice compared, in the order in which it was tried; networks have a metric after their final fits."""
    final = ["final fit"] if any(row.get("final") is not None for row in candidates) else []
    head = [Cell(name) for name in ("candidate", "share", "metric", *final, "folds", "seconds a fit", "left out")]
    rows = [
        [
            Cell(row["method"], sort=row["method"], kind="best" if row["share"] else ""),
            _number(row["share"]),
            _number(row.get("metric")),
            *(_number(row.get("final")) for _ in final),
            _number(len(row.get("folds") or ())),
            _number(row.get("seconds")),
            Cell(row["left_out"]),
        ]
        for row in candidates
    ]
    return Table("Candidates", head, rows)


def hyperparameters_table(run: TaskRun) -> Table:
    """Each hyperparameter, and where its value comes from."""
    head = [Cell("hyperparameter"), Cell("value"), Cell("from")]
    rows = [
        [Cell(key, sort=key), Cell(_text(value)), Cell(run.provenance.get(key, "schema"))]
        for key, value in _hyperparameters(run)
    ]
    return Table("Hyperparameters, and where each comes from", head, rows, folded=True)


def _hyperparameters(run: TaskRun) -> Iterator[tuple[str, Any]]:
    used = {*BASELINE_TRAINING} if isinstance(run, BaselineRun) else None
    for section in ("training", "mixing", "alignment"):
        values = getattr(run, section, None)
        for key, value in (values.model_dump(include=used) if values else {}).items():
            yield f"{section}.{key}", value
    for key, value in (run.options if isinstance(run, BaselineRun) else {}).items():
        yield f"options.{key}", value
    if isinstance(run, ChoiceRun):
        yield from (("minutes", run.minutes), ("folds", run.folds))


def _number(value: float | None, kind: str = "number") -> Cell:
    if value is None:
        return Cell(NONE, kind=f"{kind} missing")
    return Cell(f"{value:.4g}", sort=value, kind=kind)


def _text(value: Any) -> str:
    match value:
        case float():
            return f"{value:g}"
        case dict():
            return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
        case list():
            return ", ".join(map(_text, value)) or NONE
    return str(value)
