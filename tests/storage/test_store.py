"""The model-input store: what goes in comes out, row by row, and a broken file says so."""

import json
import pickle
from collections import Counter

import h5py
import numpy as np
import pytest
from torch.utils.data import DataLoader

from pare.config.errors import PareError
from pare.storage.store import SPLITS, ArrayStore, write_store

STATISTICS = {"x_mean": np.arange(5, dtype=np.float32), "x_scale": np.full(5, 2, dtype=np.float32)}


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        split: (rng.normal(size=(n, 2, 5)).astype(np.float32), rng.integers(0, 9, n))
        for split, n in zip(SPLITS, (50, 7, 11), strict=True)
    }


def written(path, blocks, **options):
    blocks = [(split, {"x": x, "y": y}) for split, x, y in blocks]
    rows = Counter()
    for split, block in blocks:
        rows[split] += len(block["x"])
    write_store(
        path,
        rows=rows,
        blocks=blocks,
        statistics=STATISTICS,
        fingerprint="abc",
        description={"task": "t", "channels": ["ü"]},
        **options,
    )
    return ArrayStore(path)


@pytest.fixture
def store(tmp_path, arrays):
    return written(tmp_path / "store.h5", ((split, x, y) for split, (x, y) in arrays.items()))


def assert_same(batch, x, y):
    if isinstance(batch, list):
        batch = {name: np.stack([row[name] for row in batch]) for name in ("x", "y")}
    np.testing.assert_array_equal(batch["x"], x)
    np.testing.assert_array_equal(batch["y"], y)


def test_what_was_written_is_read(store, arrays):
    assert store.fingerprint == "abc"
    assert store.description == {"task": "t", "channels": ["ü"]}
    assert store.statistics.keys() == STATISTICS.keys()
    for name, array in STATISTICS.items():
        np.testing.assert_array_equal(store.statistics[name], array)
    for split, (x, y) in arrays.items():
        rows = store.rows(split)
        assert len(rows) == len(x)
        assert_same([rows[i] for i in range(len(rows))], x, y)
        assert rows[0]["x"].dtype == np.float32
        assert rows[0]["y"].dtype == np.int64


def test_many_blocks_in_any_order_of_splits_make_the_same_file_as_one(tmp_path, arrays, store):
    cuts = [(split, x[i : i + 3], y[i : i + 3]) for split, (x, y) in arrays.items() for i in range(0, len(x), 3)]
    interleaved = sorted(cuts, key=lambda block: len(block[0]))  # test, train, validation: rows keep their order
    interleaved = interleaved[::2] + interleaved[1::2]
    expected = {
        split: [np.concatenate([block[i] for block in interleaved if block[0] == split]) for i in (1, 2)]
        for split in SPLITS
    }
    streamed = written(tmp_path / "streamed.h5", iter(interleaved))
    whole = written(tmp_path / "whole.h5", [(split, x, y) for split, (x, y) in expected.items()])
    for split, (x, y) in expected.items():
        assert_same(streamed.rows(split).__getitems__(range(len(x))), x, y)
        assert_same(whole.rows(split).__getitems__(range(len(x))), x, y)


@pytest.mark.parametrize("rows", [[3, 1, 49, 0], [5], [7, 7, 2, 7], list(range(50))[::-1]])
def test_a_batch_has_the_rows_asked_for_in_that_order(store, arrays, rows):
    x, y = arrays["train"]
    assert_same(store.rows("train").__getitems__(rows), x[rows], y[rows])


def test_a_split_that_was_never_written_is_empty(tmp_path, arrays):
    store = written(tmp_path / "store.h5", [("train", *arrays["train"])])
    assert len(store.rows("validation")) == 0


def test_rows_are_pickled_without_their_open_file(store, arrays):
    rows = store.rows("train")
    rows[0]
    copy = pickle.loads(pickle.dumps(rows))
    assert "_arrays" not in vars(copy)
    assert_same([copy[4]], arrays["train"][0][4:5], arrays["train"][1][4:5])


def test_a_worker_process_reads_what_this_process_reads(store, arrays):
    rows = store.rows("train")
    rows[0]  # opened here first, as training does
    batches = list(DataLoader(rows, batch_size=16, num_workers=1, collate_fn=lambda batch: batch))
    np.testing.assert_array_equal(np.concatenate([b["x"] for b in batches]), arrays["train"][0])
    np.testing.assert_array_equal(np.concatenate([b["y"] for b in batches]), arrays["train"][1])


@pytest.mark.parametrize("compress", [True, False])
def test_compressed_or_not_the_rows_are_the_same(tmp_path, arrays, compress):
    x, y = arrays["train"]
    store = written(tmp_path / "store.h5", [("train", x, y)], compress=compress)
    with h5py.File(store.path) as file:
        assert (file["train/x"].compression == "lzf") == compress
    assert_same(store.rows("train").__getitems__([3, 0, 40]), x[[3, 0, 40]], y[[3, 0, 40]])
    np.testing.assert_array_equal(store.rows("train").read(5, 9)["x"], x[5:9])
    np.testing.assert_array_equal(store.rows("train").array("y"), y)


def test_another_number_of_rows_than_announced_is_an_error(tmp_path):
    block = {"x": np.zeros((3, 2), np.float32)}
    with pytest.raises(ValueError, match=r"announced \{'train': 4\}"):
        write_store(
            tmp_path / "s.h5",
            rows={"train": 4},
            blocks=[("train", block)],
            statistics={},
            fingerprint="f",
            description={},
        )


def test_rows_may_be_changed_without_changing_the_file(store, arrays):
    row = store.rows("train")[0]
    row["x"][:] = 0
    np.testing.assert_array_equal(store.rows("train")[0]["x"], arrays["train"][0][0])


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(PareError, match=r"nothing\.h5 is missing.*preprocess"):
        ArrayStore(tmp_path / "nothing.h5")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(store, share):
    content = store.path.read_bytes()
    store.path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(PareError, match="not a whole model-input file"):
        ArrayStore(store.path)


@pytest.mark.parametrize("attributes", [{}, {"fingerprint": "a"}, {"fingerprint": "a", "description": "{half"}])
def test_an_hdf5_file_of_another_kind_is_refused(tmp_path, attributes):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs.update(attributes)
    with pytest.raises(PareError, match="not a whole model-input file"):
        ArrayStore(tmp_path / "other.h5")


def test_the_description_is_json_that_other_programs_can_read(store):
    with h5py.File(store.path) as file:
        assert json.loads(file.attrs["description"])["task"] == "t"


@pytest.mark.parametrize("compress", [False, True])
def test_a_file_damaged_anywhere_is_read_or_says_what_to_delete(tmp_path, arrays, compress):
    """Nothing tells a changed number; whatever else a changed byte does ends in one message."""
    path = tmp_path / "store.h5"
    written(path, ((split, x, y) for split, (x, y) in arrays.items()), compress=compress)
    whole, refused = path.read_bytes(), 0
    for place in range(0, len(whole), 29):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            store = ArrayStore(path)
            for split in SPLITS:
                rows = store.rows(split)
                rows.read(0, len(rows))
                rows.__getitems__(range(len(rows)))
        except PareError as error:
            assert "delete it" in str(error)
            refused += 1
    assert refused > 5
