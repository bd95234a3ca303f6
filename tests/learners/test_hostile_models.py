"""A stranger's model does no harm: it is refused with one message, before its numbers ask for memory or time."""

import json
import os
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from forged_model import forge
from pare.config import PareError
from pare.data.formats import memory
from pare.learners.model import Model
from pare.prediction.predict import load
from pare.storage.checksums import sealed_json

KINDS = ("network", "library", "ensemble")
NET = "members/net"


@pytest.fixture
def folder(made, tmp_path):
    """The folder of a model of each kind."""

    def folder(kind):
        made(kind).save(tmp_path / kind)
        return tmp_path / kind

    return folder


def refused(folder, words=""):
    with pytest.raises(PareError, match=r"holds no whole trained model.*delete it and train again") as caught:
        Model.load(folder, own=False)
    assert words in str(caught.value)
    assert "allocate" not in str(caught.value)  # as torch says where it was asked for more than there is


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_of_any_file_is_seen(folder, kind):
    folder = folder(kind)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "README.md"]
    assert len(files) > 4
    for path in files:
        content = path.read_bytes()
        # A bit of whatever is no blank of JSON, of which there is one at least among three neighbours.
        place = next(i for i in range(len(content) // 2, len(content)) if content[i : i + 1].strip())
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        refused(folder)
        path.write_bytes(content)
    Model.load(folder)


def test_a_link_out_of_the_folder_and_a_device_are_not_opened(folder, tmp_path):
    other, network = folder("ensemble"), folder("network")
    (other / NET / "record.json").rename(tmp_path / "elsewhere.json")
    (other / NET / "record.json").symlink_to(tmp_path / "elsewhere.json")
    refused(other, "no file of this folder but a link out of it, or a device")
    for target in ("/dev/zero", tmp_path / "nowhere"):
        (network / "preparation.json").unlink()
        (network / "preparation.json").symlink_to(target)
        refused(network, "preparation.json is no file of this folder")
    (network / "preparation.json").unlink()
    os.mkfifo(network / "preparation.json")
    refused(network, "preparation.json is no file of this folder")


def test_links_of_the_hub_s_cache_are_followed_into_it(folder, tmp_path):
    model, cache = folder("network"), tmp_path / "models--me--wine"
    snapshot = cache / "snapshots" / "0"
    (cache / "blobs").mkdir(parents=True)
    for number, path in enumerate([path for path in sorted(model.rglob("*")) if path.is_file()]):
        link = snapshot / path.relative_to(model)
        link.parent.mkdir(parents=True, exist_ok=True)
        path.rename(cache / "blobs" / str(number))
        link.symlink_to(cache / "blobs" / str(number))
    Model.load(snapshot, own=False)


def test_members_in_a_folder_elsewhere_are_not_followed(folder, tmp_path):
    model, other = folder("ensemble"), folder("network")
    (model / NET).rename(tmp_path / "moved")
    (model / NET).symlink_to(other)
    refused(model, "members/net is no file of this folder")


@pytest.mark.parametrize("name", ["/dev/zero", "../network/record.json", "encoder/../record.json", "nowhere"])
def test_a_path_of_a_record_is_a_file_of_the_folder(folder, name):
    folder = folder("network")
    record = json.loads((folder / "record.json").read_text())
    record = {key: value for key, value in record.items() if key != "checksum"} | {"files": {name: "0"}}
    (folder / "record.json").write_text(sealed_json(record))
    refused(folder, f"{name} is missing")


ENCODER = {
    "a width": {"hidden_size": 400_000},
    "a vocabulary": {"vocab_size": 500_000_000},
    "layers": {"num_hidden_layers": 200_000},
    "positions": {"max_position_embeddings": 1 << 19},
    "no heads": {"num_attention_heads": 0},
    "text for a number": {"hidden_size": "wide"},
}


@pytest.mark.parametrize("change", ENCODER.values(), ids=ENCODER)
def test_an_encoder_of_another_size_is_refused_before_it_takes_memory_or_time(folder, change):
    refused(forge(folder("network"), "encoder/config.json", lambda config: config | change))


def test_labels_of_a_configuration_are_no_matter_of_the_encoder(folder):
    Model.load(forge(folder("network"), "encoder/config.json", lambda config: config | {"num_labels": 10**9}))


def in_run(*keys, value):
    """A change of a value in a record."""

    def change(record):
        place = record
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        return record

    return change


RECORDS = {
    "no run": lambda record: {key: value for key, value in record.items() if key != "run"},
    "a list": lambda record: record | {"run": []},
    "categories": in_run("categories", value=[10**9] * 6),
    "more columns": in_run("run", "task", "input", "shape", value=[7]),
    "more classes": in_run("run", "task", "output", "shape", value=[10**9]),
    "another output": in_run("run", "task", "output", value={"kind": "regression", "shape": [2]}),
}


@pytest.mark.parametrize("kind", ["network", "library"])
@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS)
def test_a_record_of_another_shape_is_refused(folder, kind, change):
    refused(forge(folder(kind), change=change))


@pytest.mark.parametrize("classes", [10**9, "many", -1])
def test_a_head_for_the_proxy_that_is_another_than_the_weights_is_refused(folder, classes):
    refused(forge(folder("network"), change=in_run("source_classes", value=classes)))


def test_what_cannot_fit_into_memory_is_said_with_both_sizes(folder):
    with pytest.raises(PareError, match=r"a row of \[1000000000000\] needs .* GiB of memory .* GiB are free"):
        Model.load(forge(folder("network"), change=in_run("run", "task", "input", "shape", value=[10**12])))


def test_json_that_is_nested_without_end_is_refused(folder):
    folder = folder("library")
    (folder / "record.json").write_text("[" * 200_000)
    refused(folder, "no JSON file any more")


def test_a_file_that_is_larger_than_memory_is_not_read(folder):
    folder = folder("library")
    os.truncate(folder / "preparation.json", 1 << 40)  # a sparse file
    with pytest.raises(memory.TooLargeError, match=r"preparation.json needs 51,200.0 GiB"):
        Model.load(folder)


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("weights", {"net": float("nan"), "logistic": 1.0}, "add up to 1"),
        ("weights", {"net": -1.0, "logistic": 2.0}, "of 0 or more"),
        ("weights", {"net": 0.5, "logistic": 0.6}, "add up to 1"),
        ("weights", {"net": 1.0}, "members holds"),
        ("weights", {"net": 0.5, "../../network": 0.5}, "members holds"),
        ("temperatures", {"net": float("inf"), "logistic": 1.0}, "positive"),
        ("temperatures", {"net": 0.0, "logistic": 1.0}, "positive"),
        ("temperatures", [1.0, 1.0], ""),
    ],
)
def test_weights_are_shares_of_the_members_and_temperatures_positive(folder, key, values, words):
    folder("network")
    refused(forge(folder("ensemble"), "ensemble.json", lambda content: content | {key: values}), words)


def test_a_member_of_another_task_is_refused(folder):
    change = in_run("run", "task", "output", "name", value="another")
    refused(forge(folder("ensemble"), f"{NET}/record.json", change), "member net is a model of another task")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content | {"classes": ["a", "b", "c"]}, "names 3 classes, the task has 2"),
        (lambda content: content | {"coordinates": True}, ""),
        (lambda content: content | {"seen": {"99": [0]}}, ""),
        (lambda content: content | {"unknown": 1}, ""),
        (lambda content: [content], ""),
    ],
)
def test_a_preparation_of_another_task_is_refused(folder, change, words):
    refused(forge(folder("network"), "preparation.json", change), words)


def test_a_file_of_skops_that_unpacks_to_more_than_memory_is_not_unpacked(folder, monkeypatch):
    folder = folder("library")
    path = folder / "output_0.skops"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", " " * (2 << 20))
    monkeypatch.setattr(memory, "free_memory", lambda: 70_000_000)
    with pytest.raises(memory.TooLargeError, match=r"output_0\.skops: schema\.json needs 100\.0 MiB of memory"):
        Model.load(forge(folder))


def test_categories_of_a_library_s_table_are_those_that_fit_into_memory(folder):
    change = in_run("categories", value=[10**12])
    with pytest.raises(memory.TooLargeError, match=r"outputs\.json: its list of categories needs"):
        Model.load(forge(folder("library"), "outputs.json", change))


def test_classes_of_a_library_s_table_that_are_missing_are_told_when_it_is_loaded(folder):
    with pytest.raises(PareError, match=r"outputs\.json lacks the classes of an output"):
        load(forge(folder("library"), "outputs.json", in_run("present", value=[None])))


@pytest.mark.parametrize("options", [{"unknown": 1}, {"target": 3}, {"file": "../x"}, {"parts": [1]}])
def test_options_of_a_reader_that_do_not_fit_are_told_when_it_is_loaded(folder, options):
    change = in_run("run", "task", "reader", value={"name": "table", "options": options})
    with pytest.raises(PareError):
        load(forge(folder("network"), change=change))
