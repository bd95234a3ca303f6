"""That arrays which are wrong are told of, and others are not."""

import numpy as np
import pytest

from pare.config.errors import PareError
from users_files import CLASSES, NUMBERS, SERIES, N, look, npz

RNG = np.random.default_rng(0)
WALK = np.cumsum(RNG.normal(size=(300, 3, 1)), axis=0) + np.zeros((300, 3, 40))


def remarks(path, question=None, **arrays):
    return list(look(npz(path, **arrays), "y", **(question or {})).remarks)


@pytest.mark.parametrize("y", [WALK[:, 0, 0] > 0, WALK[:, 0, 0], WALK[:, :1, :]])
def test_rows_that_are_like_the_row_before_are_noticed(tmp_path, y):
    (said,) = remarks(tmp_path, x=WALK, y=y)
    assert said.startswith("rows next to each other are alike: a random split")
    mixed = RNG.permutation(300)
    assert remarks(tmp_path, x=WALK[mixed], y=y[mixed]) == []
    assert remarks(tmp_path, {"ordered": True}, x=WALK, y=y) == []
    assert remarks(tmp_path, {"groups": "person"}, x=WALK, y=y, person=np.arange(300) // 10) == []
    assert remarks(tmp_path, {"input": "x"}, x_train=WALK, y_train=y, x_test=WALK[:9], y_test=y[:9]) == []


def test_channels_and_features_that_never_change_are_named(tmp_path):
    channels = np.insert(SERIES, 1, 255, axis=1)
    assert remarks(tmp_path, x=channels, y=CLASSES) == [
        "the same in every row: channel 2 of the input; leave such out of the file"
    ]
    features = np.insert(RNG.normal(size=(N, 3)), [0, 2], [np.nan, 7], axis=1)
    assert remarks(tmp_path, x=features, y=NUMBERS) == [
        "the same in every row: feature 1, 4 of the input; leave such out of the file"
    ]


def test_an_input_that_never_changes_is_said(tmp_path):
    assert remarks(tmp_path, x=np.ones((N, 1, 16, 16)), y=CLASSES) == [
        "the input is the same in every row: nothing can be learnt from it"
    ]


def test_an_answer_that_never_changes_is_refused_as_it_is_of_tables(tmp_path):
    for y in (np.full(N, 3.5), np.stack([NUMBERS, np.full(N, 3.5)], axis=1)):
        with pytest.raises(PareError, match=r"^y is 3\.5 in every row; there is nothing to learn"):
            remarks(tmp_path, x=SERIES, y=y)


def test_digits_that_32_bits_do_not_have_are_told(tmp_path):
    clock = 1e6 + np.linspace(0, 1, N)  # of which 32 bits know 17 values
    assert len(np.unique(clock.astype(np.float32))) == 17
    told = "different numbers, of which 32 bits tell 17 apart"
    channels = np.concatenate(
        [SERIES[:, :1].astype(np.float64), np.repeat(clock[:, None, None], SERIES.shape[2], 2)], 1
    )
    for name, arrays in {
        "x 2": {"x": np.stack([NUMBERS, clock], axis=1), "y": NUMBERS},
        "x 2 ": {"x": channels, "y": NUMBERS},
        "y": {"x": SERIES, "y": clock},
    }.items():
        (said,) = [remark for remark in remarks(tmp_path, **arrays) if "32 bits" in remark]
        assert said.startswith(f"{name.strip()} has {N} {told}")
    assert not any("32 bits" in said for said in remarks(tmp_path, x=SERIES, y=np.float32(clock)))
