"""The solved start: alone as the probe, and as the state that a training begins with and may keep."""

from functools import partial

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits
from torch.nn.functional import cross_entropy

from blas import blas_threads
from pare.config import Library, resolve
from pare.data.proxies import IMAGES
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.models.series_features import Kernels
from pare.learners.networks.start.heads import solve_head
from pare.learners.networks.start.ridge_heads import solve_ridge_head
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore
from small_problems import (
    POINTS,
    ROWS,
    bumps,
    circle,
    copies,
    lines,
    misread_circle,
    quadrants,
    stripes,
    ten_shapes,
    write,
)

COLUMNS = 1000  # of a wide table


@pytest.fixture(scope="module", autouse=True)
def quick(quick_training):
    """Two penalties for a head, in place of five; test_heads.py has their choice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(solve_head.__kwdefaults__, "penalties", (0.1, 10.0))
        yield


@pytest.fixture(scope="module")
def run_of(library: Library):
    """Resolve a run on rows of a shape, of the probe where nothing else is said."""

    def make(
        shape: list[int],
        kernels: bool = False,
        classes: int = 2,
        points: bool = False,
        ordered: bool = False,
        **parameters,
    ):
        task = {
            "split": {"ordered": ordered},
            "title": "t",
            "raw": {"files": ["x.npy"]},
            "reader": {"name": "arrays"},
            "samples": {"all": sum(ROWS.values())},
            "input": {"shape": shape},
            "output": {"kind": "classification", "shape": [classes]},
        }
        own = Library(**{**library.model_dump(), "tasks": {"own": task}, "starts": {**library.starts}})
        defaults = {"task": "own", "source": None, "method": "probe", "seed": 0, "protocol": "validated"}
        training = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "precision": "no"}
        for kind in own.starts:
            own.starts[kind] = {
                **library.starts[kind],
                "layers": [1, 2],
                "kernels": kernels,
                "points": points,
            }  # the tiny encoders have two
        return resolve(own, {**defaults, "training": training, **parameters}, parameters)

    return make


@pytest.fixture(scope="module")
def image_source(tiny_dinov2, tmp_path_factory) -> SourceFolders:
    """The tiny DINOv2, and noise as images of two classes."""
    folder, rng = tmp_path_factory.mktemp("proxy"), np.random.default_rng(0)
    np.savez(folder / IMAGES, images=rng.integers(0, 256, (8, 28, 28), np.uint8), labels=np.arange(8) % 2)
    return SourceFolders(tiny_dinov2, folder, ("encoder", "proxy"))


@pytest.fixture(scope="module")
def text_source(tiny_bert, topics) -> SourceFolders:
    return SourceFolders(tiny_bert, topics, ("encoder", "proxy"))


def error(model, store: ArrayStore) -> float:
    rows = store.rows("test").read(0, ROWS["test"])
    with torch.no_grad():
        prediction = model(torch.from_numpy(rows["x"])).argmax(1).numpy()
    return float((prediction != rows["y"]).mean())


def describe(run, store, source) -> Fit:
    return Fit(run, Data(store, source))


def solved(run, store, source, folder) -> Model:
    """The model, whose network is ``predictor.network``."""
    folder.mkdir(exist_ok=True)
    describe(run, store, source).write(folder / "model")
    return Model.load(folder / "model")


@pytest.mark.parametrize(("make", "shape"), [(bumps, [1, POINTS]), (stripes, [1, 16, 16])])
def test_series_and_images_are_learnt_through_the_encoder(run_of, image_source, tmp_path, monkeypatch, make, shape):
    """Liveness: with hidden states replaced by their batch mean the error must rise clearly."""
    store = write(tmp_path / "x.h5", make)
    trained = solved(run_of(shape), store, image_source, tmp_path)
    assert error(trained.predictor.network, store) < 0.1
    encode_layers = trained.predictor.network.backbone.encode_layers
    dead = lambda tokens, layers: [h.mean(0, keepdim=True).expand_as(h) for h in encode_layers(tokens, layers)]  # noqa: E731
    monkeypatch.setattr(trained.predictor.network.backbone, "encode_layers", dead)
    assert error(trained.predictor.network, store) > 0.3


def test_kernels_get_a_larger_share_where_the_encoder_says_clearly_less(run_of, image_source, tmp_path):
    """The tiny encoder is random; no head of a layer alone tells widths apart as MiniRocket does."""
    store = write(tmp_path / "x.h5", bumps)
    trained = solved(run_of([1, POINTS], kernels=True), store, image_source, tmp_path)
    shares = trained.predictor.network.predictor.shares
    assert shares[-1] > 0.4
    assert shares.sum() == pytest.approx(1)
    assert error(trained.predictor.network, store) < 0.05


def test_a_start_that_is_kept_chooses_anew_from_all_rows(run_of, image_source, tmp_path, monkeypatch):
    """A class has one training row: left out, it has none, so that any penalty is as bad. Of all rows it has two."""
    monkeypatch.setitem(solve_head.__kwdefaults__, "penalties", (0.01, 0.1, 1.0, 10.0, 100.0))
    store = write(tmp_path / "x.h5", ten_shapes, {"train": 10, "validation": 10, "test": 60})
    trained = solved(run_of([1, POINTS], kernels=True, classes=10), store, image_source, tmp_path)
    assert error(trained.predictor.network, store) < 0.23  # 0.3 with the penalties of the training rows alone


@pytest.mark.parametrize(("firm", "choices"), [(80, 1), (81, 2)])  # 80 rows with those to validate
def test_penalties_of_enough_rows_are_kept_when_validation_rows_are_added(
    run_of, text_source, tmp_path, monkeypatch, firm, choices
):
    tried, place = [], "pare.learners.networks.start.solved_start"
    monkeypatch.setattr(f"{place}.FIRM_ROWS", firm)
    for name, solver in (("solve_head", solve_head), ("solve_ridge_head", solve_ridge_head)):
        noted = lambda *a, solver=solver, **k: tried.append(k.get("penalties", ())) or solver(*a, **k)  # noqa: E731
        monkeypatch.setattr(f"{place}.{name}", noted)
    trained = solved(run_of([2], kernels=True), write(tmp_path / "x.h5", quadrants), text_source, tmp_path)
    again = tried[len(tried) // 2 :]
    if choices == 1:
        assert again == [[penalty] for penalty in trained.record["start"]["penalties"]]
    else:
        assert again == tried[: len(tried) // 2]
    assert trained.record["n_train"] == ROWS["train"] + ROWS["validation"]


def test_a_device_solves_all_heads_as_a_cpu_does(run_of, image_source, tmp_path, monkeypatch):
    run, store, devices = run_of([1, POINTS], kernels=True, points=True), write(tmp_path / "x.h5", bumps), []
    expected = solved(run, store, image_source, tmp_path / "cpu")
    on_device = lambda x, device: devices.append(device) or torch.from_numpy(x)  # noqa: E731
    monkeypatch.setattr("pare.learners.networks.start.solved_start.on_device", on_device)
    found = solved(run, store, image_source, tmp_path / "device")
    heads = [trained.predictor.network.predictor.heads for trained in (found, expected)]
    assert devices == [torch.device("cpu")] * 2 * len(heads[0])  # without the validation rows, and with them
    assert found.record["start"]["penalties"] == expected.record["start"]["penalties"]
    for one, other in zip(*heads, strict=True):
        torch.testing.assert_close(
            one.weight, other.weight, rtol=0, atol=0.01 * float(other.weight.detach().abs().max())
        )


def test_similarities_see_what_raw_columns_do_not(run_of, text_source, tmp_path):
    store = write(tmp_path / "x.h5", quadrants)
    errors = [
        solved(run_of([2], kernels=kernels), store, text_source, tmp_path / str(kernels)).record["start"]["validation"]
        for kernels in (False, True)
    ]
    assert errors[1] < errors[0] / 2


@pytest.mark.parametrize(("many", "of_kernels"), [(10**6, {1}), (0, {2})])
def test_small_problems_are_solved_by_one_thread(run_of, text_source, tmp_path, monkeypatch, many, of_kernels):
    seen = {"solve_head": set(), "solve_ridge_head": set()}

    def noted(name, solver, *args, **kwargs):
        seen[name] |= blas_threads()
        return solver(*args, **kwargs)

    monkeypatch.setattr("pare.learners.networks.start.solved_start.THREADED_VALUES", many)
    monkeypatch.setattr("pare.learners.networks.start.solved_start.free_threads", lambda: 2)
    for name, solver in (("solve_head", solve_head), ("solve_ridge_head", solve_ridge_head)):
        monkeypatch.setattr(f"pare.learners.networks.start.solved_start.{name}", partial(noted, name, solver))
    store = write(tmp_path / "rows.h5", quadrants)
    with threadpool_limits(2, user_api="blas"):
        solved(run_of([2], kernels=True), store, text_source, tmp_path)
        assert blas_threads() == {2}
    assert seen == {"solve_head": {1}, "solve_ridge_head": of_kernels}


def test_groups_stay_whole_where_penalties_and_shares_are_chosen(run_of, text_source, tmp_path):
    """Else the copies of a row say that its group can be learnt by heart, and the model is sure of what is chance."""

    def loss(name, make):
        store = write(tmp_path / f"{name}.h5", make)
        model = solved(run_of([4], kernels=True), store, text_source, tmp_path / name).predictor.network
        rows = store.rows("test").read(0, ROWS["test"])
        with torch.no_grad():
            return float(cross_entropy(model(torch.from_numpy(rows["x"])), torch.from_numpy(rows["y"])))

    together, apart = loss("together", copies), loss("apart", lambda rng, n: copies(rng, n)[:2])
    assert together < 0.9
    assert apart > together + 0.5


@pytest.mark.parametrize("ordered", [False, True])
def test_folds_of_rows_in_the_order_of_time_are_blocks(run_of, text_source, tmp_path, monkeypatch, ordered):
    cuts = []
    monkeypatch.setattr(
        "pare.learners.networks.start.solved_start.solve_head",
        lambda *a, folds, **k: cuts.append(folds) or solve_head(*a, **k),
    )
    run = run_of([2], ordered=ordered)
    solved(run, write(tmp_path / "x.h5", circle), text_source, tmp_path)
    if not ordered:
        assert set(cuts) == {None}
        return
    held = [rows for _, rows in cuts[0]]
    assert all((np.diff(rows) == 1).all() for rows in held)
    np.testing.assert_array_equal(np.concatenate(held), np.arange(ROWS["train"]))


@pytest.mark.parametrize(("limit", "learnt"), [(1000, {60, 80}), (40, {40, 60})])  # 60 and 20 rows are there
def test_of_very_many_rows_heads_learn_from_some(run_of, text_source, tmp_path, monkeypatch, limit, learnt):
    """Of each part at most as many as the limit, so that their features fit into memory."""
    sizes = set()

    def noted(x, *args, **kwargs):
        sizes.add(len(x))
        return solve_head(x, *args, **kwargs)

    monkeypatch.setattr("pare.learners.networks.start.solved_start.MOST_ROWS", limit)
    monkeypatch.setattr("pare.learners.networks.start.solved_start.solve_head", noted)
    store = write(tmp_path / "x.h5", quadrants)
    trained = solved(run_of([2], kernels=True), store, text_source, tmp_path)
    assert sizes == learnt
    assert error(trained.predictor.network, store) < 0.3


@pytest.mark.parametrize("kernel_values", [0, 55 * 60, 10**6])  # of 60 features: as the limit, 55 rows, all
@pytest.mark.parametrize("limit", [50, 70])  # fewer than the training rows, and fewer than these and those to validate
def test_shares_are_chosen_on_the_same_rows_left_out(run_of, text_source, tmp_path, monkeypatch, limit, kernel_values):
    monkeypatch.setattr("pare.learners.networks.start.solved_start.FOLD_ROWS", limit)
    monkeypatch.setattr("pare.learners.networks.start.solved_start.OWN_VALUES", kernel_values)
    trained = solved(run_of([2], kernels=True), write(tmp_path / "x.h5", quadrants), text_source, tmp_path)
    assert trained.record["n_train"] == ROWS["train"] + ROWS["validation"]
    assert error(trained.predictor.network, write(tmp_path / "y.h5", quadrants)) < 0.3


def test_so_are_those_of_series(run_of, image_source, tmp_path, monkeypatch):
    monkeypatch.setattr("pare.learners.networks.start.solved_start.FOLD_ROWS", 50)
    monkeypatch.setattr("pare.learners.networks.start.solved_start.OWN_VALUES", 0)
    store = write(tmp_path / "x.h5", bumps)
    trained = solved(run_of([1, POINTS], kernels=True), store, image_source, tmp_path)
    assert error(trained.predictor.network, store) < 0.2


def test_kernels_that_say_nothing_keep_no_more_than_an_equal_share(run_of, image_source, tmp_path, monkeypatch):
    monkeypatch.setattr(Kernels, "forward", lambda self, x: torch.randn(len(x), self.features))
    store = write(tmp_path / "x.h5", bumps)
    trained = solved(run_of([1, POINTS], kernels=True), store, image_source, tmp_path)
    assert trained.predictor.network.predictor.shares[-1] <= 1 / 3


def test_points_get_a_share_where_they_say_clearly_more_and_none_elsewhere(run_of, image_source, tmp_path):
    runs = {points: run_of([1, POINTS], kernels=True, points=points) for points in (False, True)}
    spectra = write(tmp_path / "spectra.h5", lines)
    kept = {points: solved(run, spectra, image_source, tmp_path / f"spectra_{points}") for points, run in runs.items()}
    assert kept[True].predictor.network.predictor.shares[-1] >= 0.5
    assert error(kept[True].predictor.network, spectra) < error(kept[False].predictor.network, spectra) / 3
    store = write(tmp_path / "bumps.h5", bumps)  # at any place: their points say nothing
    kept = {points: solved(run, store, image_source, tmp_path / f"bumps_{points}") for points, run in runs.items()}
    assert kept[True].predictor.network.predictor.shares[-1] == 0
    before, x = kept[False].predictor.network, torch.from_numpy(store.rows("test").read(0, ROWS["test"])["x"])
    torch.testing.assert_close(kept[True].predictor.network(x), before(x))


@pytest.fixture(scope="module")
def table(run_of, text_source, tmp_path_factory):
    """The rows of the circle and the folder of a probe that was solved from them."""
    folder = tmp_path_factory.mktemp("table")
    store = write(folder / "x.h5", circle)
    solved(run_of([2]), store, text_source, folder)
    return store, folder / "model"


def test_a_table_is_learnt_through_the_encoder(table):
    store, folder = table
    trained = Model.load(folder)
    assert error(trained.predictor.network, store) < 0.2
    predictor = trained.predictor.network.predictor
    with torch.no_grad():
        for head in predictor.heads:  # liveness: raw columns alone cannot tell the classes
            head.weight[:, : predictor.encoded] = 0
    assert error(trained.predictor.network, store) > 0.3


def test_a_solved_probe_is_current_until_the_run_changes(run_of, text_source, table, tmp_path):
    store, folder = table
    assert not describe(run_of([2]), store, text_source).is_current(tmp_path / "model")
    assert describe(run_of([2]), store, text_source).is_current(folder)
    assert not describe(run_of([2], seed=1), store, text_source).is_current(folder)


def test_the_same_seed_gives_the_same_model(run_of, text_source, table, tmp_path):
    store, folder = table
    first = Model.load(folder).predictor.network.state_dict()
    second = solved(run_of([2]), store, text_source, tmp_path).predictor.network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_validation_rows_choose_nothing_and_are_learnt_from_at_the_end(table):
    trained = Model.load(table[1])
    assert trained.record["n_train"] == ROWS["train"] + ROWS["validation"]
    assert 0 <= trained.record["validation"] < 50


def test_what_calibrates_was_said_before_the_validation_rows_were_learnt_from(table):
    store, folder = table
    trained = Model.load(folder)
    outputs, truth = (trained.calibration.arrays[name] for name in ("prediction", "truth"))
    assert 100 * (outputs.argmax(1) != truth).mean() == trained.record["validation"]
    with torch.no_grad():
        afterwards = trained.predictor.network(torch.from_numpy(store.rows("validation").array("x"))).numpy()
    assert np.abs(afterwards - outputs).max() > 0.01


def test_there_may_be_no_validation_rows(run_of, text_source, tmp_path):
    store = write(tmp_path / "x.h5", circle, {"train": 60, "test": 60})
    record = solved(run_of([2], protocol="paper"), store, text_source, tmp_path).record
    assert (record["n_train"], record["validation"]) == (60, None)


def test_the_source_is_the_one_that_suits_the_data(run_of):
    assert run_of([2]).source_name == "minilm"
    assert run_of([1, POINTS]).source_name == "dinov2_small"
    assert run_of([1, POINTS]).differs == {}
    assert run_of([2], source="dinov2_small").differs == {"source": "dinov2_small"}


def test_a_random_start_has_a_folder_and_a_source_of_its_own(run_of):
    run = run_of([1, POINTS], start="random", method="finetune")
    assert (run.start, run.source_name, run.differs) == (None, "minilm", {"start": "random"})


def noise(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes that no column of many says anything of."""
    return rng.normal(size=(n, COLUMNS)).astype(np.float32), rng.permutation(np.arange(n) % 2)


def genes(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """As many columns, some of which are larger in the second class, each by less than it varies."""
    x, y = noise(rng, n)
    x[:, ::50] += 0.9 * y[:, None]
    return x, y


def test_what_is_chosen_of_noise_is_chosen_within_each_fold(run_of, text_source, tmp_path, monkeypatch):
    """Of columns that all rows choose, held-out rows would be easy: losses of .3 and less, and no doubt of new rows."""
    of_encoder = []

    def noted(*args, **rules):
        of_encoder.append(solve_head(*args, **rules))
        return of_encoder[-1]

    monkeypatch.setattr("pare.learners.networks.start.solved_start.solve_head", noted)
    store = write(tmp_path / "x.h5", noise)
    network = solved(run_of([COLUMNS], kernels=True), store, text_source, tmp_path).predictor.network
    assert min(head.loss for head in of_encoder) > 0.6
    rows = store.rows("test").read(0, ROWS["test"])
    with torch.no_grad():
        loss = cross_entropy(network(torch.from_numpy(rows["x"])), torch.from_numpy(rows["y"]))
    assert loss < 0.9


def test_a_wide_table_is_learnt_and_its_file_has_the_chosen_columns(run_of, text_source, tmp_path):
    store = write(tmp_path / "x.h5", genes)
    trained = solved(run_of([COLUMNS], kernels=True), store, text_source, tmp_path)
    network = trained.predictor.network
    assert error(network, store) < 0.15
    telling = set(range(0, COLUMNS, 50))
    assert len(telling & set(network.embedder.chosen.column.tolist())) > 0.8 * len(telling)
    x = torch.from_numpy(store.rows("test").array("x"))
    again = Model.load(tmp_path / "model").predictor.network
    torch.testing.assert_close(again(x), network(x))


@pytest.mark.parametrize("method", ["finetune", "pare", "orca"])
def test_a_wide_table_is_trained_on_its_chosen_values(run_of, text_source, tmp_path, method):
    store = write(tmp_path / "x.h5", genes)
    values = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "precision": "no"}
    trained = solved(run_of([COLUMNS], method=method, training=values), store, text_source, tmp_path)
    assert len(trained.record["history"]) == 1
    assert error(trained.predictor.network, store) < 0.3


@pytest.fixture
def fine_tuned(run_of, text_source, tmp_path):
    """Fine-tune from the solved start with values of the training's own."""

    def tune(**training) -> Model:
        values = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "precision": "no", **training}
        run = run_of([2], method="finetune", training=values)
        return solved(run, write(tmp_path / "x.h5", misread_circle), text_source, tmp_path)

    return tune


def test_a_training_that_does_not_help_keeps_the_start_and_is_the_probe(fine_tuned, run_of, text_source, tmp_path):
    """A rate that destroys the heads: the start is kept, and solved from the validation rows as well."""
    kept = fine_tuned(learning_rate=3.0, clip_norm=None)
    assert (kept.record["best_epoch"], len(kept.record["history"])) == (0, 2)
    assert kept.record["validation"] == kept.record["start"]["validation"]
    probe = solved(run_of([2]), ArrayStore(tmp_path / "x.h5"), text_source, tmp_path / "probe")
    x = torch.randn(9, 2)
    torch.testing.assert_close(kept.predictor.network(x), probe.predictor.network(x), rtol=1e-4, atol=1e-4)


def test_nothing_is_trained_where_every_validation_row_is_right(run_of, text_source, tmp_path):
    def apart(rng, n):
        y = np.arange(n) % 2
        return (np.stack([6 * y - 3, 0 * y], 1) + rng.normal(0, 0.1, (n, 2))).astype(np.float32), y

    store, values = write(tmp_path / "x.h5", apart), {"epochs": 2, "batch_size": 8, "precision": "no"}
    kept = solved(run_of([2], method="finetune", training=values), store, text_source, tmp_path)
    assert (kept.record["history"], kept.record["best_epoch"], kept.record["validation"]) == ([], 0, 0.0)
    probe = solved(run_of([2]), store, text_source, tmp_path / "probe")
    x = torch.randn(9, 2)
    torch.testing.assert_close(kept.predictor.network(x), probe.predictor.network(x), rtol=1e-4, atol=1e-4)


def test_a_training_that_helps_is_kept(fine_tuned, monkeypatch):
    strict = partial(solve_head, penalties=(1e-6, 1e-7))  # a start that has learnt next to nothing
    monkeypatch.setattr("pare.learners.networks.start.solved_start.solve_head", strict)
    tuned = fine_tuned(epochs=30, learning_rate=1e-2)
    assert tuned.record["best_epoch"] > 0
    assert tuned.record["validation"] < tuned.record["start"]["validation"]
    assert tuned.record["n_train"] == ROWS["train"]


def test_the_first_epoch_begins_at_the_solved_heads(fine_tuned):
    """With a rate of almost nothing the loss of the first epoch is far below that of guessing."""
    assert fine_tuned(learning_rate=1e-9).record["history"][0]["loss"] < 0.5 * np.log(2)


def test_every_way_of_mixing_goes_on_from_the_start(run_of, text_source, tmp_path):
    store = write(tmp_path / "x.h5", misread_circle)
    for method in ("pare", "mixup", "target_mixup", "target_mask"):
        values = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "precision": "no"}
        trained = solved(run_of([2], method=method, training=values), store, text_source, tmp_path / method)
        assert len(trained.record["history"]) == 2
