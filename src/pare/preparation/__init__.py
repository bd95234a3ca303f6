"""From raw samples to model input: split, statistics, normalisation."""

from pare.preparation.model_input import ModelInput, scale_inputs, unscale_inputs
from pare.preparation.split import draw_rows

__all__ = ["ModelInput", "draw_rows", "scale_inputs", "unscale_inputs"]
