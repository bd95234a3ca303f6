"""The paper's schedule of replaced tokens."""

from itertools import pairwise

import pytest

from pare.learners.networks.mixing import Curriculum


@pytest.mark.parametrize(
    ("options", "epoch", "tokens", "k"),
    [
        ({}, 0, 3136, 3000),  # the paper's fraction
        ({}, 59, 3136, 0),
        ({"start": 200 / 3136}, 0, 3136, 200),  # Cosmic's own
        *(({}, 0, tokens, k) for tokens, k in ((196, 188), (197, 188), (512, 490), (1, 1))),
        *(({"start": 0.5, "end": 0.0, "epochs": 3}, epoch, 10, k) for epoch, k in enumerate((5, 2, 0))),  # 2.5 to even
        ({"start": 0.37}, 0, 10, 4),
        ({"epochs": 1}, 0, 3136, 3000),
        ({"start": 0.1, "end": 0.7, "epochs": 7}, 6, 1000, 700),
        ({"start": 1.0, "end": 1.0, "epochs": 5}, 2, 77, 77),
    ],
)
def test_an_epoch_replaces_the_whole_number_nearest_to_its_fraction_of_the_tokens(options, epoch, tokens, k):
    assert Curriculum(**options).tokens(epoch, tokens) == k


def test_every_epoch_replaces_fewer_tokens_by_equal_steps():
    numbers = [Curriculum().tokens(epoch, 3136) for epoch in range(60)]
    steps = {before - after for before, after in pairwise(numbers)}
    assert steps == {50, 51}  # 3000 / 59 = 50.8


@pytest.mark.parametrize("epoch", [-1, 60])
def test_an_epoch_that_does_not_exist_is_refused(epoch):
    with pytest.raises(ValueError, match=rf"epoch={epoch} of a curriculum of 60"):
        Curriculum().tokens(epoch, 3136)


@pytest.mark.parametrize("wrong", [{"start": 1.1}, {"end": -0.1}, {"epochs": 0}, {"start": float("nan")}])
def test_impossible_schedules_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must lie in|at least one"):
        Curriculum(**wrong)


def numbers(shape, **options):
    curriculum = Curriculum(start=0.8, end=0.0, epochs=20, shape=shape, **options)
    return [curriculum.tokens(epoch, 1000) for epoch in range(20)]


@pytest.mark.parametrize("shape", ["linear", "piecewise", "exponential"])
def test_gradual_shapes_never_rise_and_go_from_start_to_end(shape):
    assert numbers(shape)[0] == 800 and numbers(shape)[-1] == 0
    assert numbers(shape) == sorted(numbers(shape), reverse=True)


def test_piecewise_has_four_stages_of_equal_steps_and_length():
    stages = numbers("piecewise")
    assert sorted(set(stages)) == [0, 267, 533, 800]
    assert [stages.count(k) for k in (800, 533, 267, 0)] == [5, 5, 5, 5]


def test_exponential_falls_fastest_at_first():
    steps = [a - b for a, b in pairwise(numbers("exponential"))]
    assert steps == sorted(steps, reverse=True)
    assert numbers("exponential")[10] < numbers("linear")[10] / 4


def test_constant_stays_at_the_start():
    assert set(numbers("constant")) == {800}


def test_random_lies_between_and_depends_on_the_seed_alone():
    assert numbers("random") == numbers("random") != numbers("random", seed=1)
    assert all(0 <= k <= 800 for k in numbers("random")) and len(set(numbers("random"))) > 10


def test_an_unknown_shape_is_refused():
    with pytest.raises(ValueError, match="expected one of linear, piecewise, exponential, early, constant, random"):
        Curriculum(shape="cubic")
