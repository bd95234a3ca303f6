"""From raw samples to the store: normalised by training rows only, whole or not at all."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from kedro.io import DatasetError

from pare.config import PareError
from pare.config.schema import Task
from pare.data.preparation import ModelInput
from pare.data.preparation.normalisation import append_coordinates, prepared_inputs
from pare.data.preparation.split import assign_parts
from pare.datasets import ArrayStoreDataset
from pare.learners.networks.start.cross_validation import groups_of
from pare.storage.samples import Samples
from pare.storage.statistics import unscale_inputs
from pare.storage.store import ArrayStore

BLOCK_ROWS = 64
N_TRAIN, N_TEST = 150, 70  # more than a block each, and no whole number of blocks


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 64 of the fields below."""
    monkeypatch.setattr("pare.data.preparation.model_input.BLOCK_BYTES", BLOCK_ROWS * 4 * (3 + 1) * 24)


@pytest.fixture
def field(library):
    """A dense task on a grid of 4 × 6 points."""

    def build(**changes):
        small = {
            "samples": {"train": N_TRAIN, "test": N_TEST},
            "input": {"shape": [3, 4, 6], "channels": ["a", "x", "y"]},
            "output": {"kind": "dense", "shape": [1, 4, 6]},
            "tokens": {"kind": "patch", "patch": 2},
            "normalisation": {"inputs": "pointwise", "outputs": "pointwise", "coordinates": True},
        }
        return Task.model_validate(library.tasks["darcy_flow"] | small | changes)

    return build


@pytest.fixture
def table(library):
    """A classification of 200 rows of 5 features."""
    changes = {"samples": {"all": 200}, "input": {"shape": [5]}}
    return Task.model_validate(library.tasks["openml_wdbc"] | changes)


def raw_field(seed=0):
    rng = np.random.default_rng(seed)
    return {
        part: Samples.of_arrays(
            rng.normal(5, 3, (n, 1, 4, 6)).astype(np.float32), rng.normal(-2, 0.5, (n, 1, 4, 6)).astype(np.float32)
        )
        for part, n in (("train", N_TRAIN), ("test", N_TEST))
    }


def raw_table(n=200):
    rng = np.random.default_rng(1)
    x = rng.normal(1, 4, (n, 5)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    return {"all": Samples.of_arrays(x, rng.integers(0, 2, n), columns=list("abcde"), classes=["good", "bad"])}


def written(model_input, path):
    model_input.write(path)
    return ArrayStore(path)


def arrays(store, split):
    rows = store.rows(split).read(0, len(store.rows(split)))
    return rows["x"], rows["y"]


def test_rows_are_normalised_by_training_rows_and_outputs_keep_their_units(field, tmp_path):
    task, samples = field(), raw_field()
    store = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "store.h5")
    raw_x, raw_y = samples["train"].read(0, N_TRAIN)
    names = assign_parts(task, "train", None, validated=True)
    mean, std = raw_x[names == "train"].mean(0), raw_x[names == "train"].std(0, ddof=1)
    for split in ("train", "validation"):
        x, y = arrays(store, split)
        np.testing.assert_allclose(x[:, :1], (raw_x[names == split] - mean) / std, atol=1e-4)
        np.testing.assert_array_equal(y, raw_y[names == split])
        assert x.dtype == y.dtype == np.float32
    x, y = arrays(store, "test")
    np.testing.assert_allclose(x[:, :1], (samples["test"].read(0, N_TEST)[0] - mean) / std, atol=1e-4)
    np.testing.assert_array_equal(y, samples["test"].read(0, N_TEST)[1])
    np.testing.assert_allclose(store.statistics["y_mean"], raw_y[names == "train"].mean(0), rtol=1e-5)
    np.testing.assert_allclose(store.statistics["y_scale"], raw_y[names == "train"].std(0, ddof=1), rtol=1e-4)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_no_row_but_the_training_rows_influences_what_training_sees(field, tmp_path, part):
    task, samples = field(), raw_field()
    before = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "before.h5")
    names = assign_parts(task, "train", None, validated=True)
    other = raw_field(seed=9)
    if part == "test":
        samples["test"] = other["test"]
    else:
        (x, y), (other_x, other_y) = samples["train"].read(0, N_TRAIN), other["train"].read(0, N_TRAIN)
        x, y = x.copy(), y.copy()
        x[names == part], y[names == part] = 1000 * other_x[names == part], 1000 * other_y[names == part]
        samples["train"] = Samples.of_arrays(x, y)
    after = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "after.h5")
    for a, b in zip(arrays(before, "train"), arrays(after, "train"), strict=True):
        np.testing.assert_array_equal(a, b)
    for name, array in before.statistics.items():
        np.testing.assert_array_equal(array, after.statistics[name])
    assert not np.array_equal(arrays(before, part)[0], arrays(after, part)[0])


def test_a_table_is_divided_with_its_labels_and_keeps_its_missing_values(table, tmp_path):
    samples = raw_table()
    store = written(ModelInput("wdbc", table, samples, "raw", validated=True), tmp_path / "store.h5")
    raw_x, raw_y = samples["all"].read(0, 200)
    names = assign_parts(table, "all", raw_y, validated=True)
    mean, std = np.nanmean(raw_x[names == "train"], 0), np.nanstd(raw_x[names == "train"], 0, ddof=1)
    for split in ("train", "validation", "test"):
        x, y = arrays(store, split)
        np.testing.assert_array_equal(y, raw_y[names == split])
        np.testing.assert_allclose(x, (raw_x[names == split] - mean) / std, atol=1e-4)
        assert np.isnan(x).any()
    assert store.description == {
        "task": "wdbc",
        "channels": list("abcde"),
        "columns": list("abcde"),
        "classes": ["good", "bad"],
        "categories": [],
        "levels": [],
        "points": None,
    }


def test_without_normalisation_values_stay_as_they_are(field, tmp_path):
    task = field(normalisation={}, input={"shape": [1, 4, 6]})
    samples = raw_field()
    store = written(ModelInput("darcy", task, samples, "raw", validated=False), tmp_path / "store.h5")
    np.testing.assert_array_equal(arrays(store, "train")[0], samples["train"].read(0, N_TRAIN)[0])
    assert store.statistics == {}
    assert len(store.rows("validation")) == 0


def test_rows_beyond_those_declared_are_not_used(field, tmp_path):
    task = field(samples={"train": BLOCK_ROWS + 1, "test": 3})
    store = written(ModelInput("darcy", task, raw_field(), "raw", validated=False), tmp_path / "store.h5")
    assert (len(store.rows("train")), len(store.rows("test"))) == (BLOCK_ROWS + 1, 3)


@pytest.mark.parametrize("grid", [(7,), (4, 6), (2, 3, 5)])
def test_coordinates_run_from_0_to_1_the_last_axis_first(grid):
    x = np.random.default_rng(0).normal(size=(2, 3, *grid)).astype(np.float32)
    result = append_coordinates(x)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[:, :3], x)
    expected = np.meshgrid(*(np.arange(n) / (n - 1) for n in grid), indexing="ij")
    for sample in result[:, 3:]:
        np.testing.assert_allclose(sample, expected[::-1], atol=1e-7)


def test_in_two_dimensions_the_first_coordinate_is_that_of_the_columns():
    x, y = append_coordinates(np.zeros((1, 1, 3, 5)))[0, 1:]
    np.testing.assert_allclose(x, np.tile([0, 0.25, 0.5, 0.75, 1], (3, 1)))
    np.testing.assert_allclose(y, np.tile([[0], [0.5], [1]], (1, 5)))


@pytest.mark.parametrize("shape", [(2, 1, 1), (2, 4, 3)])
def test_scaled_inputs_are_brought_back_to_physical_units(shape):
    draw = np.random.default_rng(0)
    x = draw.normal(7, 3, (5, 2, 4, 3)).astype(np.float32)
    statistics = {"x_mean": draw.normal(size=shape), "x_scale": draw.random(shape) + 0.1}
    scaled = prepared_inputs(x, statistics, {}, coordinates=True)
    np.testing.assert_allclose(unscale_inputs(scaled, statistics), append_coordinates(x), rtol=1e-5)
    np.testing.assert_array_equal(unscale_inputs(scaled, {}), scaled)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input": {"shape": [3, 4, 7]}}, r"input\.shape \[3, 4, 7\], the raw files give \[3, 4, 6\]"),
        ({"output": {"kind": "dense", "shape": [2, 4, 6]}}, r"output\.shape \[2, 4, 6\].*give \[1, 4, 6\]"),
        (
            {"samples": {"train": N_TRAIN + 1, "test": 1}},
            r"declares 151 rows of part 'train'.*hold 150.*samples\.train",
        ),
        ({"samples": {"all": 10}, "split": {"test": 0.5}}, r"needs part 'all', its reader gives \['test', 'train'\]"),
    ],
)
def test_raw_files_that_do_not_fit_the_task_are_told_and_leave_no_file(field, tmp_path, changes, words):
    dataset = ArrayStoreDataset(str(tmp_path / "store.h5"))
    with pytest.raises(DatasetError, match=words) as caught:
        dataset.save(ModelInput("darcy", field(**changes), raw_field(), "raw", validated=True))
    assert isinstance(caught.value.__cause__, PareError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_outside_the_classes_is_told(table, tmp_path, label):
    samples = raw_table()
    x, y = samples["all"].read(0, 200)
    y = np.where(np.arange(200) % 20 == 0, label, y)
    with pytest.raises(PareError, match="the label of row 1 of part 'all' is not a class from 0 to 1"):
        ModelInput("wdbc", table, {"all": Samples.of_arrays(x, y)}, "raw", validated=True).write(tmp_path / "store.h5")


@pytest.fixture
def fingerprint(field):
    """Fingerprint of a model input with some of its inputs changed."""

    def of(name="darcy", raw="raw", validated=True, **changes):
        return ModelInput(name, field(**changes), raw_field(), raw, validated=validated).fingerprint

    return of


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"raw": "other"},
        {"validated": False},
        {"normalisation": {}},
        {"split": {"validation": 0.3}},
        {"samples": {"train": 10, "test": 10}},
        {"reader": {"name": "darcy_mat", "options": {"stride": 3}}},
    ],
)
def test_the_fingerprint_changes_with_whatever_the_rows_depend_on(fingerprint, change):
    assert fingerprint(**change) != fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"epochs": 3}},
        {"mixing": {"start": 0.1}},
        {"title": "Another title"},
        {"metric": "other", "loss": "other"},
        {"tokens": {"kind": "patch", "patch": 3}},
        {"source": "dinov2_small"},
    ],
)
def test_the_fingerprint_does_not_change_with_what_only_training_depends_on(fingerprint, change):
    assert fingerprint(**change) == fingerprint()


def test_a_reader_that_fails_halfway_leaves_the_old_file_as_it_was(field, tmp_path):
    dataset = ArrayStoreDataset(str(tmp_path / "store.h5"))
    dataset.save(ModelInput("darcy", field(), raw_field(), "raw", validated=True))
    before = (tmp_path / "store.h5").read_bytes()
    samples = raw_field()
    good = samples["test"].read

    def read(start, stop):
        if start >= BLOCK_ROWS:
            raise PareError("the disk is gone")
        return good(start, stop)

    samples["test"] = replace(samples["test"], read=read)
    with pytest.raises(DatasetError, match="the disk is gone"):
        dataset.save(ModelInput("darcy", field(), samples, "another", validated=True))
    assert [p.name for p in tmp_path.iterdir()] == ["store.h5"]
    assert (tmp_path / "store.h5").read_bytes() == before


def test_a_publishers_validation_part_is_used_as_such_or_joins_the_training_rows(field, tmp_path):
    task = field(samples={"train": 20, "validation": 6, "test": 5})
    samples = raw_field() | {"validation": raw_field(seed=3)["train"]}
    store = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "validated.h5")
    assert [len(store.rows(split)) for split in ("train", "validation", "test")] == [20, 6, 5]
    np.testing.assert_array_equal(arrays(store, "validation")[1], samples["validation"].read(0, 6)[1])
    store = written(ModelInput("darcy", task, samples, "raw", validated=False), tmp_path / "paper.h5")
    assert [len(store.rows(split)) for split in ("train", "validation", "test")] == [26, 0, 5]


def test_a_group_is_never_divided_and_its_number_is_kept(table, tmp_path):
    groups = np.repeat(np.arange(50), 4)
    samples = {"all": replace(raw_table()["all"], groups=groups)}
    store = written(ModelInput("wdbc", table, samples, "raw", validated=True), tmp_path / "store.h5")
    parts = [set(store.rows(split).array("group")) for split in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 50
    assert all(parts)


@pytest.mark.parametrize("with_groups", ["train", "validation"])
def test_rows_of_a_part_without_groups_are_each_on_their_own(field, tmp_path, with_groups):
    task = field(samples={"train": 20, "validation": 6, "test": 5})
    samples = raw_field() | {"validation": raw_field(seed=3)["train"]}
    samples[with_groups] = replace(samples[with_groups], groups=np.arange(N_TRAIN) // 2)
    store = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "store.h5")
    groups = {split: store.rows(split).groups for split in ("train", "validation")}
    counts = {split: len(set(numbers)) for split, numbers in groups.items()}
    assert counts == {"train": 20, "validation": 6} | {with_groups: {"train": 10, "validation": 3}[with_groups]}
    assert not set(groups["train"]) & set(groups["validation"])


def test_groups_of_test_rows_alone_group_no_other_rows(field, tmp_path):
    task = field(samples={"train": 20, "validation": 6, "test": 5})
    samples = raw_field() | {"validation": raw_field(seed=3)["train"]}
    samples["test"] = replace(samples["test"], groups=np.arange(N_TEST) // 2)
    store = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "store.h5")
    learnt = [store.rows(split) for split in ("train", "validation")]
    groups = groups_of([(rows, np.arange(len(rows))) for rows in learnt])
    assert groups is None or len(set(groups)) == 26  # each row is on its own
    assert store.rows("test").groups.tolist() == [0, 0, 1, 1, 2]


def test_groups_of_test_rows_alone_leave_classes_spread(table, tmp_path):
    task = table.model_copy(update={"samples": {"train": 180, "test": 20}})
    x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    rare = (np.arange(200) % 10 == 0).astype(np.int64)
    samples = {
        "train": Samples.of_arrays(x[:180], rare[:180], classes=["often", "rare"]),
        "test": Samples.of_arrays(x[180:], rare[180:], classes=["often", "rare"], groups=np.arange(20) // 4),
    }
    store = written(ModelInput("wdbc", task, samples, "raw", validated=True), tmp_path / "store.h5")
    shares = [store.rows(split).array("y").mean() for split in ("train", "validation")]
    np.testing.assert_allclose(shares, 0.1, atol=0.5 / len(store.rows("validation")))


def test_the_weight_of_a_row_goes_with_it(table, tmp_path):
    raw = raw_table()["all"]
    x, _ = raw.read(0, raw.count)
    samples = {"all": replace(raw, weights=x[:, 0])}
    store = written(ModelInput("wdbc", table, samples, "raw", validated=True), tmp_path / "store.h5")
    for split in ("train", "validation", "test"):
        rows, mean, scale = store.rows(split), store.statistics["x_mean"][0], store.statistics["x_scale"][0]
        np.testing.assert_allclose(rows.array("x")[:, 0] * scale + mean, rows.weights, rtol=1e-4)


def test_averaging_groups_needs_groups(table, tmp_path):
    averaging = table.model_copy(update={"average_groups": True})
    with pytest.raises(PareError, match="averages the predictions of groups, its reader gives none"):
        ModelInput("wdbc", averaging, raw_table(), "raw", validated=True).write(tmp_path / "store.h5")


def test_categories_keep_their_codes_and_those_that_training_never_saw_are_missing(table, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (200, 5)).astype(np.float32)
    x[:, 1] = rng.integers(0, 3, 200)
    y = np.arange(200) % 2
    names = assign_parts(table, "all", y, validated=True)
    x[np.flatnonzero(names == "test")[:4], 1] = 3
    levels = [None, ["a", "b", "c", "d"], None, None, None]
    samples = {"all": Samples.of_arrays(x, y, columns=list("vwxyz"), categories=levels)}
    store = written(ModelInput("wdbc", table, samples, "raw", validated=True), tmp_path / "store.h5")
    assert store.description["categories"] == [0, 4, 0, 0, 0]
    np.testing.assert_array_equal(arrays(store, "train")[0][:, 1], x[names == "train", 1])
    test = arrays(store, "test")[0]
    assert np.isnan(test[:4, 1]).all() and not np.isnan(test[4:]).any()


def test_one_mean_and_spread_per_channel(field, tmp_path):
    task = field(input={"shape": [2, 4, 6]}, normalisation={"inputs": "channel"})
    rng = np.random.default_rng(0)
    x = rng.normal([[[3]], [[-50]]], [[[2]], [[9]]], (N_TRAIN, 2, 4, 6)).astype(np.float32)
    samples = {part: Samples.of_arrays(x, x[:, :1]) for part in ("train", "test")}
    store = written(ModelInput("darcy", task, samples, "raw", validated=False), tmp_path / "store.h5")
    train = arrays(store, "train")[0]
    np.testing.assert_allclose(train.mean((0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(train.std((0, 2, 3)), 1, atol=1e-3)
    assert store.statistics["x_mean"].shape == (2, 1, 1)


def test_an_input_field_that_is_not_finite_is_told_by_part_and_row(field, tmp_path):
    samples = raw_field()
    x, y = samples["test"].read(0, N_TEST)
    x[66, 0, 1, 1] = np.inf
    samples["test"] = Samples.of_arrays(x, y)
    with pytest.raises(PareError, match="the input of row 67 of part 'test' is not a finite number everywhere"):
        ModelInput("darcy", field(), samples, "raw", validated=True).write(tmp_path / "store.h5")


def test_points_of_an_output_field_that_are_masked_stay_so(field, tmp_path):
    samples = raw_field()
    x, y = samples["train"].read(0, N_TRAIN)
    y[:, 0, 0] = np.nan
    samples["train"] = Samples.of_arrays(x, y)
    task = field(normalisation={"inputs": "pointwise"}, input={"shape": [1, 4, 6]})
    store = written(ModelInput("darcy", task, samples, "raw", validated=True), tmp_path / "store.h5")
    assert np.isnan(arrays(store, "train")[1][:, 0, 0]).all()


@pytest.mark.parametrize(
    ("kind", "y", "words"),
    [
        ("multilabel", 0.5, "a label of row 8 of part 'all' is not 0 or 1"),
        ("regression", np.nan, "the target of row 8 of part 'all' is not a finite number"),
    ],
)
def test_labels_and_numbers_of_another_kind_are_told(table, tmp_path, kind, y, words):
    output = {"kind": kind, "shape": [2]}
    task = Task.model_validate(
        table.model_dump() | {"output": output, "split": {"test": 0.5}, "metric": "mae", "loss": "mse"}
    )
    targets = np.ones((200, 2), np.float32)
    targets[7, 1] = y
    samples = {"all": Samples.of_arrays(raw_table()["all"].read(0, 200)[0], targets)}
    with pytest.raises(PareError, match=words):
        ModelInput("wdbc", task, samples, "raw", validated=True).write(tmp_path / "store.h5")


def test_a_training_part_of_one_class_is_told(table, tmp_path):
    x = raw_table()["all"].read(0, 200)[0]
    loose = table.model_copy(update={"split": table.split.model_copy(update={"stratified": False})})
    with pytest.raises(PareError, match="all training rows have one class"):
        samples = {"all": Samples.of_arrays(x, np.zeros(200, np.int64))}
        ModelInput("wdbc", loose, samples, "raw", validated=True).write(tmp_path / "store.h5")


def test_a_store_that_an_older_version_described_is_prepared_again(table, tmp_path):
    described = ModelInput("wdbc", table, raw_table(), "raw", validated=True)
    store = written(described, tmp_path / "store.h5")
    assert described.is_current(store.path)
    with h5py.File(store.path, "a") as file:
        file.attrs["description"] = json.dumps({k: v for k, v in store.description.items() if k != "levels"})
    assert not described.is_current(store.path)
