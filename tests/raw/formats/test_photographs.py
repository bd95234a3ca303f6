"""Image files: good ones, ones cut short, and ones that are none."""

import io
import logging
import zlib

import numpy as np
import pytest
from PIL import Image

from pare.config.errors import PareError
from pare.raw.formats.photographs import photograph


def encoded(form, size=(40, 60)):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)).save(stream, form)
    return stream.getvalue()


def test_a_lossless_image_is_its_pixels():
    expected = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(photograph(encoded("PNG"), "a.png")), expected)


def test_of_an_image_that_is_cut_short_the_upper_part_is_kept_and_a_warning_names_it(caplog):
    content = encoded("JPEG", (160, 160))
    with caplog.at_level(logging.WARNING):
        cut = np.asarray(photograph(content[: len(content) // 2], "zip: real/dog.jpg"))
    assert "zip: real/dog.jpg is cut short" in caplog.text
    whole = np.asarray(photograph(content, "zip: real/dog.jpg"))
    np.testing.assert_array_equal(cut[:48], whole[:48])
    assert cut[-16:].std() < 1 < whole[-16:].std()


def test_what_is_no_image_is_refused_by_name():
    with pytest.raises(PareError, match=r"zip: a.jpg cannot be read as an image .*expected JPEG, PNG, GIF, BMP"):
        photograph(b"<html>", "zip: a.jpg")
    with pytest.raises(PareError, match="cannot be read as an image"):
        photograph(encoded("TIFF"), "zip: a.tif")


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded():
    size = b"IHDR" + (9000).to_bytes(4, "big") + (8000).to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    header = (13).to_bytes(4, "big") + size + zlib.crc32(size).to_bytes(4, "big")
    small = encoded("PNG")
    bomb = small[:8] + header + small[33:]
    with pytest.raises(PareError, match=r"it has 9000 × 8000 pixels"):
        photograph(bomb, "bomb.png")
