"""From raw samples to model input: split, statistics, normalisation."""

from pare.preparation.model_input import ModelInput, scale_inputs

__all__ = ["ModelInput", "scale_inputs"]
