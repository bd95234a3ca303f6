"""Samples come in order, whatever the threads do, and errors are not lost."""

import threading
import time

import numpy as np
import pytest

from pare.paper.simulators.parallel import random_generator, simulate_batches, simulate_samples


def test_samples_come_in_order_although_the_first_takes_longest():
    def sample(i):
        time.sleep(0.02 if i % 4 == 0 else 0)
        return {"i": np.array(i)}

    assert [int(s["i"]) for s in simulate_samples(sample, 13, "", workers=3)] == list(range(13))


@pytest.mark.parametrize("size", [1, 4, 5, 100])
def test_batches_are_handed_out_sample_by_sample(size):
    batches = []

    def batch(numbers):
        batches.append(len(numbers))
        return {"square": np.array(numbers) ** 2, "row": np.array(numbers)[:, None] + np.zeros(3)}

    samples = list(simulate_batches(batch, 10, size, "", workers=2))
    assert [int(s["square"]) for s in samples] == [i**2 for i in range(10)]
    assert all(s["row"].shape == (3,) for s in samples)
    assert sum(batches) == 10 and max(batches) == min(size, 10)


def test_few_samples_are_computed_ahead_of_those_that_are_taken():
    started = []
    samples = simulate_samples(lambda i: started.append(i) or {}, 1000, "", workers=2)
    next(samples)
    assert len(started) < 20
    samples.close()
    assert len(started) < 20


def test_an_error_in_a_thread_ends_the_simulation():
    def sample(i):
        if i == 3:
            raise ArithmeticError("sample 3")
        return {}

    with pytest.raises(ArithmeticError, match="sample 3"):
        list(simulate_samples(sample, 100, "", workers=2))
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor") and not t.daemon]


def test_random_numbers_depend_on_the_seed_and_on_every_number():
    draws = {random_generator(*key).random() for key in [(0, 0), (0, 1), (1, 0), (0, 0, 1), (0, 1, 0)]}
    assert len(draws) == 5
    assert random_generator(3, 1).random() == random_generator(3, 1).random()
