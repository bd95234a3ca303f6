"""The README of a model's folder, in words: what it predicts, how it was made, how to use it."""

from collections.abc import Mapping
from typing import Any

from pare.config.run import Run

CARD = "README.md"
TEXT = """\
# {title}

Predicts {output} from {inputs}.

| | |
|---|---|
| task | `{task}` |
| data | {data} |
| method | {method}, seed {seed} |
| pretrained encoder | {encoder} |
| kept | {kept} |
| rows | {rows} for training |
| validation | {validation} |
| made by | {versions} |

## How to load it

```python
from pare import load

model = load("path/of/this/folder")
model.predict(rows)  # a table, an array or a file, as the task's own
```

## Limits

It was made for rows as the training rows were: the same columns or shape, the same units, from the same population.
The validation metric chose what is kept, so it flatters the model; the metric of the test rows is in the `metrics.json`
of its run.{categories}

## Licence

The weights derive from the data and from the encoder: {licences}.
"""
CATEGORIES = " A category that no training row has counts as missing."


def model_card(run: Run, record: Mapping[str, Any]) -> str:
    """Describe a trained model in Markdown.

    Args:
        run: the run that made it.
        record: of its training; what it lacks is said to be unknown.
    """
    task, raw, encoder = run.task, run.task.raw.active, run.source.encoder
    shape = "×".join(map(str, task.input.shape))
    return TEXT.format(
        title=run.title,
        output=f"{task.output.name or 'the target'} ({task.output.kind}, {'×'.join(map(str, task.output.shape))})",
        inputs=f"{shape} features" if task.kind == "table" else f"a {task.kind} of {shape} numbers, channels first",
        task=run.task_name,
        data=", ".join(filter(None, [task.suite, raw.url, "simulated" if raw.simulated else None])),
        method=f"{run.label}: {run.method.title}",
        seed=run.seed,
        encoder=", ".join(filter(None, [run.source.title, encoder.url])),
        kept=_kept(record),
        rows=record.get("n_train", "unknown"),
        validation=_validation(run, record),
        versions=", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items()) or "unknown",
        categories=CATEGORIES if any(record.get("categories", ())) else "",
        licences=f"data: {raw.licence}; encoder: {encoder.licence}",
    )


def _kept(record: Mapping[str, Any]) -> str:
    if record.get("start") and not record.get("best_epoch"):
        return "the solved start, nothing trained"
    return f"epoch {record.get('best_epoch', 'unknown')} of {len(record.get('history', ()))}"


def _validation(run: Run, record: Mapping[str, Any]) -> str:
    value = record.get("validation")
    return "no validation rows" if value is None else f"{run.metric} {value:.4g}"
