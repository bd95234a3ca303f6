"""Signals that end a process: raised or held back, and what was there before comes back."""

import os
import signal
import threading

import pytest

from pare.storage.signals import ENDING, Stopped, exit_code, held, raised


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_is_raised_with_the_exit_code_of_shells(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stop, raised():
        send(number)
    assert exit_code(stop.value) == 128 + number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_it_is_raised_also_where_a_library_makes_another_error_of_it(error):
    with pytest.raises(Stopped) as stop, raised():
        try:
            send(signal.SIGHUP)
        except Stopped:
            raise error from None
    assert stop.value.number == signal.SIGHUP


def test_an_error_without_a_signal_stays_what_it_is():
    with pytest.raises(RuntimeError, match="mine"), raised():
        raise RuntimeError("mine")


def test_one_that_is_ignored_stays_ignored():
    """As SIGHUP is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raised(), held() as signals:
            send(signal.SIGHUP)
            signals.let_through(signals.number)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", ENDING)
def test_one_that_is_held_back_waits_for_its_place_and_then_does_what_it_would_have_done(number):
    done = []
    with pytest.raises(Stopped) as stop, raised(), held() as signals:
        signals.let_through(signals.number)
        send(number)
        done.append("step")
        signals.let_through(signals.number)
        done.append("next step")
    assert done == ["step"] and stop.value.number == number
    with pytest.raises(Stopped), raised():
        with held():
            send(number)
        done.append("after")
    assert "after" not in done


def test_a_second_ctrl_c_does_not_wait_and_a_second_sigterm_does():
    with pytest.raises(Stopped), raised(), held() as signals:
        send(signal.SIGTERM)
        send(signal.SIGTERM)
        signals.number = 0
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_other_threads_have_no_handlers():
    errors = []

    def work():
        try:
            with raised(), held() as signals:
                signals.let_through(signals.number)
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []
