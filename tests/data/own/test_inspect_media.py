import numpy as np
import pytest
import soundfile

from pare.config.errors import PareError
from users_files import RNG, facts, images, look


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


def sounds(folder, *seconds, rate=16_000, channels=1):
    for name in ("bark", "meow"):
        (folder / "sounds" / name).mkdir(parents=True)
        for i, length in enumerate(seconds):
            noise = RNG.normal(size=(round(length * rate), channels)) / 10
            soundfile.write(folder / "sounds" / name / f"{i}.wav", noise, rate)
    return [folder / "sounds"]


def test_most_sounds_are_used_whole_and_what_is_done_is_said(tmp_path):
    found = look(sounds(tmp_path, *np.full(9, 0.5), 0.2, 4.0))
    assert facts(found) == ("classification", (2,), (1, 128, 51))
    assert (found.options, found.classes) == ({"seconds": 0.5, "rate": 16_000}, {"bark": 11, "meow": 11})
    assert "theirs are 0.2 to 4; the first 0.5 s of 2 longer sounds are used" in found.notes["seconds"]
    assert "followed by silence" in found.notes["seconds"]


def test_higher_rates_are_lowered_and_channels_averaged(tmp_path):
    found = look(sounds(tmp_path, 0.3, rate=48_000, channels=2))
    assert found.options["rate"] == 22_050
    assert "theirs have 48000; the mean of their channels" in found.notes["rate"]


def test_long_sounds_are_cut(tmp_path):
    assert look(sounds(tmp_path, 30, rate=8000)).options["seconds"] == 10


def test_a_damaged_sound_is_named(tmp_path):
    paths = sounds(tmp_path, 0.1, 0.1)
    (paths[0] / "meow" / "1.wav").write_text("no sound")
    with pytest.raises(PareError, match=r"^sounds/meow/1\.wav cannot be read as sound"):
        look(paths)
    with pytest.raises(PareError, match="names of their folders"):
        look(paths, "kind")
