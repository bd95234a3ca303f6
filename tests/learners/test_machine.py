"""What a training learns of the machine."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pare.learners import machine


def test_peak_memory_is_in_mebibytes(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    if sys.platform == "linux":
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert machine.peak_memory_mb() == pytest.approx(int(peak) / 1024, rel=0.05)
    for platform, unit in {"linux": 2**10, "darwin": 1}.items():
        monkeypatch.setattr("sys.platform", platform)
        usage = SimpleNamespace(ru_maxrss=3 * 2**20 // unit)
        monkeypatch.setattr("resource.getrusage", lambda _, usage=usage: usage)
        assert machine.peak_memory_mb() == 3


@pytest.mark.parametrize(
    ("asked", "axes", "cuda", "expected"),
    [
        *(("auto", 1, False, "bf16"), ("auto", 2, False, "bf16"), ("auto", 3, False, "no"), ("auto", 3, True, "bf16")),
        *(("no", 2, True, "no"), ("bf16", 3, False, "bf16")),
    ],
)
def test_precision_is_that_of_the_hardware_but_for_volumes_on_a_cpu(monkeypatch, asked, axes, cuda, expected):
    monkeypatch.setattr(machine, "has_bf16", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    task = SimpleNamespace(input=SimpleNamespace(shape=(1, *[8] * axes)))
    assert machine.precision_of(asked, task) == expected


def test_the_speed_of_a_layer_is_its_counted_operations_by_the_seconds_of_the_clock(monkeypatch):
    threads, ticks = torch.get_num_threads(), iter(range(10**6))
    monkeypatch.setattr(machine.time, "thread_time", lambda: next(ticks) / 200)
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(ticks) / 100)
    with FlopCounterMode(display=False) as counted:
        speed = machine.layer_speed("no")
    passes = 2 * 10  # on all threads, and on one
    # six operations for each weight and token; nobody asks for the gradient of the input, a twelfth
    assert speed == pytest.approx(200 * counted.get_total_flops() / passes, rel=0.1)
    assert torch.get_num_threads() == threads
