import numpy as np
import pytest

from users_files import CLASSES, RNG, N, facts, look, npz


@pytest.mark.parametrize(
    ("x", "shape", "axis"),
    [
        ((N, 2, 40), (2, 40), "first"),
        ((N, 40, 2), (2, 40), "last"),
        ((N, 30, 40), (1, 30, 40), "none"),
        ((N, 28, 28), (1, 28, 28), "none"),
        ((N, 3, 20, 30), (3, 20, 30), "first"),
        ((N, 20, 30, 3), (3, 20, 30), "last"),
        ((N, 40), (1, 40), "none"),
        ((N, 9), (9,), "first"),
    ],
)
def test_the_short_axis_of_an_array_holds_its_channels(tmp_path, x, shape, axis):
    found = look(npz(tmp_path, x=np.zeros(x), y=CLASSES), "y")
    assert found.options["channel_axis"] == axis
    assert facts(found) == ("classification", (3,), shape)


def test_the_user_knows_better_where_the_channels_are(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 9)), y=CLASSES), "y", channel_axis="none")
    assert found.input_shape == (1, 9)


@pytest.mark.parametrize(
    ("x", "y", "kind", "shapes"),
    [
        ((N, 2, 40), (N, 40), "dense", ((2, 40), (1, 40))),
        ((N, 40, 2), (N, 40), "dense", ((2, 40), (1, 40))),
        ((N, 20, 20), (N, 20, 20), "dense", ((1, 20, 20), (1, 20, 20))),
        ((N, 20, 20), (N, 3, 20, 20), "dense", ((1, 20, 20), (3, 20, 20))),
        ((N, 40), (N, 40), "dense", ((1, 40), (1, 40))),
        ((N, 2, 40), (N, 5), "regression", ((2, 40), (5,))),
    ],
)
def test_a_target_on_the_grid_of_the_input_is_a_field(tmp_path, x, y, kind, shapes):
    found = look(npz(tmp_path, x=np.zeros(x), y=RNG.normal(size=y)), "y")
    assert (found.kind, (found.input_shape, found.output_shape)) == (kind, shapes)


def test_rows_of_0_and_1_are_labels(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=RNG.integers(0, 2, (N, 4))), "y")
    assert facts(found) == ("multilabel", (4,), (2, 40))


def test_classes_that_do_not_count_from_0_are_numbered(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES + 1), "y")
    assert found.options["recode"] is True
    assert found.classes == {"1": 20, "2": 20, "3": 20}
