"""What an ONNX file says of itself: all that is needed to use it without this project."""

import json
from importlib.metadata import version

from pare.config import ChoiceRun, Run
from pare.evaluation.metrics import METRICS
from pare.saved.saved_model import SavedModel

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")  # that make and check a file


def metadata(trained: SavedModel, classes: list[str] | list[int] | None) -> dict[str, str]:
    """Facts by name; what is no text is JSON.

    Args:
        trained: the model.
        classes: their names, in the order of the probabilities.

    Returns:
        ``task``, ``title``, ``method``, ``seed``, ``fingerprint``; ``kind`` of the data and of the ``output``;
        ``columns`` of a table, their ``categories`` in the order of the codes, null for a column of numbers, and
        ``dates``, the day 0 in UTC of those that count days; for other data there are none;
        ``classes`` in the order of the probabilities, or ``outputs``, the names of numbers, labels or channels;
        ``metric`` with its value on the validation rows; ``encoder``, null for a baseline, ``licences`` and
        ``versions``.
    """
    run, record, known = trained.run, trained.record, trained.preparation
    task, spec = run.task, METRICS[run.metric]
    source = run.source if isinstance(run, Run | ChoiceRun) else None
    facts = {
        "task": run.task_name,
        "title": run.title,
        "method": run.label,
        "seed": run.seed,
        "fingerprint": record["fingerprint"],
        "kind": task.kind,
        "output": task.output.kind,
        "columns": known.columns,
        "categories": known.categories or (known.columns and [None] * len(known.columns)),
        "dates": task.reader.options.get("dates", {}),
        "classes": classes,
        "outputs": None if classes else task.output.names("prediction"),
        "metric": {
            "name": run.metric,
            "title": spec.title,
            "unit": spec.unit,
            "direction": spec.direction,
            "validation": record["validation"],
        },
        "encoder": source and source.title,
        "licences": {"data": task.raw.active.licence} | ({"encoder": source.encoder.licence} if source else {}),
        "versions": {"training": record["versions"], "export": {name: version(name) for name in LIBRARIES}},
    }
    return {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in facts.items()}
