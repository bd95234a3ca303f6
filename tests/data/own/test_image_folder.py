"""Images in folders of classes, compared with the pixels that were saved."""

import gc
import warnings
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

import users_files
from pare.config.errors import PareError
from pare.data.own.task_file import task_yaml
from pare.data.preparation.equal_rows import EqualRows
from users_files import facts, images, look, read_found

RNG = np.random.default_rng(0)


def read(folder, **options):
    """The reader as configuration calls it."""
    return users_files.read("image_folder", folder, **options)


@pytest.fixture
def save(tmp_path):
    """Save pixels below photos; what was saved."""

    def save(name, shape=(6, 5, 3), pixels=None, **options):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(0, 256, shape, dtype=np.uint8) if pixels is None else pixels
        Image.fromarray(pixels).save(path, **options)
        return pixels

    return save


def test_images_carry_the_class_of_their_folder(save, tmp_path):
    saved = {name: save(name) for name in ("dog/1.png", "cat/b.png", "cat/a.bmp", "cat/c.PNG")}
    (tmp_path / "photos" / "cat" / ".DS_Store").touch()
    samples = read(tmp_path)["all"]
    x, y = samples.read(0, 4)
    assert (samples.classes, samples.columns) == (["cat", "dog"], ["red", "green", "blue"])
    np.testing.assert_array_equal(y, [0, 1, 0, 0])  # the first of each class, then the second, …
    for row, name in enumerate(("cat/a.bmp", "dog/1.png", "cat/b.png", "cat/c.PNG")):
        np.testing.assert_allclose(x[row], saved[name].transpose(2, 0, 1) / 255, rtol=1e-6)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(samples.read(2, 3)[0], x[2:3])


def test_train_and_test_may_be_separate_folders(save, tmp_path):
    for part, count in (("train", 3), ("test", 1)):
        for name in ("a", "b"):
            for i in range(count):
                save(f"{part}/{name}/{i}.png")
    assert {part: samples.count for part, samples in read(tmp_path).items()} == {"train": 6, "test": 2}


def test_a_class_may_lack_test_images(save, tmp_path):
    for name in ("train/a/1.png", "train/b/1.png", "test/b/1.png"):
        save(name)
    np.testing.assert_array_equal(read(tmp_path)["test"].read(0, 1)[1], [1])


def test_what_is_transparent_is_white(save, tmp_path):
    pixels = np.zeros((6, 5, 4), np.uint8)  # black, but seen in the second row only
    pixels[1, :, 3] = 255
    save("cat/1.png", pixels=pixels)
    photograph = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    save("dog/1.png", pixels=np.dstack([photograph, np.full((6, 5), 255, np.uint8)]))
    for colour in (True, False):
        drawing = read(tmp_path, colour=colour)["all"].read(0, 1)[0][0]
        assert (drawing[:, 1] == 0).all() and (drawing[:, [0, 2, 3, 4, 5]] == 1).all()
    opaque = read(tmp_path)["all"].read(1, 2)[0][0]
    np.testing.assert_allclose(opaque, photograph.transpose(2, 0, 1) / 255, rtol=1e-6)


def test_a_file_of_several_images_is_refused(save, tmp_path):
    pages = [Image.fromarray(RNG.integers(0, 256, (6, 5), dtype=np.uint8)) for _ in range(3)]
    save("cat/1.png")
    save("dog/1.tif", pixels=np.asarray(pages[0]), save_all=True, append_images=pages[1:])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(PareError, match=r"1\.tif cannot be read as an image \(it holds 3 pages or frames"):
            read(tmp_path)["all"].read(0, 2)
        gc.collect()
    assert not told  # the file is closed


def test_grey_images_have_one_channel_or_three_equal_ones(save, tmp_path):
    saved = save("a/1.png", (6, 5))
    save("b/1.png", (6, 5))
    grey, _ = read(tmp_path, colour=False)["all"].read(0, 1)
    colour, _ = read(tmp_path)["all"].read(0, 1)
    np.testing.assert_allclose(grey[0, 0], saved / 255, rtol=1e-6)
    np.testing.assert_array_equal(colour, np.repeat(grey, 3, axis=1))


def test_sixteen_bits_are_kept(save, tmp_path):
    saved = save("a/1.png", pixels=RNG.integers(0, 65_536, (6, 5), dtype=np.uint16))
    save("b/1.png", (6, 5))
    x, _ = read(tmp_path, colour=False)["all"].read(0, 2)
    np.testing.assert_allclose(x[0, 0], saved / 65_535, rtol=1e-6)


@pytest.mark.parametrize("size", [(3, 10), 4])
def test_images_are_resized_where_a_size_is_given(save, tmp_path, size):
    save("a/1.png", pixels=np.full((6, 5, 3), 51, np.uint8))
    save("b/1.png", (20, 30, 3))
    x, _ = read(tmp_path, size=size)["all"].read(0, 2)
    assert x.shape == (2, 3, *(size if isinstance(size, tuple) else (size, size)))
    np.testing.assert_allclose(x[0], 0.2, rtol=1e-6)


def test_a_photograph_is_upright(save, tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turned by 90 degrees when it was taken
    saved = save("a/1.png", (6, 5, 3), exif=exif)
    save("b/1.png", (5, 6, 3))
    x, _ = read(tmp_path)["all"].read(0, 1)
    np.testing.assert_allclose(x[0], np.rot90(saved, -1).transpose(2, 0, 1) / 255, rtol=1e-6)


def test_the_size_of_a_first_look_is_that_of_upright_photographs(save, tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    saved = save("a/1.png", (6, 5, 3), exif=exif)
    save("b/1.png", (5, 6, 3))
    found = look([tmp_path / "photos"])
    assert facts(found) == ("classification", (2,), (3, 5, 6))
    x, _ = read_found(found, tmp_path)["all"].read(0, 1)
    np.testing.assert_allclose(x[0], np.rot90(saved, -1).transpose(2, 0, 1) / 255, rtol=1e-6)


def test_a_grey_of_sixteen_bits_that_is_transparent_is_white(save, tmp_path):
    saved = save("a/1.png", pixels=np.arange(300, 9300, 300, dtype=np.uint16).reshape(6, 5))
    save("b/1.png", (6, 5))
    path = tmp_path / "photos" / "a" / "1.png"
    content = b"tRNS" + (600).to_bytes(2, "big")
    chunk = (2).to_bytes(4, "big") + content + crc32(content).to_bytes(4, "big")
    png = path.read_bytes()
    path.write_bytes(png[:33] + chunk + png[33:])  # below the signature and the first chunk
    x, _ = read(tmp_path, colour=False)["all"].read(0, 1)
    np.testing.assert_allclose(x[0, 0], np.where(saved == 600, 1, saved / 65_535), rtol=1e-6)


def test_images_of_another_size_are_named_across_blocks_and_parts(save, tmp_path):
    for name in ("train/a/1.png", "train/b/1.png", "test/b/1.png"):
        save(name)
    save("test/a/1.png", (7, 5, 3))
    samples = read(tmp_path)
    samples["train"].read(0, 2)
    with pytest.raises(PareError, match=r"test/a/1\.png has 7 × 5 pixels .*1\.png has 6 × 5; .*size: \[6, 5\]"):
        samples["test"].read(0, 2)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:60])


def no_image(path):
    path.write_text("not an image")


def real_numbers(path):
    Image.fromarray(np.zeros((6, 5), np.float32)).save(path, format="TIFF")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_short, r"cannot be read as an image \("),
        (no_image, "is not a PNG, JPEG, BMP, GIF, TIFF or WebP image"),
        (real_numbers, r"cannot be read as an image \(its pixels are real numbers"),
    ],
)
def test_an_image_that_cannot_be_read_is_named(save, tmp_path, harm, message):
    save("a/1.png")
    save("b/1.png")
    harm(tmp_path / "photos" / "b" / "1.png")
    with pytest.raises(PareError, match=rf"b/1\.png {message}"):
        read(tmp_path)["all"].read(0, 2)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a/1.png", "b/1.png"], {"size": 0}, "size"),
        (["a/1.png", "b/1.png"], {"root": ".."}, "no plain file name"),
        (["a/1.png", "b/1.png", "b/notes.txt"], {}, r"b/notes\.txt is no image"),
    ],
)
def test_what_is_wrong_with_the_folders_is_told_exactly(save, tmp_path, names, options, message):
    for name in names:
        if name.endswith(".txt"):
            (tmp_path / "photos" / name).touch()
        else:
            save(name)
    with pytest.raises(PareError, match=message):
        read(tmp_path, **options)


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


def test_copies_of_images_are_counted_and_stay_in_one_part(save, tmp_path):
    names = [f"{kind}/{i}.bmp" for kind in ("cat", "dog") for i in range(10)]
    pixels = [RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8) for _ in range(8)]
    for i, name in enumerate(names):
        save(name, pixels=pixels[i % 8])  # all files are of one size
    found = look([tmp_path / "photos"])
    x, y = read(tmp_path)["all"].read(0, 20)
    expected = EqualRows.among([("all", x, y)])
    assert found.repeats.repeats == 12
    assert found.equal.numbers["all"].tolist() == expected.numbers["all"].tolist()
    assert found.equal.classes["all"].tolist() == y.tolist()


def test_a_class_without_a_test_image_is_named(save, tmp_path):
    for name in ("train/cat/1", "train/cat/2", "train/dog/1", "train/dog/2", "test/cat/1"):
        save(f"{name}.png")
    text = task_yaml("photos", ["photos"], look([tmp_path / "photos"]))
    assert "; no test row is of dog: bring more rows" in text
