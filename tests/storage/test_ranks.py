"""What launchers say in the environment."""

import signal

import pytest

from pare.storage.ranks import rank, ranks
from pare.storage.signals import raised


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (1, 0)),
        ({"WORLD_SIZE": "2", "RANK": "1"}, (1, 0)),  # a cluster says so, but nothing was launched together
        ({"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}, (1, 0)),
        ({"WORLD_SIZE": "16", "RANK": "9", "LOCAL_RANK": "1"}, (16, 9)),
    ],
)
def test_processes_are_counted_where_a_launcher_started_them(monkeypatch, environment, expected):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (ranks(), rank()) == expected


def test_signals_end_each_of_several_processes_at_once(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    with raised():
        assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.delenv("LOCAL_RANK")
    with raised():
        assert signal.getsignal(signal.SIGTERM) is not before
