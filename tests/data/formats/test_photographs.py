"""Image files: good ones, ones cut short, and ones that are none."""

import io
import logging
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from pare.config.errors import PareError
from pare.data.formats import photographs
from pare.data.formats.photographs import opened_image, photograph


def encoded(form, size=(40, 60)):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)).save(stream, form)
    return stream.getvalue()


def test_a_lossless_image_is_its_pixels():
    expected = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(photograph(encoded("PNG"), "a.png")), expected)


def test_a_photograph_with_a_preview_is_the_photograph(tmp_path):
    large, small = Image.new("RGB", (60, 40), "red"), Image.new("RGB", (30, 20), "blue")
    large.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[small])
    assert photograph((tmp_path / "a.jpg").read_bytes(), "a.jpg").size == (60, 40)


def test_of_an_image_that_is_cut_short_the_upper_part_is_kept_and_a_warning_names_it(caplog):
    content = encoded("JPEG", (160, 160))
    with caplog.at_level(logging.WARNING):
        cut = np.asarray(photograph(content[: len(content) // 2], "zip: real/dog.jpg"))
    assert "zip: real/dog.jpg is cut short" in caplog.text
    whole = np.asarray(photograph(content, "zip: real/dog.jpg"))
    np.testing.assert_array_equal(cut[:48], whole[:48])
    assert cut[-16:].std() < 1 < whole[-16:].std()


def test_what_is_no_image_is_refused_by_name():
    with pytest.raises(PareError, match=r"zip: a.jpg cannot be read as an image .*expected PNG, JPEG, BMP"):
        photograph(b"<html>", "zip: a.jpg")
    with pytest.raises(PareError, match="cannot be read as an image"):
        photograph(encoded("PPM"), "zip: a.ppm")


FORBIDDEN = {
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n",
    "PDF": b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\n",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>',
}


@pytest.mark.parametrize("form", FORBIDDEN)
def test_a_program_that_is_named_as_an_image_is_refused_in_one_sentence(tmp_path, form):
    path = tmp_path / "0.png"
    path.write_bytes(FORBIDDEN[form])
    message = r"^.*0\.png is not a PNG, JPEG, BMP, GIF, TIFF or WebP image; .*away$"
    with pytest.raises(PareError, match=message), opened_image(path) as image:
        image.load()
    with pytest.raises(PareError, match=r"zip: 0\.png cannot be read as an image .*TIFF or WebP"):
        photograph(FORBIDDEN[form], "zip: 0.png")


def test_postscript_never_reaches_ghostscript(tmp_path, monkeypatch):
    ghostscript, started, path = tmp_path / "gs", tmp_path / "started", tmp_path / "0.png"
    ghostscript.write_text(f"#!/bin/sh\ntouch {started}\nexit 1\n")
    ghostscript.chmod(0o755)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", str(ghostscript))
    path.write_bytes(FORBIDDEN["PostScript"])
    with pytest.raises(PareError), opened_image(path) as image:
        image.load()
    assert not started.exists()
    with pytest.raises(subprocess.CalledProcessError), Image.open(path) as image:  # what Pillow does by itself
        image.load()
    assert started.exists()


def test_pillow_starts_no_other_program(tmp_path, monkeypatch):
    """Every format that is allowed is decoded within this process, also where the file is damaged."""
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *_, **__: pytest.fail("a program was started"))
    monkeypatch.setattr("os.system", lambda *_: pytest.fail("a program was started"))
    for form in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"):
        content = encoded(form)
        (tmp_path / "whole").write_bytes(content)
        with opened_image(tmp_path / "whole") as image:
            assert (image.format, np.asarray(image).shape[:2]) == (form, (40, 60))
        (tmp_path / "cut").write_bytes(content[: len(content) // 2])
        with pytest.raises(PareError, match=r"cut (cannot be read|is not a)"), opened_image(tmp_path / "cut") as image:
            image.load()


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded():
    size = b"IHDR" + (9000).to_bytes(4, "big") + (8000).to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    header = (13).to_bytes(4, "big") + size + zlib.crc32(size).to_bytes(4, "big")
    small = encoded("PNG")
    bomb = small[:8] + header + small[33:]
    with pytest.raises(PareError, match=r"it has 9000 × 8000 pixels"):
        photograph(bomb, "bomb.png")


def test_more_pixels_than_are_read_are_refused_before_any_is_decoded(tmp_path, monkeypatch):
    content = encoded("PNG")
    (tmp_path / "a.png").write_bytes(content)
    monkeypatch.setattr(photographs, "PIXELS", 2399)
    monkeypatch.setattr(Image.Image, "load", None)
    for read in (lambda: opened_image(tmp_path / "a.png").__enter__(), lambda: photograph(content, "a.png")):
        with pytest.raises(PareError, match=r"a\.png cannot be read .*it has 60 × 40 pixels, at most 2399 are read"):
            read()


def test_a_tiff_whose_second_page_has_no_width_is_damaged(tmp_path):
    path = tmp_path / "a.tiff"
    Image.new("RGB", (5, 3)).save(path, save_all=True, append_images=[Image.new("RGB", (5, 3))])
    content = path.read_bytes()
    tag = next(tag for kind in (3, 4) if (tag := struct.pack("<HHI", 256, kind, 1)) in content)
    first, _, second = content.rpartition(tag)
    path.write_bytes(first + struct.pack("<H", 255) + tag[2:] + second)
    with pytest.raises(PareError, match="cannot be read as an image"), opened_image(path):
        pass


@pytest.mark.parametrize("error", [IndexError("index out of range"), MemoryError()])
def test_whatever_a_decoder_says_of_damage_is_one_message(tmp_path, monkeypatch, error):
    path = tmp_path / "a.gif"
    path.write_bytes(encoded("GIF"))

    def damaged(*_):
        raise error

    monkeypatch.setattr(GifImageFile, "n_frames" if isinstance(error, IndexError) else "load", property(damaged))
    with pytest.raises(PareError, match="cannot be read as an image"), opened_image(path) as image:
        _ = image.load
