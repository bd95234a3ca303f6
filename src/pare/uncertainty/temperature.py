"""Temperature scaling: one number that divides all logits (Guo et al. 2017)."""

from math import exp, log

import numpy as np

LARGEST = 20.0  # and its inverse the smallest
SPREAD = 0.5  # standard deviation of the logarithm of a temperature, of which nothing but this is known
CLEARLY = 1.92  # nats: half of the 95 % quantile of χ² with one degree of freedom


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The most likely temperature, from rows that were not learnt from; above 1 the model was too sure.

    Few rows say little: those that are all predicted rightly would make a model certain. So the logarithm of the
    temperature has a normal prior around 0, which many rows outweigh; and where the likelihood of the rows does not
    rise clearly (likelihood-ratio test at 5 %), it is 1 and nothing changes.

    Args:
        logits: of classes ``(rows, classes)``, or labels ``(rows, labels)``.
        truth: class numbers ``(rows,)``, or labels 0 or 1 ``(rows, labels)``.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415

    found = minimize_scalar(
        lambda power: len(truth) * log_loss(logits * exp(-power), truth) + (power / SPREAD) ** 2 / 2,
        bounds=(-log(LARGEST), log(LARGEST)),
        method="bounded",
    )
    temperature = exp(found.x)
    gain = len(truth) * (log_loss(logits, truth) - log_loss(logits / temperature, truth))
    return temperature if gain > CLEARLY else 1.0


def log_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean negative log-likelihood of classes, or of labels, in nats; arguments as for `fit_temperature`."""
    from scipy.special import log_expit, log_softmax  # noqa: PLC0415

    logits = logits.astype(np.float64)
    if truth.ndim > 1:
        return float(-(truth * log_expit(logits) + (1 - truth) * log_expit(-logits)).mean())
    return float(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())
