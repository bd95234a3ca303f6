"""When rows say enough to leave what is kept without them."""

import numpy as np

from pare.start.evidence import clearly_smaller


def test_a_fall_of_the_loss_counts_where_it_exceeds_twice_its_standard_error():
    rng = np.random.default_rng(0)
    losses, noise = rng.normal(1, 0.1, 100), rng.normal(0, 0.05, 100)
    error = (losses - (losses - 0.1 + noise)).std(ddof=1) / 10
    assert clearly_smaller(list(losses - 2.1 * error + noise - noise.mean()), list(losses))
    assert not clearly_smaller(list(losses - 1.9 * error + noise - noise.mean()), list(losses))
    assert not clearly_smaller([0.1], [5.0])


def test_rows_of_a_group_say_as_much_as_one():
    rng = np.random.default_rng(0)
    before, noise = rng.normal(1, 0.1, 40), rng.normal(0, 1, 40)
    groups = rng.permutation(np.repeat(np.arange(40), 5))
    for fall, clear in ((0.25, False), (0.4, True)):  # the standard error of the fall of 40 rows is about 0.15
        after = before - noise + noise.mean() - fall
        assert clearly_smaller(after, before) == clear
        assert clearly_smaller(after[groups], before[groups], groups + 7) == clear
        assert clearly_smaller(after[groups], before[groups])  # as if each said something of its own
