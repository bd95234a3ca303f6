"""Figures of what a model learnt: predictions of every kind, training curves, replaced patches (paper, section 3.3).

Every function returns a `matplotlib.figure.Figure` of its own; pyplot's global state stays untouched, so
nothing has to be closed and no display is needed.
"""

from pare.evaluation.figures.canvas import message_figure
from pare.evaluation.figures.dense import dense_figure, representative_samples
from pare.evaluation.figures.epochs import replaced_figure, training_figure
from pare.evaluation.figures.reliability import band_figure, interval_figure, reliability_figure
from pare.evaluation.figures.scalars import confusion_figure, multilabel_figure, regression_figure

__all__ = [
    "band_figure",
    "confusion_figure",
    "dense_figure",
    "interval_figure",
    "message_figure",
    "multilabel_figure",
    "regression_figure",
    "reliability_figure",
    "replaced_figure",
    "representative_samples",
    "training_figure",
]
