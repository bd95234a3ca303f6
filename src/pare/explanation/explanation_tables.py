"""Explanations as tables: a line for each row and region, and a line for each region."""

import numpy as np
import pandas as pd

from pare.explanation.occlusion import Explanation, change_names, loss_name
from pare.explanation.questions import Question
from pare.prediction.predict import Predictor, without_formulas


def row_table(model: Predictor, question: Question, explanation: Explanation) -> pd.DataFrame:
    """A line for each row and region.

    Returns:
        ``row``; what is predicted, where that is one class or number; ``feature``; ``value``, of a table; and what
        `changes` says of each outcome.
    """
    regions, count = explanation.regions, len(question.names)
    columns: dict[str, object] = {"row": np.repeat(question.names, len(regions))}
    if (predicted := _predicted(model, explanation.outputs)) is not None:
        columns["prediction"] = np.repeat(predicted, len(regions))
    columns["feature"] = np.tile([region.name for region in regions], count)
    if model.task.kind == "table":
        columns["value"] = np.ravel(_values(model, question))
    flat = explanation.changes.reshape(count * len(regions), -1)
    return without_formulas(pd.DataFrame(columns | dict(zip(change_names(model), flat.T, strict=True))))


def region_table(model: Predictor, explanation: Explanation) -> pd.DataFrame:
    """A line for each region, the most important first.

    Returns:
        ``feature``; the rise of the loss without it, unless the rows are new, and its ``deviation`` over the exchanges
        of a column; and ``mean change`` of the prediction in whatever direction.
    """
    columns: dict[str, object] = {"feature": [region.name for region in explanation.regions]}
    if explanation.importance is not None:
        columns[f"rise of the {loss_name(model)}"] = explanation.importance
    if explanation.deviation is not None:
        columns["deviation"] = explanation.deviation
    columns["mean change"] = np.nanmean(explanation.sizes, axis=0)
    return without_formulas(pd.DataFrame(columns).iloc[explanation.order])


def column_values(model: Predictor, question: Question) -> tuple[np.ndarray, list[list[str] | None]]:
    """Raw numbers and codes of a table's hidden columns, ``(rows, columns)``, and the names of their categories."""
    preparation = model.trained.preparation
    x = preparation.raw(question.read(0, len(question.names))[0])
    categories = preparation.categories or [None] * x.shape[1]
    if question.columns is None:
        return x, categories
    return x[:, question.columns], [categories[column] for column in question.columns]


def summary(model: Predictor, question: Question, explanation: Explanation) -> str:
    """One line for the log: the three most important regions."""
    measured = f"rise of the {loss_name(model)}" if explanation.importance is not None else "mean change"
    most = [f"{explanation.regions[i].name} {explanation.weights[i]:.3g}" for i in explanation.order[:3]]
    return f"{question.what} explained; the predictions rest most on ({measured} without it): {', '.join(most)}"


def _predicted(model: Predictor, outputs: np.ndarray | None) -> np.ndarray | None:
    if outputs is None or model.is_binary or (model.classes is None and outputs.shape[1] > 1):
        return None
    return outputs[:, 0] if model.classes is None else model.classes[outputs.argmax(axis=1)]


def _values(model: Predictor, question: Question) -> list[list[str]]:
    """What each column of each row holds, as text; empty where it is missing."""
    x, categories = column_values(model, question)
    return [[_text(value, names) for value, names in zip(row, categories, strict=True)] for row in x]


def _text(value: float, categories: list[str] | None) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.6g}" if categories is None else categories[int(value)]
