"""Each byte that changes is noticed."""

import json

import numpy as np
import pytest

from pare.config import PareError
from pare.storage.checksums import (
    CHECKSUM,
    Damaged,
    check_checksums,
    check_seal,
    read_sealed,
    seal,
    sealed_json,
    write_checksums,
)
from pare.storage.hdf5 import read_predictions, write_predictions
from pare.storage.store import ArrayStore, write_store

CONTENT = {"a": 1, "b": [1.5, None, float("nan")], 3: {"ä": "ö", "deep": {"x": 1e-300}}}


def flips(path, count=100, seed=0):
    """The content with one bit changed at a time, then the content as it was."""
    content = path.read_bytes()
    rng = np.random.default_rng(seed)
    for place, bit in zip(rng.integers(len(content), size=count), rng.integers(8, size=count), strict=True):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        yield int(place)
    path.write_bytes(content)


def test_a_json_file_comes_back_without_its_checksum(tmp_path):
    path = tmp_path / "values.json"
    path.write_text(sealed_json(CONTENT))
    assert CHECKSUM in json.loads(path.read_text())
    assert json.dumps(read_sealed(path)) == json.dumps(json.loads(json.dumps(CONTENT)))


def test_no_changed_bit_of_a_json_file_passes_but_for_one_that_changes_no_value(tmp_path):
    path = tmp_path / "values.json"
    path.write_text(sealed_json(CONTENT))
    expected = json.dumps(read_sealed(path))
    for place in flips(path, 300):
        try:
            found = read_sealed(path)
        except Damaged:
            continue
        assert json.dumps(found) == expected, place  # a blank that became another


def test_a_json_file_without_a_checksum_is_taken_only_from_an_older_version(tmp_path):
    path = tmp_path / "values.json"
    path.write_text('{"a": 1}')
    assert read_sealed(path, older=True) == {"a": 1}
    with pytest.raises(Damaged, match="no checksum: it was changed"):
        read_sealed(path)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "missing"), ("{", "no JSON"), ("[1]", "no JSON"), ("3", "no JSON")]
)
def test_what_is_no_json_object_is_a_clear_error(tmp_path, content, said):
    path = tmp_path / "values.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Damaged, match=said):
        read_sealed(path)


def test_a_folder_is_whole_until_a_file_in_it_is_changed_or_lost(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_bytes(bytes(1000))
    (tmp_path / "deep" / "b").write_bytes(b"b")
    write_checksums(tmp_path)
    check_checksums(tmp_path)
    for _ in flips(tmp_path / "a", 20):
        with pytest.raises(Damaged, match="a was changed"):
            check_checksums(tmp_path)
    (tmp_path / "deep" / "b").unlink()
    with pytest.raises(Damaged, match="b is missing"):
        check_checksums(tmp_path)


@pytest.mark.parametrize("size", [0, 1, 5, 100_000, (1 << 22) + 3])
def test_a_sealed_file_is_whole_until_it_is_changed_cut_or_longer(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(np.random.default_rng(0).bytes(size))
    seal(path)
    check_seal(path)
    for _ in flips(path, 30):
        with pytest.raises(Damaged):
            check_seal(path)
    content = path.read_bytes()
    for other in (content[:-1], content[: size // 2], content + b"0", b""):
        path.write_bytes(other)
        with pytest.raises(Damaged):
            check_seal(path)


@pytest.fixture
def stored(tmp_path):
    """A model input and predictions, each with what reads it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 7)).astype(np.float32), np.arange(20) % 3
    store, predictions = tmp_path / "store.h5", tmp_path / "predictions.h5"
    blocks = [("train", {"x": x, "y": y}), ("test", {"x": x, "y": y})]
    rows = {"train": 20, "test": 20}
    write_store(store, rows=rows, blocks=blocks, statistics={"m": x[0]}, fingerprint="f", description={"a": 1})
    write_predictions(predictions, {"prediction": x, "truth": y})
    return {"store": (store, ArrayStore), "predictions": (predictions, read_predictions)}


@pytest.mark.parametrize("kind", ["store", "predictions"])
def test_no_changed_bit_of_stored_arrays_is_read(stored, kind):
    path, read = stored[kind]
    read(path)
    for _ in flips(path):
        with pytest.raises(PareError, match="missing or"):
            read(path)
    read(path)
