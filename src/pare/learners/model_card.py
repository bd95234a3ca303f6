"""The README of a model's folder, in words: what it predicts, how it was made, how to use it."""

from collections.abc import Mapping
from typing import Any

from pare.config.run import Run
from pare.config.schema import Source

CARD = "README.md"
# The lines before the title are those that the Hugging Face hub reads.
TEXT = """\
---
library_name: pare
license: other
tags: [cross-modal-fine-tuning, {tag}]
---

# {title}

Predicts {output} from {inputs}.

| | |
|---|---|
{rows}

## How to load it

```python
from pare import load

model = load("path/of/this/folder")  # or "hf://owner/name", where it is on the Hugging Face hub
model.predict(rows)  # a table, an array or a file, as the task's own
```

## Limits

It was made for rows as the training rows were: the same columns or shape, the same units, from the same population.
Where the validation metric selected the model, it flatters it; the metric of the test rows is in the
`metrics.json` of its run.{categories}

## Licence

What the model was made from has these licences: {licences}.
"""
CATEGORIES = " A category that no training row has counts as missing."


def model_card(run: Run, record: Mapping[str, Any]) -> str:
    """Describe a trained model in Markdown.

    Args:
        run: the run that made it.
        record: record of its training; missing entries are shown as unknown.
    """
    task, raw = run.task, run.task.raw.active
    shape = "×".join(map(str, task.input.shape))
    rows = {
        "task": f"`{run.task_name}`",
        "data": ", ".join(filter(None, [task.suite, raw.url, "simulated" if raw.simulated else None])),
        **_learner(run, record),
        "kept": _selected(record),
        "rows": f"{record.get('n_train', 'unknown')} for training",
        "validation": _validation(run, record),
        "made by": ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items()) or "unknown",
    }
    return TEXT.format(
        tag=task.kind,
        title=run.title,
        output=f"{task.output.name or 'the target'} ({task.output.kind}, {'×'.join(map(str, task.output.shape))})",
        inputs=f"{shape} features" if task.kind == "table" else f"a {task.kind} of {shape} numbers, channels first",
        rows="\n".join(f"| {name} | {value} |" for name, value in rows.items() if value),
        categories=CATEGORIES if any(record.get("categories", ())) else "",
        licences="; ".join(f"{name}: {licence}" for name, licence in licences(run, record).items()),
    )


def source_of(run: Run, record: Mapping[str, Any]) -> Source | None:
    """The source of a model's pretrained encoder, of a choice that of what it selected; None without an encoder.

    Args:
        run: the run that made the model.
        record: record of its training.
    """
    selected = {row["method"] for row in record.get("candidates", ()) if row["share"]}
    runs = [tried for tried in run.candidates if tried.method_name in selected] if run.candidates else [run]
    return next((one.source for one in runs if one.source), None)


def licences(run: Run, record: Mapping[str, Any]) -> dict[str, str]:
    """Licences of the ``data`` and, where the model has one, of its pretrained ``encoder``; as for `source_of`."""
    source = source_of(run, record)
    return {"data": run.task.raw.active.licence} | ({"encoder": source.encoder.licence} if source else {})


def _learner(run: Run, record: Mapping[str, Any]) -> dict[str, str]:
    method = {"method": f"{run.label}: {run.learner.title}, seed {run.seed}"}
    if candidates := record.get("candidates"):
        weights = [f"{row['share']:.0%} {row['method']}" for row in candidates if row["share"]]
        return method | {"selected": f"{', '.join(weights)}, of {len(candidates)} candidates"}
    if not run.source:
        return method
    return method | {"pretrained encoder": ", ".join(filter(None, [run.source.title, run.source.encoder.url]))}


def _selected(record: Mapping[str, Any]) -> str | None:
    """The selected epoch; None for a model without epochs."""
    if members := record.get("members"):
        return f"the mean of {len(members)} trainings"
    if record.get("start") and not record.get("best_epoch"):
        return "the solved start, nothing trained"
    epochs = record.get("passes", len(record.get("history", ())))
    best = record.get("best_epoch", "unknown")
    return None if best is None else f"epoch {best} of {epochs}"


def _validation(run: Run, record: Mapping[str, Any]) -> str:
    value = record.get("validation")
    return "no validation rows" if value is None else f"{run.metric} {value:.4g}"
