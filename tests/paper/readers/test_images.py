"""CIFAR-100, flat and spherical: the publishers' files, and what users really have."""

import gzip
import pickle

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.paper.readers import images
from pare.paper.readers.images import cifar100_python, spherical_cifar100
from publisher_archives import write_tar_gz
from publisher_files import write_cifar100, write_spherical
from publisher_pickles import check_nothing_runs, python2_pickle

CIFAR = "cifar-100-python.tar.gz"


def cifar_members(rows=4, **changed):
    part = {"data": np.zeros((rows, 3072), np.uint8), "fine_labels": [0] * rows} | changed
    meta = {"fine_label_names": ["apple", "bear"]}
    return {f"cifar-100-python/{n}": python2_pickle(c) for n, c in {"train": part, "test": part, "meta": meta}.items()}


def test_cifar_images_are_the_stored_bytes_in_planes_with_their_fine_classes(tmp_path):
    written = write_cifar100(tmp_path, rows=7)
    parts = cifar100_python(tmp_path)
    assert list(parts) == ["train", "test"]
    for name, samples in parts.items():
        assert samples.count == 7 and samples.classes == written["meta"]["fine_label_names"]
        x, y = samples.read(2, 6)
        assert x.shape == (4, 3, 32, 32) and x.dtype == np.float32 and y.dtype == np.int64
        for i in range(4):
            # The publisher's page: 1024 red, 1024 green, 1024 blue, each row by row.
            stored = written[name]["data"][2 + i]
            for channel, row, column in [(0, 0, 0), (0, 0, 31), (1, 5, 7), (2, 31, 30)]:
                assert x[i, channel, row, column] == np.float32(stored[1024 * channel + 32 * row + column]) / 255
        assert y.tolist() == written[name]["fine_labels"][2:6]


def test_a_cifar_archive_of_another_folder_or_part_is_not_taken_for_it(tmp_path):
    members = cifar_members()
    del members["cifar-100-python/test"]
    write_tar_gz(tmp_path / CIFAR, members | {"elsewhere/test": b"", "../cifar-100-python/test": b""})
    with pytest.raises(PareError, match=r"cifar-100-python.tar.gz lacks test; remove it and fetch it"):
        cifar100_python(tmp_path)


def test_a_cifar_part_that_would_fill_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    write_tar_gz(tmp_path / CIFAR, cifar_members())
    monkeypatch.setattr(images, "MEMBER_BYTES", 9)
    with pytest.raises(PareError, match=r"cifar-100-python/\w+ claims \d+ bytes, expected at most 9"):
        cifar100_python(tmp_path)


@pytest.mark.parametrize(
    "changed, message",
    [
        (
            {"data": np.zeros((4, 3071), np.uint8)},
            r"data of train is uint8 \(4, 3071\); expected numbers \(rows, 3072\)",
        ),
        ({"data": [1, 2]}, "data of train is list; expected numbers"),
        ({"fine_labels": [0, 1, 2]}, r"fine_labels of train is int64 \(3,\); expected numbers \(4\)"),
        ({"fine_labels": ["apple"] * 4}, "fine_labels of train is list; expected numbers"),
    ],
)
def test_a_cifar_part_of_another_shape_is_named(tmp_path, changed, message):
    write_tar_gz(tmp_path / CIFAR, cifar_members(**changed))
    with pytest.raises(PareError, match=message):
        cifar100_python(tmp_path)


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("train", {"data": [1], "labels": [1]}, "with data, labels; expected a dictionary with data, fine_labels"),
        ("meta", {"fine_label_names": [1, 2]}, "fine_label_names in meta is not a list of names"),
    ],
)
def test_cifar_10_and_class_names_that_are_no_text_are_refused(tmp_path, member, content, message):
    write_tar_gz(tmp_path / CIFAR, cifar_members() | {f"cifar-100-python/{member}": python2_pickle(content)})
    with pytest.raises(PareError, match=message):
        cifar100_python(tmp_path)


def test_spherical_images_are_the_stored_bytes_with_their_classes(tmp_path):
    written = write_spherical(tmp_path, rows=5)
    parts = spherical_cifar100(tmp_path)
    assert list(parts) == ["train", "test"]
    for name, samples in parts.items():
        x, y = samples.read(1, 4)
        assert samples.count == 5 and x.shape == (3, 3, 60, 60) and x.dtype == np.float32 and y.dtype == np.int64
        np.testing.assert_array_equal(np.round(x.astype(np.float64) * 255), written[name]["images"][1:4])
        assert x.min() == 0 and x.max() == 1
        np.testing.assert_array_equal(y, written[name]["labels"][1:4])


def write_gzip(folder, content):
    (folder / "s2_cifar100.gz").write_bytes(gzip.compress(pickle.dumps(content)))


def shell_in_cifar(folder, shell):
    bad = pickle.dumps({"data": shell, "fine_labels": []}, 2)
    write_tar_gz(folder / CIFAR, cifar_members() | {"cifar-100-python/train": bad})


def shell_in_spherical(folder, shell):
    write_gzip(folder, {"train": shell, "test": {}})


@pytest.mark.parametrize(
    ("reader", "write", "name"),
    [
        (cifar100_python, shell_in_cifar, "cifar-100-python/train"),
        (spherical_cifar100, shell_in_spherical, "s2_cifar100.gz"),
    ],
)
def test_a_file_that_calls_the_shell_is_refused_and_nothing_runs(tmp_path, reader, write, name):
    check_nothing_runs(reader, write, tmp_path, f"{name} asks Python for")


@pytest.mark.parametrize(
    "part, message",
    [
        ({"images": np.zeros((3, 60, 60)), "labels": np.zeros(3)}, r"train: images is float64 \(3, 60, 60\); expected"),
        ({"images": np.zeros((2, 3, 60, 60)), "labels": np.zeros(3)}, r"train: labels is float64 \(3,\); expected"),
        ({"images": np.zeros((2, 3, 60, 60)), "labels": np.array([1, 0.5])}, "other values than whole numbers"),
        ({"images": np.zeros((2, 3, 60, 60)), "labels": np.array([1, np.nan])}, "other values than whole numbers"),
        ({"images": np.zeros((2, 3, 60, 60))}, "train holds a dictionary with images; expected"),
    ],
)
def test_a_spherical_part_of_another_shape_is_named(tmp_path, part, message):
    write_gzip(tmp_path, {"train": part, "test": part})
    with pytest.raises(PareError, match=message):
        spherical_cifar100(tmp_path)


def test_a_pixel_that_is_not_finite_is_named_with_its_row(tmp_path):
    images = np.zeros((3, 3, 60, 60), np.float32)
    images[2, 0, 1, 1] = np.nan
    part = {"images": images, "labels": np.zeros(3)}
    write_gzip(tmp_path, {"train": part, "test": part})
    samples = spherical_cifar100(tmp_path)["train"]
    samples.read(0, 2)
    with pytest.raises(PareError, match=r"s2_cifar100.gz: images is not finite in row 3"):
        samples.read(1, 3)
