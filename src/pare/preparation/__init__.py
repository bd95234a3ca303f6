"""From raw samples to model input: split, statistics, normalisation."""

from pare.preparation.model_input import ModelInput

__all__ = ["ModelInput"]
