"""What a training says of its length."""

from unittest.mock import Mock

import pytest

from pare.config.estimate import duration
from pare.learners.networks.training.session import Session


@pytest.mark.parametrize(("minute", "most", "told"), [(60.0, 300.0, ""), (0.0, 300.0, "here"), (0.0, 0.0, "minutes=0")])
def test_a_training_of_more_than_a_minute_says_its_length_and_a_long_one_what_is_shorter(
    train, table_run, table, tmp_path, *, caplog, monkeypatch, minute, most, told
):
    monkeypatch.setattr("pare.learners.networks.training.session.MINUTE", minute)
    monkeypatch.setattr("pare.learners.networks.training.session.LONG", most)
    caplog.set_level("INFO", logger="pare")
    train(table_run(), table, tmp_path)
    said = [message for message in caplog.messages if "3 epochs will take about" in message]
    assert [line.endswith(f"{told}.") for line in said] == [True] * bool(told)


@pytest.mark.parametrize("seconds", [1.0, 7.0, 100.0])  # of a plain step; a mixed one takes twice as long
def test_the_length_that_is_told_by_mixed_steps_is_that_of_all(monkeypatch, caplog, seconds):
    caplog.set_level("INFO", logger="pare")
    clock = Mock(return_value=0.0)
    monkeypatch.setattr("time.perf_counter", clock)
    mixing = Mock(settings=Mock(passes=2), mixed_epochs=lambda epochs: epochs / 4)  # the first fourth
    setup = Mock(batches=range(10), rows={"validation": range(60)}, parts=Mock(mixing=mixing))
    begun = Mock(_told=False, _ends=[], setup=setup, progress=Mock(epochs=8, members=3))
    begun.run = Mock(minutes=None, member=0, training=Mock(batch_size=20))
    for _ in range(20):
        clock.return_value += 2 * seconds
        Session.tell_length(begun, mixed=True)
    (said,) = caplog.messages
    each = 2 * 10 * 2 + 6 * 10 + 8 * (60 / 20 / 3)
    assert said.startswith(f"3 trainings of 8 epochs will take about {duration(3 * each * seconds)} here")
