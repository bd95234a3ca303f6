"""Published image proxies: small archives in their publishers' layouts, and damaged ones."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from pare.config.errors import PareError
from pare.data.proxies import VOID, find_proxy_reader
from pare.paper.proxies.images import read_caltech101, read_cifar10, read_pascal_voc, read_tiny_imagenet
from publisher_archives import write_tar_gz, write_zip
from publisher_pickles import python2_pickle

CIFAR, TINY, CALTECH = "cifar-10-python.tar.gz", "tiny-imagenet-200.zip", "caltech-101.zip"
VOC, VOC_FOLDER = "VOCtrainval_11-May-2012.tar", "VOCdevkit/VOC2012"
COLOURS = {"red": (250, 5, 5), "green": (5, 250, 5), "blue": (5, 5, 250)}


def encoded(pixels, form, mode=None, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels, mode).save(stream, form, **options)
    return stream.getvalue()


def jpeg(colour, size=(6, 8)):
    """A plain image, which JPEG keeps to within a few values."""
    return encoded(np.full((*size, 3), COLOURS[colour], np.uint8), "JPEG", quality=95)


def plain_colour(image):
    distances = {name: np.abs(image.astype(int) - colour).max() for name, colour in COLOURS.items()}
    name = min(distances, key=distances.get)
    assert distances[name] < 8
    return name


def cifar_members(rows=3, **changed):
    rng = np.random.default_rng(0)
    members = {"batches.meta": {"label_names": ["airplane", "automobile", "bird"], "num_vis": 3072}}
    for i in range(1, 6):
        data = rng.integers(0, 256, (rows, 3072), dtype=np.uint8)
        members[f"data_batch_{i}"] = {"data": data, "labels": [i % 3, 0, 2], "batch_label": f"batch {i}"} | changed
    members["test_batch"] = members["data_batch_1"]
    return members


def write_cifar10(folder, members):
    write_tar_gz(folder / CIFAR, {f"cifar-10-batches-py/{n}": python2_pickle(c) for n, c in members.items()})


def test_cifar10_images_are_the_stored_planes_of_all_five_batches_in_order(tmp_path):
    members = cifar_members()
    write_cifar10(tmp_path, members)
    proxy = read_cifar10(tmp_path)
    assert proxy.count == 15 and proxy.class_names == ["airplane", "automobile", "bird"] and proxy.mask is None
    assert proxy.labels.tolist() == [1, 0, 2, 2, 0, 2, 0, 0, 2, 1, 0, 2, 2, 0, 2]
    image, stored = proxy.image(4), members["data_batch_2"]["data"][1]
    assert image.shape == (32, 32, 3) and image.dtype == np.uint8
    for row, column, channel in [(0, 0, 0), (0, 31, 1), (5, 7, 2), (31, 30, 2)]:
        assert image[row, column, channel] == stored[1024 * channel + 32 * row + column]


def test_a_cifar10_archive_without_a_batch_or_of_another_layout_is_refused(tmp_path):
    members = cifar_members()
    del members["data_batch_4"]
    write_cifar10(tmp_path, members)
    with pytest.raises(PareError, match=r"cifar-10-python.tar.gz lacks data_batch_4; remove it"):
        read_cifar10(tmp_path)
    write_cifar10(tmp_path, cifar_members(labels=[0, 1, 3]))
    with pytest.raises(PareError, match=r"15 images in 3 classes, and labels that are no number of a class"):
        read_cifar10(tmp_path)
    write_cifar10(tmp_path, cifar_members(data=np.zeros((3, 1024), np.uint8)))
    with pytest.raises(PareError, match=r"data_batch_1: data is uint8 \(3, 1024\); expected numbers \(rows, 3072\)"):
        read_cifar10(tmp_path)


def tiny_members():
    root = "tiny-imagenet-200"
    return {
        f"{root}/words.txt": "n02\tzebra",
        f"{root}/train/n02/images/n02_0.JPEG": jpeg("red", (64, 64)),
        f"{root}/train/n02/images/n02_1.JPEG": jpeg("blue", (64, 64)),
        f"{root}/train/n02/n02_boxes.txt": "n02_0.JPEG\t0\t0\t62\t62",
        f"{root}/train/n01/images/n01_0.JPEG": encoded(np.full((64, 64), 99, np.uint8), "JPEG"),
        f"{root}/val/images/val_0.JPEG": jpeg("green"),
    }


def test_tiny_imagenet_is_the_training_images_by_wordnet_id_and_grey_ones_get_three_channels(tmp_path):
    write_zip(tmp_path / TINY, tiny_members())
    proxy = read_tiny_imagenet(tmp_path)
    assert proxy.class_names == ["n01", "n02"] and proxy.labels.tolist() == [0, 1, 1]
    grey, *coloured = [proxy.image(row) for row in range(3)]
    assert grey.shape == (64, 64, 3) and np.abs(grey.astype(int) - 99).max() <= 1
    assert [plain_colour(image) for image in coloured] == ["red", "blue"]


def test_a_damaged_image_is_named_when_it_is_read(tmp_path):
    name = "tiny-imagenet-200/train/n02/images/n02_0.JPEG"
    write_zip(tmp_path / TINY, tiny_members() | {name: b"no image"})
    proxy = read_tiny_imagenet(tmp_path)
    proxy.image(0)
    with pytest.raises(PareError, match=rf"{name} cannot be read as an image .*expected PNG, JPEG"):
        proxy.image(1)


def test_an_image_that_would_fill_the_memory_is_refused_before_it_is_unpacked(tmp_path):
    name = "tiny-imagenet-200/train/n02/images/n02_0.JPEG"
    write_zip(tmp_path / TINY, tiny_members() | {name: bytes(70 << 20)})
    with pytest.raises(PareError, match=rf"{name} claims 73400320 bytes, expected at most 67108864"):
        read_tiny_imagenet(tmp_path).image(1)


def packed(members, mode):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def test_caltech101_is_read_through_both_archives_with_its_background(tmp_path):
    root = "101_ObjectCategories"
    inner = {
        f"{root}/accordion/image_0001.jpg": jpeg("red", (5, 9)),
        f"{root}/BACKGROUND_Google/image_0002.jpg": jpeg("green", (7, 4)),
        f"{root}/BACKGROUND_Google/tmp": b"",
        f"{root}/accordion/._image_0001.jpg": b"left by a Mac",
        f"{root}/airplanes/image_0003.jpg": jpeg("blue"),
    }
    members = {"caltech-101/101_ObjectCategories.tar.gz": packed(inner, "w:gz"), "caltech-101/Annotations.tar": b""}
    write_zip(tmp_path / CALTECH, members)
    proxy = read_caltech101(tmp_path)
    assert proxy.class_names == ["BACKGROUND_Google", "accordion", "airplanes"] and proxy.labels.tolist() == [0, 1, 2]
    images = [proxy.image(row) for row in range(proxy.count)]
    assert [image.shape for image in images] == [(7, 4, 3), (5, 9, 3), (6, 8, 3)]
    assert [plain_colour(image) for image in images] == ["green", "red", "blue"]


def test_a_caltech101_archive_without_its_inner_one_or_cut_short_is_refused(tmp_path):
    write_zip(tmp_path / CALTECH, {"caltech-101/Annotations.tar": b""})
    with pytest.raises(PareError, match=r"lacks 101_ObjectCategories.tar.gz"):
        read_caltech101(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    inner = packed({"101_ObjectCategories/ant/image_0001.jpg": encoded(noise, "JPEG")}, "w:gz")
    write_zip(tmp_path / CALTECH, {"caltech-101/101_ObjectCategories.tar.gz": inner[: len(inner) // 2]})
    with pytest.raises(PareError, match=r"caltech-101.zip cannot be read as an archive .*damaged or cut short"):
        read_caltech101(tmp_path)


def voc_members():
    classes = np.zeros((8, 6), np.uint8)
    classes[2:, :3] = 255
    classes[3:, :2] = 15  # a person, with a rim that is void
    classes[0, 5] = 1
    palette = [channel for i in range(256) for channel in (i, 255 - i, 7)]
    drawn = Image.fromarray(classes)
    drawn.putpalette(palette)
    stream = io.BytesIO()
    drawn.save(stream, "PNG")
    members = {
        "ImageSets/Segmentation/trainval.txt": b"2007_000001\n2007_000002\n",
        "ImageSets/Segmentation/train.txt": b"2007_000001\n",
        "JPEGImages/2007_000001.jpg": jpeg("red", (8, 6)),
        "JPEGImages/2007_000002.jpg": jpeg("blue", (4, 6)),
        "JPEGImages/2007_000003.jpg": jpeg("green"),
        "SegmentationClass/2007_000001.png": stream.getvalue(),
        "SegmentationClass/2007_000002.png": encoded(np.zeros((4, 6), np.uint8), "PNG"),
    }
    return {f"{VOC_FOLDER}/{name}": content for name, content in members.items()}, classes


def write_tar(path, members):
    path.write_bytes(packed(members, "w"))


def test_pascal_voc_masks_are_any_object_against_background_and_rims_are_void(tmp_path):
    members, classes = voc_members()
    write_tar(tmp_path / VOC, members)
    proxy = read_pascal_voc(tmp_path)
    assert proxy.count == 2 and proxy.labels is None
    assert [plain_colour(proxy.image(row)) for row in (0, 1)] == ["red", "blue"]
    mask = proxy.mask(0)
    assert mask.shape == proxy.image(0).shape[:2] and mask.dtype == np.uint8
    for value, expected in ((0, 0), (1, 1), (15, 1), (255, VOID)):
        assert (mask[classes == value] == expected).all()
    assert (proxy.mask(1) == 0).all()


def test_a_pascal_voc_archive_without_a_listed_image_or_cut_short_is_refused(tmp_path):
    members, _ = voc_members()
    missing = f"{VOC_FOLDER}/JPEGImages/2007_000002.jpg"
    write_tar(tmp_path / VOC, {name: content for name, content in members.items() if name != missing})
    with pytest.raises(PareError, match=f"lacks {missing}"):
        read_pascal_voc(tmp_path).image(1)
    coloured = encoded(np.zeros((4, 6, 3), np.uint8), "PNG")
    write_tar(tmp_path / VOC, members | {f"{VOC_FOLDER}/SegmentationClass/2007_000002.png": coloured})
    with pytest.raises(PareError, match=r"2007_000002.png has mode RGB, expected a palette"):
        read_pascal_voc(tmp_path).mask(1)
    (tmp_path / VOC).write_bytes((tmp_path / VOC).read_bytes()[:300])
    with pytest.raises(PareError, match=r"VOC.*tar cannot be read as an archive"):
        read_pascal_voc(tmp_path)


@pytest.mark.parametrize("reader, file", [("cifar10", CIFAR), ("tiny_imagenet", TINY), ("caltech101", CALTECH)])
def test_missing_damaged_and_empty_archives_are_named(tmp_path, reader, file):
    with pytest.raises(PareError, match=f"no file {file}"):
        find_proxy_reader(reader)(tmp_path)
    (tmp_path / file).write_bytes(b"neither zip nor tar")
    with pytest.raises(PareError, match=f"{file} cannot be read as an archive"):
        find_proxy_reader(reader)(tmp_path)
    write_zip(tmp_path / TINY, {"tiny-imagenet-200/words.txt": ""})
    with pytest.raises(PareError, match="holds 0 images"):
        read_tiny_imagenet(tmp_path)
