"""From raw samples to model input: split, statistics, normalisation."""

from pare.preparation.model_input import (
    ModelInput,
    check_model_input,
    model_input_fingerprint,
    scale_inputs,
    unscale_inputs,
)
from pare.preparation.split import draw_rows

__all__ = ["ModelInput", "check_model_input", "draw_rows", "model_input_fingerprint", "scale_inputs", "unscale_inputs"]
