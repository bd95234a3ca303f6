"""Minutes to epochs, and the steps that a slow machine leaves out."""

from itertools import pairwise

import pytest

from pare.learners.networks.training import budget
from pare.learners.networks.training.budget import GRACE, LATEST, Plan, Timetable


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(budget.time, "perf_counter", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("epochs", "members", "member_epochs", "expected"),
    [
        *((319, 1, 160, (319, 1)), (320, 1, 160, (160, 2)), (799, 1, 160, (160, 4)), (10**6, 1, 160, (160, 8))),
        *((10**6, 1, None, (10**6, 1)), (100, 3, 160, (33, 3)), (2, 3, 160, (1, 3))),
    ],
)
def test_epochs_that_fit_are_those_of_one_training_or_of_several(epochs, members, member_epochs, expected):
    assert budget.planned(epochs, members, member_epochs) == Plan(*expected)


def test_slow_first_steps_and_a_single_stall_do_not_count(clock):
    durations = iter([9.0] * budget.SETTLING + [60.0] + [1.0] * budget.MEASURED)

    def step():
        clock[0] += next(durations)

    assert budget.step_seconds(step) == 1


def made(seconds, steps=200, minutes=10.0, members=1, begin=0.0):
    """Numbers of the steps that are made, where the step of number i takes ``seconds(i)``; and the end."""
    timetable, now, numbers = Timetable(minutes, members, begin, steps), begin, []
    for number in range(steps):
        if not timetable.leaves_out(number, now):
            numbers.append(number)
            now += seconds(number)
    return numbers, now


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [
        (lambda _: 3.0, 10),  # in time
        (lambda _: 3.1, 10),  # not much later
        (lambda step: 11.0 if step == 0 else 3.0, 10),  # the first one, as where kernels are compiled
        (lambda step: 40.0 if step == 199 else 3.0, 10),  # a stall at the end
    ],
)
def test_all_steps_are_made_where_the_training_is_in_time(seconds, minutes):
    assert made(seconds, minutes=minutes)[0] == list(range(200))


@pytest.mark.parametrize("slower", [1.5, 3, 10, 60])
@pytest.mark.parametrize("since", [0, 50, 150])
def test_a_training_that_becomes_slower_leaves_steps_out_evenly_and_ends_in_time(slower, since):
    numbers, end = made(lambda step: 3.0 * (slower if step >= since else 1))
    assert end <= LATEST * 600 + GRACE + 2 * 3.0 * slower
    assert numbers[:since] == list(range(since)) and numbers[-1] == 199
    late = [number for number in numbers[:-1] if number > since + 60 * slower / 3]
    gaps = {later - earlier for earlier, later in pairwise(late)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_an_epoch_that_does_not_fit_is_a_part_of_its_steps():
    numbers, end = made(lambda _: 30.0)
    assert end <= LATEST * 600 + GRACE + 60
    assert 20 <= len(numbers) <= 23 and numbers[0] == 0


def test_a_machine_that_is_fast_again_leaves_none_out_any_more():
    numbers, _ = made(lambda step: 30.0 if step < 50 else 1.0)
    assert len(numbers) < 200
    assert numbers[-100:] == list(range(100, 200))


def test_several_trainings_share_the_minutes():
    _, end = made(lambda _: 30.0, members=4)
    assert end <= (LATEST * 600 + GRACE) / 4 + 60


def test_a_start_that_took_all_the_time_is_followed_by_few_steps_and_the_last_one():
    numbers, end = made(lambda _: 1.0, begin=700.0)
    assert numbers[0] == 0 and numbers[-1] == 199
    assert end <= 700 + GRACE + 2
