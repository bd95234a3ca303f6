"""How sure a prediction is, from rows that its model never learnt from; needs neither torch nor a model."""

from pare.uncertainty.calibration import Calibration, conformal_quantile, fewest_rows, fit_temperature, log_loss

__all__ = ["Calibration", "conformal_quantile", "fewest_rows", "fit_temperature", "log_loss"]
