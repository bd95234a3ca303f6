"""The gallery has all simulated tasks, as the configuration describes them, and their pictures."""

import re
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).parents[2]


def test_the_page_is_the_one_that_the_configuration_makes(page, library, script):
    gallery = script("gallery")
    tasks = gallery.simulated(library)
    assert len(tasks) == 9
    assert page("docs/gallery.md") == gallery.page(tasks), "run: python benchmarks/gallery.py"


def test_every_picture_is_there_and_shows_something(page):
    names = re.findall(r"\]\((gallery/\w+\.png)\)", page("docs/gallery.md"))
    assert len(names) == 9
    for name in names:
        with Image.open(PROJECT / "docs" / name) as picture:
            assert len(picture.convert("RGB").getcolors(picture.width * picture.height)) > 50
