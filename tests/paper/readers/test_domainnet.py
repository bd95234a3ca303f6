"""miniDomainNet: the publishers' archive and lists, and what users really have."""

import zipfile

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.registries import bind_options
from pare.paper.readers.domainnet import minidomainnet
from publisher_files import write_minidomainnet

ROWS = {"train": 12, "test": 6}


@pytest.fixture
def clipart(tmp_path):
    return write_minidomainnet(tmp_path, "clipart", ROWS, np.random.default_rng(0))


def colours_and_labels(samples, start=0, stop=None):
    x, y = samples.read(start, samples.count if stop is None else stop)
    return x, list(zip([tuple(np.rint(255 * image[:, 0, 0]).astype(int).tolist()) for image in x], y, strict=True))


def test_every_picture_becomes_a_square_of_its_colour_with_the_label_of_the_list(clipart, tmp_path):
    parts = minidomainnet(tmp_path, "clipart", size=16)
    assert list(parts) == ["train", "test"]
    for part, samples in parts.items():
        x, found = colours_and_labels(samples)
        assert samples.count == ROWS[part] and samples.classes == ["airplane", "bird", "zebra"]
        assert x.shape == (ROWS[part], 3, 16, 16) and x.dtype == np.float32 and found[0][1].dtype == np.int64
        assert (x == x[:, :, :1, :1]).all()  # plain pictures stay plain
        assert sorted(found) == sorted((tuple(colour), label) for _, label, colour in clipart[part])


def test_rows_are_shuffled_the_same_way_each_time_so_that_the_first_ones_are_of_several_classes(clipart, tmp_path):
    first, second = (colours_and_labels(minidomainnet(tmp_path, "clipart", 16)["train"]) for _ in range(2))
    assert first[1] == second[1]
    assert len({label for _, label in first[1][:6]}) > 1
    assert colours_and_labels(minidomainnet(tmp_path, "clipart", 16)["train"], 2, 5)[1] == first[1][2:5]


def test_labels_of_the_whole_domainnet_are_numbered_anew_in_their_order(clipart, tmp_path):
    for part in ROWS:
        path = tmp_path / f"clipart_{part}_mini.txt"
        lines = [line.rsplit(" ", 1) for line in path.read_text().splitlines()]
        path.write_text("".join(f"{name} {[3, 30, 344][int(label)]}\n" for name, label in lines))
    samples = minidomainnet(tmp_path, "clipart", 16)["train"]
    assert samples.classes == ["airplane", "bird", "zebra"]
    assert sorted(y for _, y in colours_and_labels(samples)[1]) == sorted(label for _, label, _ in clipart["train"])


@pytest.mark.parametrize(
    "line, message",
    [
        ("clipart/bird/a.png", r"line 7 is 'clipart/bird/a.png'; expected a path and a label"),
        ("clipart/bird/a.png one", r"line 7 is .*; expected a path and a label"),
        ("real/bird/a.png 1", r"line 7 names real/bird/a.png, which .*clipart.zip does not hold"),
        ("../../etc/passwd 1", r"line 7 names ../../etc/passwd, which .*clipart.zip does not hold"),
    ],
)
def test_lists_of_another_layout_or_domain_are_refused_by_line(clipart, tmp_path, line, message):
    with (tmp_path / "clipart_test_mini.txt").open("a") as stream:
        stream.write(line)
    with pytest.raises(PareError, match=message):
        minidomainnet(tmp_path, "clipart")


def test_missing_and_damaged_files_are_named(clipart, tmp_path):
    (tmp_path / "clipart_train_mini.txt").write_text("")
    with pytest.raises(PareError, match=r"clipart_train_mini.txt is empty"):
        minidomainnet(tmp_path, "clipart")
    (tmp_path / "clipart_train_mini.txt").unlink()
    with pytest.raises(PareError, match=r"no file clipart_train_mini.txt"):
        minidomainnet(tmp_path, "clipart")
    (tmp_path / "clipart.zip").write_bytes(b"PK")
    with pytest.raises(PareError, match=r"clipart.zip cannot be read as an archive"):
        minidomainnet(tmp_path, "clipart")
    with pytest.raises(PareError, match=r"no file sketch.zip"):
        minidomainnet(tmp_path, "sketch")


def test_a_damaged_picture_is_named_when_it_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "real.zip", "w") as archive:
        archive.writestr("real/bird/a.jpg", b"no picture")
    for part in ROWS:
        (tmp_path / f"real_{part}_mini.txt").write_text("real/bird/a.jpg 0\n")
    samples = minidomainnet(tmp_path, "real")["train"]
    with pytest.raises(PareError, match=r"real.zip: real/bird/a.jpg cannot be read as an image"):
        samples.read(0, 1)


def test_an_unknown_domain_is_refused(tmp_path):
    with pytest.raises(PareError, match=r"domain: .*'clipart', 'painting', 'real' or 'sketch'"):
        bind_options("reader", "minidomainnet", minidomainnet, {"domain": "quickdraw"})
