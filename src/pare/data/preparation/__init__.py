"""From raw samples to model input: split, statistics, normalisation."""

from pare.data.preparation.model_input import (
    ModelInput,
    check_model_input,
    model_input_fingerprint,
)
from pare.data.preparation.normalisation import Preparation
from pare.data.preparation.split import draw_rows

__all__ = ["ModelInput", "Preparation", "check_model_input", "draw_rows", "model_input_fingerprint"]
