"""Figures as tests look at them."""

import io
import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def draws(figure: Figure) -> Figure:
    """Draw it, as saving does: layout problems show as warnings only then, and they are errors here."""
    assert isinstance(figure, Figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        figure.savefig(io.BytesIO(), dpi=30)
    return figure


def panels(figure: Figure) -> list[Axes]:
    """The axes that hold a drawing: neither colour bars nor insets."""
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
