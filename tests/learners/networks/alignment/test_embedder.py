"""Alignment of a small table's embedder with random source tokens behind a frozen replacement for the encoder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pare.config import PareError, Run, resolve
from pare.learners.networks.alignment import embedder, pseudo_labels
from pare.learners.networks.alignment.embedder import align_embedder, target_labels
from pare.learners.networks.models.embedders import FeatureEmbedder
from pare.storage.store import ArrayStore, write_store

ROWS, FEATURES, WIDTH = 40, 5, 8


class Model(nn.Module):
    """What the alignment uses of a model: the embedder, the frozen source, and something that must stay as it is."""

    def __init__(self):
        super().__init__()
        self.embedder = FeatureEmbedder(FEATURES, WIDTH)
        self.head = nn.Linear(WIDTH, 2)

    views = 1

    def embed(self, x):
        return self.embedder(x)

    def embed_source(self, inputs):
        return inputs


def batches(size, rng):
    """Two classes of source tokens far away from what a new embedder gives."""
    while True:
        labels = rng.integers(2, size=size)
        tokens = rng.normal(size=(size, 3, WIDTH)) * 0.3 + 2 + labels[:, None, None]
        yield torch.from_numpy(tokens.astype(np.float32)), torch.from_numpy(labels)


def masks(size, rng):
    """The same tokens, their labels masks of two kinds with points that are neither fore- nor background."""
    for tokens, labels in batches(size, rng):
        mask = labels[:, None, None].expand(-1, 4, 4).clone()
        mask[:, 0, 0] = -100
        yield tokens, mask


@pytest.fixture
def table(tmp_path: Path) -> ArrayStore:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    write_store(
        tmp_path / "table.h5",
        rows={"train": ROWS},
        blocks=[("train", {"x": x, "y": (x.sum(1) > 0).astype(np.int64)})],
        statistics={},
        fingerprint="",
        description={},
    )
    return ArrayStore(tmp_path / "table.h5")


@pytest.fixture
def run(library, parameters):
    """The ORCA run on a table, with settings of alignment's own."""

    def made(task="openml_wdbc", **alignment) -> Run:
        settings = {"epochs": 8, "samples": 12, "source_samples": 24, "learning_rate": 0.05, "regularisation": 5.0}
        chosen = {"task": task, "method": "orca"}
        return resolve(library, parameters | chosen, chosen | {"alignment": settings | alignment})

    return made


def align(run, table, model=None, source=batches):
    torch.manual_seed(0)
    model = model or Model()
    return model, align_embedder(model, table.rows("train"), np.arange(ROWS), source, run=run)


def test_the_distance_to_the_source_falls(run, table):
    _, record = align(run(epochs=16), table)
    assert record["after"] < 0.7 * record["before"]
    assert record["distances"][-1] < 0.7 * record["distances"][0]
    assert len(record["distances"]) == 16


def test_nothing_but_the_embedder_changes_and_no_gradient_is_left(run, table):
    torch.manual_seed(0)
    before = {name: value.clone() for name, value in Model().state_dict().items()}
    model, _ = align(run(epochs=1), table)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"embedder.direction", "embedder.bias"}
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_same_seed_gives_the_same_embedder_whatever_torch_drew_before(run, table):
    one, _ = align(run(), table)
    torch.manual_seed(0)
    other = Model()
    torch.rand(3)
    align_embedder(other, table.rows("train"), np.arange(ROWS), batches, run=run())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_embedding_in_batches_gives_the_gradient_of_embedding_at_once(run, table):
    whole, batched = (
        run(epochs=1).model_copy(update={"training": run().training.model_copy(update={"batch_size": size})})
        for size in (ROWS, 5)
    )
    # The source must be the same in both: one tensor, whatever the batch size.
    tokens, labels = next(batches(24, np.random.default_rng(1)))

    def same_source(size, _):
        for start in range(0, 24, size):
            yield tokens[start : start + size], labels[start : start + size]

    one, other = (align(settings, table, source=same_source)[0] for settings in (whole, batched))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_masks_of_the_source_are_clustered(run, table, monkeypatch):
    monkeypatch.setattr(embedder, "PSEUDO_CLASSES", 2)
    record = align(run(), table, source=masks)[1]
    assert record["before"] == pytest.approx(align(run(), table)[1]["before"], rel=1e-5)


def test_a_distance_that_is_not_finite_names_the_remedy(run, table):
    with pytest.raises(PareError, match=r"distance to the source is .*lower alignment\.learning_rate"):
        align(run(learning_rate=1e30), table)


def test_labels_of_a_table_are_its_classes(run, table):
    chosen = np.array([7, 3, 30])
    np.testing.assert_array_equal(
        target_labels(table.rows("train"), chosen, run()), table.rows("train").array("y")[chosen]
    )


def test_labels_of_fields_are_clusters_in_the_order_of_the_rows_asked_for(run, tmp_path, monkeypatch):
    monkeypatch.setattr(embedder, "PSEUDO_CLASSES", 3)
    kinds = np.arange(ROWS) % 3
    y = np.broadcast_to(10.0 * kinds[:, None, None, None], (ROWS, 1, 4, 4)).astype(np.float32)
    write_store(
        tmp_path / "fields.h5",
        rows={"train": ROWS},
        blocks=[("train", {"x": y, "y": y})],
        statistics={},
        fingerprint="",
        description={},
    )
    chosen = np.random.default_rng(0).permutation(ROWS)[:20]
    labels = target_labels(ArrayStore(tmp_path / "fields.h5").rows("train"), chosen, run("darcy_flow"))
    assert len(set(zip(labels, kinds[chosen], strict=True))) == 3


def three_groups():
    """Fields of 2 × 3 points in three well separated groups, and the groups."""
    rng = np.random.default_rng(0)
    groups = rng.integers(3, size=60)
    return rng.normal(size=(60, 2, 3)) * 0.1 + 10 * groups[:, None, None], groups


def same_partition(one, other):
    return len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(other.tolist()))


def test_clusters_are_the_groups_of_the_fields():
    fields, groups = three_groups()
    assert same_partition(pseudo_labels(lambda: iter([fields]), 3, seed=0), groups)


def test_blocks_one_at_a_time_find_the_same_groups():
    fields, groups = three_groups()
    labels = pseudo_labels(lambda: iter(np.split(fields, 3)), 3, seed=0)
    assert labels.shape == (60,)
    assert same_partition(labels, groups)


def test_points_without_a_truth_do_not_matter():
    fields, groups = three_groups()
    fields[:, 0, 0] = np.nan
    assert same_partition(pseudo_labels(lambda: iter([fields]), 3, seed=0), groups)


def test_there_are_no_more_clusters_than_samples():
    assert len(set(pseudo_labels(lambda: iter([np.eye(4)]), 10, seed=0))) == 4
