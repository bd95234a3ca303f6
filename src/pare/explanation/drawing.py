"""The figure of an explanation, for every kind of data."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pare.explanation.explain import Explanation
from pare.explanation.figures import line_figure, map_figure, table_figure
from pare.explanation.outcomes import loss_name
from pare.explanation.questions import Question
from pare.explanation.tables import column_values
from pare.prediction.predict import Predictor

MOST_EXAMPLES = 3


def draw_explanation(model: Predictor, question: Question, explanation: Explanation) -> Figure:
    """Tables: bars with the names of columns. Series and lines: spans above examples. Images, fields: maps over them.

    Args:
        model: that predicted.
        question: the rows.
        explanation: of the rows.
    """
    known = explanation.importance is not None
    label = f"rise of the {loss_name(model)}" if known else "mean change of the prediction"
    title = f"{model.trained.run.title}: what the predictions of {question.what} rest on"
    if model.task.kind == "table":
        x, categories = column_values(model, question)
        numeric = [names is None for names in categories]
        return table_figure(explanation, x, numeric=numeric, label=label, title=title)
    chosen = _examples(model, explanation)
    rows = [question.read(row, row + 1)[0] for row in chosen]
    captions = [_caption(model, question.names[row], row, explanation.outputs) for row in chosen]
    draw = line_figure if len(model.task.input.shape) == 2 else map_figure
    raw = model.trained.preparation.raw(np.concatenate(rows))
    return draw(explanation, raw, chosen=chosen, captions=captions, label=label, title=title)


def _examples(model: Predictor, explanation: Explanation) -> list[int]:
    """Of at most three predicted classes the row that changes most; of numbers and fields rows evenly chosen."""
    if model.classes is not None and explanation.outputs is not None:
        order = np.argsort(-explanation.sizes.max(axis=1), kind="stable")
        _, first = np.unique(explanation.outputs[order].argmax(axis=1), return_index=True)
        return order[np.sort(first)][:MOST_EXAMPLES].tolist()
    return np.unique(np.linspace(0, len(explanation.changes) - 1, MOST_EXAMPLES).round().astype(int)).tolist()


def _caption(model: Predictor, name: str, row: int, outputs: Sequence[np.ndarray] | np.ndarray | None) -> str:
    if outputs is None or model.is_binary:
        return f"row {name}"
    if model.classes is not None:
        return f"row {name}: {model.classes[outputs[row].argmax()]}"
    return f"row {name}: {', '.join(f'{number:.4g}' for number in outputs[row][:MOST_EXAMPLES])}"
