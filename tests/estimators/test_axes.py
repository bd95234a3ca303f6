"""Where the channels of an array are."""

import numpy as np
import pytest

from pare.estimators.axes import as_given, channel_axis
from pare.raw.readers.array_rows import channels_first


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((30, 16, 16, 3), "last"),
        ((30, 3, 16, 16), "first"),
        ((30, 28, 28, 1), "last"),
        ((30, 100, 2), "last"),
        ((30, 2, 100), "first"),
        ((30, 10, 12), "first"),
        ((30, 100), None),
    ],
)
def test_the_short_axis_is_that_of_the_channels(shape, axis):
    assert channel_axis(shape, "auto") == axis


@pytest.mark.parametrize("shape", [(30, 16, 16), (30, 64, 100), (30, 12, 10), (30, 12, 10, 10)])
def test_where_none_is_clearly_short_the_user_has_to_say(shape):
    with pytest.raises(ValueError, match=f"say channels='first' for {shape[1]} channels of {shape[2]}"):
        channel_axis(shape, "auto")
    assert [channel_axis(shape, said) for said in ("first", "last", "none")] == ["first", "last", "none"]


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="channels is 'channels_last'; expected one of auto, first, last, none"):
        channel_axis((3, 4, 5), "channels_last")


@pytest.mark.parametrize(("axis", "shape"), [("first", (2, 3, 4, 5)), ("last", (2, 4, 5, 3)), ("none", (2, 4, 5))])
def test_axes_come_back_as_they_were_given(axis, shape):
    fields = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(as_given(channels_first(fields, axis), axis), fields)
