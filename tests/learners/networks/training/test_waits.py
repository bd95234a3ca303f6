"""No step of a training waits for the device.

A CPU has nothing to wait for, but the calls that wait on a GPU are the same: those that read a number, and those whose
shape depends on numbers.
"""

import traceback
from collections import Counter
from functools import wraps

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from pare.learners.networks.draws import Draws
from pare.learners.networks.training import on_device
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.progress import EpochProgress
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.setup import Setup
from pare.learners.networks.training.steps import Steps
from pare.learners.networks.training.trainer import Trainer
from pare.storage.signals import held
from step_kinds import KINDS, session

__all__ = ["session"]
READS = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "is_nonzero", "equal"}
COPIES = {"cpu", "tolist", "numpy", "item"}
# All that a step calls, but for the rows that come from the disk.
OF_A_STEP = [(Steps, "step"), (Epoch, "draws"), (Epoch, "note"), (EpochProgress, "step"), (Setup, "go_to")]
OF_A_STEP += [(Session, "is_late"), (Trainer, "_is_due")]


class Reads(TorchDispatchMode):
    """Counts operations that read, or whose shape depends on numbers."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix("aten::")
        by_mask = name == "index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in READS or by_mask or (name == "repeat_interleave" and func._overloadname == "Tensor"):
            self.counts[f"{name} {own_line()}"] += 1
        return func(*args, **(kwargs or {}))


class Copies(TorchFunctionMode):
    """Counts calls that bring a tensor to the CPU."""

    def __init__(self, counts):
        super().__init__()
        self.counts = counts

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in COPIES:
            self.counts[f"{func.__name__} {own_line()}"] += 1
        return func(*args, **(kwargs or {}))


def own_line():
    frames = [frame for frame in traceback.extract_stack() if "/pare/" in frame.filename]
    return f"{frames[-1].filename.rsplit('/pare/')[-1]}:{frames[-1].lineno}" if frames else ""


@pytest.fixture
def counts(monkeypatch):
    """What the steps of a training wait for."""
    counts = Counter()

    def counted(work):
        @wraps(work)
        def call(*args, **kwargs):
            with Copies(counts), Reads(counts):
                return work(*args, **kwargs)

        return call

    for owner, name in OF_A_STEP:
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    on_host = Draws.on_host

    def uncounted(self, *args):
        with _disable_current_modes():
            return np.asarray(on_host(self, *args))

    monkeypatch.setattr(Draws, "on_host", uncounted)  # which is on the CPU anyway
    monkeypatch.setattr(on_device, "PAUSE", 1000.0)  # the bar's number, which is copied twice a second
    return counts


@pytest.mark.parametrize("method", ["pare", "finetune"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_step_waits_for_the_device(session, counts, kind, method):
    begun = session(kind, method)
    begun.setup.plan(2)
    trainer, mixed = Trainer(begun), []
    note = begun.steps.step
    begun.steps.step = lambda batch, proxy, *args, **given: (
        mixed.append(proxy is not None) or note(batch, proxy, *args, **given)
    )
    begun.progress.epochs = 2
    with held() as trainer.signals:
        trainer._steps(Epoch(begun.setup, 0, None), EpochProgress(2, len(begun.setup.batches), 0, ""))
    assert len(mixed) == 3 and any(mixed) is (method == "pare")
    assert dict(counts) == {}


def test_a_wait_would_be_counted(counts, session, monkeypatch):
    begun = session("numbers")
    begun.setup.plan(1)
    epoch = Epoch(begun.setup, 0, None)
    counted = Steps.step
    changed = Steps._changed
    monkeypatch.setattr(Steps, "_changed", lambda self, *args: (float(args[0]["x"].sum()), changed(self, *args))[1])
    for number, batch in epoch.batches():
        counted(begun.steps, batch, None, epoch.draws(number))
    assert sum(counts.values()) >= 3
