import pytest

from pare.config.errors import PareError
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


def test_a_program_that_is_named_as_an_image_is_refused(tmp_path):
    paths = images(tmp_path, (20, 30))
    (tmp_path / "photos" / "cat" / "0.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    )
    with pytest.raises(PareError, match=r"0\.png is not a PNG, JPEG, BMP, GIF, TIFF or WebP image"):
        look(paths)
