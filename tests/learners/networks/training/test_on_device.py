"""Numbers that stay on the device until they are read."""

import torch

from pare.learners.networks.training import on_device
from pare.learners.networks.training.on_device import Glimpse, OnDevice


def test_numbers_are_read_in_their_order_after_those_that_were_known():
    numbers = OnDevice(3, [0.5])
    assert numbers.read() == [0.5]
    for number in (1.5, 2.5):
        numbers.append(torch.tensor(number, requires_grad=True))
    assert numbers.read() == [0.5, 1.5, 2.5]


def test_a_number_is_shown_every_half_second(monkeypatch):
    now, shown = [0.0], []
    monkeypatch.setattr(on_device.time, "monotonic", lambda: now[0])
    glimpse = Glimpse()
    for step in range(10):
        now[0] = 0.2 * step
        glimpse.offer(torch.tensor(float(step)))
        shown.append(glimpse.value)
    assert shown == [None, None, None, 3, 3, 3, 6, 6, 6, 9]
