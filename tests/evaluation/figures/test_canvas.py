"""Names that a user gives are drawn as they are."""

import numpy as np
import pytest
from matplotlib.text import Text

from drawn_figures import draws
from pare.evaluation.figures.dense import dense_figure
from pare.evaluation.figures.scalars import confusion_figure, multilabel_figure, regression_figure

NAMES = [r"$\frac$", "$_a_$", r"cost \$ per $"]  # the first two are no formulas that matplotlib can draw
RNG = np.random.default_rng(0)


def classes():
    labels = np.arange(60) % 3
    return confusion_figure(RNG.random((60, 3)), labels, class_names=NAMES, title=NAMES[0])


def labels():
    return multilabel_figure(RNG.random((9, 3)), np.eye(3)[np.arange(9) % 3], label_names=NAMES, title=NAMES[0])


def numbers():
    return regression_figure(RNG.random((9, 3)), RNG.random((9, 3)), names=NAMES, title=NAMES[0])


def fields():
    truth = RNG.random((1, 3, 4, 4))
    given = {"input_names": NAMES, "output_names": NAMES}
    return dense_figure(truth, truth, truth, captions=["best"], title=NAMES[0], **given)


@pytest.mark.parametrize("figure", [classes, labels, numbers, fields])
def test_names_with_dollar_signs_are_no_formulas(figure):
    drawn = draws(figure())
    shown = [text._preprocess_math(text.get_text()) for text in drawn.findobj(Text)]
    for name in NAMES:
        assert any(name in text and not is_math for text, is_math in shown), name
