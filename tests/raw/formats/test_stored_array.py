"""An array in a file, seen by rows."""

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.raw.formats import stored_array
from pare.raw.formats.stored_array import StoredArray, at_frame

STATES = np.random.default_rng(0).normal(size=(7, 4, 5, 3))


def held(values):
    return StoredArray("f.npz: u", values.shape, values.dtype, lambda start, stop: values[start:stop])


@pytest.mark.parametrize("block", [1, 2 * STATES[0].nbytes, 1 << 20])
def test_a_frame_is_taken_of_every_state_in_blocks_of_rows(monkeypatch, block):
    monkeypatch.setattr(stored_array, "BLOCK_BYTES", block)
    frame = at_frame(held(STATES), 2)
    assert frame.shape == (7, 5, 3)
    np.testing.assert_array_equal(frame.all(), STATES[:, 2])
    np.testing.assert_array_equal(frame.read(1, 6), STATES[1:6, 2])
    np.testing.assert_array_equal(frame.read(5, 99), STATES[5:, 2])


def test_an_array_without_frames_is_itself():
    array = held(STATES)
    assert at_frame(array, None) is array


@pytest.mark.parametrize(("values", "frame"), [(STATES, 4), (STATES[:, 0, 0], 0)])
def test_a_frame_that_is_not_there_is_refused(values, frame):
    with pytest.raises(PareError, match=rf"u has shape .*; expected \(rows, frames, …grid\) with frame {frame}"):
        at_frame(held(values), frame)
