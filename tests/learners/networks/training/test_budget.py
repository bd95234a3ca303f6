"""Minutes to epochs, with a clock that the test turns."""

import pytest

from pare.learners.networks.mixing import Curriculum
from pare.learners.networks.training import budget


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(budget.time, "perf_counter", lambda: now[0])
    return now


@pytest.mark.parametrize(("minutes", "steps", "expected"), [(2, 30, 8), (2, 241, 1), (0.01, 1000, 1)])
def test_as_many_whole_epochs_as_fit_and_never_none(minutes, steps, expected):
    assert budget.epochs_within(minutes, 0.5, steps) == expected


@pytest.mark.parametrize(
    ("epochs", "members", "member_epochs", "expected"),
    [
        *((319, 1, 160, (1, 319)), (320, 1, 160, (2, 160)), (799, 1, 160, (4, 160)), (10**6, 1, 160, (8, 160))),
        *((10**6, 1, None, (1, 10**6)), (100, 3, 160, (3, 33)), (2, 3, 160, (3, 1))),
    ],
)
def test_epochs_that_fit_are_those_of_one_training_or_of_several(epochs, members, member_epochs, expected):
    assert budget.members_within(epochs, members, member_epochs) == expected


def test_slow_first_steps_and_a_single_stall_do_not_count(clock):
    durations = iter([9.0] * budget.SETTLING + [60.0] + [1.0] * budget.MEASURED)

    def step():
        clock[0] += next(durations)

    assert budget.step_seconds(step) == 1


def test_an_early_curriculum_mixes_the_first_third_of_the_epochs():
    counts = budget.mixed_epochs(Curriculum(0.3, 0.0, epochs=90, shape="early", seed=0), tokens=1000)
    assert len(counts) == pytest.approx(30, abs=1)
    assert counts[0] == 300
    assert counts == sorted(counts, reverse=True)


def taken(seconds, epochs=20, minutes=10.0, done=0):
    """Numbers of the epochs that are made, where the epoch of number i takes ``seconds(i)``; and their total."""
    history, made = [], []
    for epoch in budget.epochs_in_time(done, epochs, minutes, history):
        made.append(epoch)
        history.append({"seconds": seconds(epoch)})
    return made, sum(row["seconds"] for row in history)


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [
        (lambda _: 30, 10),  # in time
        (lambda _: 37, 10),  # not much later
        (lambda epoch: 300 if epoch == 9 else 20, 10),  # one stall
        (lambda epoch: 60 if epoch < 2 else 20, 10),  # the first ones, as where kernels are compiled
        (lambda _: 10**6, None),  # not bound
    ],
)
def test_all_epochs_are_made_where_the_training_is_in_time(seconds, minutes):
    assert taken(seconds, minutes=minutes)[0] == list(range(20))


@pytest.mark.parametrize("slower", [2, 3, 5, 10])
def test_a_training_that_is_late_leaves_epochs_out_evenly(slower):
    made, total = taken(lambda epoch: 30 * (1 if epoch < 4 else slower))
    assert made[:4] == [0, 1, 2, 3] and made[-1] == 19
    assert made == sorted(set(made)) and 6 <= len(made) < 20
    seen = 4 * 30 + (budget.RECENT // 2 + 1) * 30 * slower  # when the median of the last epochs is that of slow ones
    assert total <= max(budget.LATE * 600, seen) + 30 * slower  # the last one is always made


def test_of_few_epochs_none_is_left_out():
    assert taken(lambda _: 10**6, epochs=budget.FEW)[0] == list(range(budget.FEW))


def test_a_machine_that_is_fast_again_leaves_none_out_any_more():
    made, _ = taken(lambda epoch: 100 if epoch < 5 else 10)
    assert len(made) < 20
    assert made[-8:] == list(range(12, 20))


def test_a_training_that_goes_on_counts_what_was_spent_before():
    history = [{"seconds": 100.0}] * 7
    epochs = budget.epochs_in_time(7, 20, 10, history)
    assert next(epochs) == 7
    history.append({"seconds": 100.0})
    assert list(epochs) == [19]
