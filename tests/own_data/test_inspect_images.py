import pytest

from users_files import facts, images, look


@pytest.mark.parametrize(
    ("sizes", "mode", "shape"),
    [
        ([(20, 30)], "RGB", (3, 20, 30)),
        ([(20, 30)], "L", (1, 20, 30)),
        ([(20, 30), (21, 30)], "RGB", (3, 128, 128)),
        ([(200, 300)], "I;16", (1, 128, 128)),
    ],
)
def test_images_keep_a_small_common_size(tmp_path, sizes, mode, shape):
    found = look(images(tmp_path, *sizes, mode=mode))
    assert facts(found) == ("classification", (2,), shape)
    assert (found.classes, found.rows) == ({"cat": 4, "dog": 4}, {"all": 8})
