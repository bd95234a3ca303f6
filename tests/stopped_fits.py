"""Fits that a signal stops, and whether what goes on becomes the same model."""

import os
import signal
from unittest.mock import patch

import numpy as np
import torch

from pare.learners.model import Model
from pare.learners.networks.training.steps import Steps
from pare.storage.signals import Stopped, raised

TIMED = {"seconds", "train_seconds", "samples_per_second", "peak_memory_mb"}  # keys of records that differ


def is_stopped(fit, path, call=2, number=signal.SIGTERM, of=(Steps, "step")):
    """Write a model, but for a signal within the call of that number, from 1, of a method; whether it came."""
    original, calls = getattr(*of), [0]

    def signalled(*args, **kwargs):
        calls[0] += 1
        if calls[0] == call:
            os.kill(os.getpid(), number)
        return original(*args, **kwargs)

    try:
        with patch.object(*of, signalled), raised():
            fit.write(path)
    except Stopped as stop:
        assert stop.number == number
        return True
    return False


def stopped_until_done(fit, path, call=2):
    """The model of a fit that is stopped in each second of its steps, and how often that was."""
    stops = 0
    while is_stopped(fit, path, call):
        stops += 1
        assert stops < 100, "it does not come any further"
    return Model.load(path), stops


def _timeless(value):
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key not in TIMED}
    return [*map(_timeless, value)] if isinstance(value, list) else value


def assert_same(one, other):
    """Two models have the same weights, predictions and records, bit by bit, but for times and memory."""
    assert _timeless(one.record) == _timeless(other.record)
    np.testing.assert_equal(one.calibration and one.calibration.arrays, other.calibration and other.calibration.arrays)
    networks = [[*getattr(model.predictor, "members", {"": model}).values()] for model in (one, other)]
    for pair in zip(*networks, strict=True):
        states = [model.predictor.network.state_dict() for model in pair]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
