"""Nodes of the explain pipeline."""

import logging
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from pare.config import Run
from pare.config.estimate import duration
from pare.data.files import plain_stem
from pare.data.origins.own_files import find_path
from pare.explanation import ask_new_rows, ask_test_rows, expected_seconds, explain
from pare.explanation.explanation_figures import draw_explanation
from pare.explanation.explanation_tables import region_table, row_table, summary
from pare.learners.model import Model
from pare.prediction.predict import Predictor
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)


def explain_predictions(
    run: Run, file: str, model: Model, model_input: ArrayStore
) -> tuple[dict[str, pd.DataFrame], dict[str, Figure]]:
    """Explain the test rows, or the new rows of a file.

    Args:
        run: the run whose model is explained.
        file: with new rows, absolute or relative to the current folder; empty: the test rows.
        model: the trained model.
        model_input: whose training rows say what is typical.

    Returns:
        Tables and figures by the names of their files.

    Raises:
        PareError: where the model is not the run's, was trained on another model input, or the file does not fit.
    """
    model.check(run, model_input, model.run.command("explain", predict=file))
    predictor, path = Predictor(model), find_path(file, Path.cwd()) if file else None
    question = ask_new_rows(predictor, model_input, path) if path else ask_test_rows(predictor, model_input)
    seconds = expected_seconds(predictor, model_input, question)
    logger.info("Explaining %s takes about %s.", question.what, duration(max(seconds, 1)))
    explanation = explain(predictor, question)
    logger.info("%s, %s, seed %d: %s.", run.task_name, run.label, run.seed, summary(predictor, question, explanation))
    ending = f"-{plain_stem(path)}" if path else ""
    tables = {
        f"explanation{ending}": row_table(predictor, question, explanation),
        f"importance{ending}": region_table(predictor, explanation),
    }
    return tables, {f"explanation{ending}": draw_explanation(predictor, question, explanation)}
