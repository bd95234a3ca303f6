"""What launchers say in the environment."""

import signal
from contextlib import suppress

import pytest

from pare.config.ranks import rank, ranks
from pare.storage.signals import Stopped, held, raised


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


@pytest.mark.parametrize("agreed", [True, False])
def test_of_several_processes_each_ends_as_all_agreed_else_as_its_signal_would(monkeypatch, agreed):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with suppress(Stopped), held() as signals:
            signal.raise_signal(signal.SIGTERM)
            signals.let_through(signals.number if agreed else 0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == ([] if agreed else [signal.SIGTERM])


def test_signals_end_each_of_several_processes_at_once(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    with raised():
        assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.delenv("LOCAL_RANK")
    with raised():
        assert signal.getsignal(signal.SIGTERM) is not before
