"""Minutes to epochs, with a clock that the test turns."""

import pytest

from pare.mixing import Curriculum
from pare.training import budget


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
