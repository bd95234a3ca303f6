"""The start of fields: whether a regression is used, and what a training makes of it."""

from collections import Counter
from copy import deepcopy

import numpy as np
import pytest
import torch

from as_on_device import AsOnDevice
from as_on_device import moved as as_tensors
from pare.config import Library, resolve
from pare.learners.fit import Fit
from pare.learners.learner import Data, Work
from pare.learners.model import Model
from pare.learners.networks.start.cross_validation import FOLDS
from pare.learners.networks.start.field_start import NEARLY_LINEAR, FieldStart
from pare.learners.networks.training.losses import relative_l2
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.trainer import Trainer
from pare.learners.networks.transformer import build_parts
from pare.learners.source_folders import SourceFolders
from small_fields import (
    GRID,
    LONG,
    answered,
    bent,
    chance,
    curved,
    ends,
    faint,
    few,
    folded,
    inputs,
    moved,
    nearly_linear,
    noisy,
    signed,
    smoothed,
    states,
    walled,
    white,
    write,
)

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def run_of(library):
    def make(method="finetune", minutes=None, shape=(1, GRID, GRID), patch=8, **training):
        task = {
            "title": "t",
            "raw": {"files": ["x.npy"]},
            "reader": {"name": "arrays"},
            "samples": {"train": 64, "test": 16},
            "input": {"shape": list(shape)},
            "output": {"kind": "dense", "shape": list(shape)},
            **({"tokens": {"kind": "patch", "patch": patch}} if patch else {}),
        }
        starts = {**library.starts, "field": {**library.starts["field"], "layers": [2]}}  # the tiny encoder has two
        own = Library(**{**library.model_dump(), "tasks": {"own": task}, "starts": starts})
        epochs = {} if minutes else {"epochs": 2}
        training = (
            {} if method in ("probe", "kernel_ridge") else {**epochs, "batch_size": 8, "precision": "no", **training}
        )
        parameters = {"task": "own", "source": None, "method": method, "seed": 0, "protocol": "validated"}
        parameters["minutes"] = minutes
        return resolve(
            own,
            {**parameters, "training": {"epochs": 20, "learning_rate": 1e-3, "batch_size": 8}},
            {**parameters, "training": training},
        )

    return make


@pytest.fixture
def source(tiny_bert, topics) -> SourceFolders:
    return SourceFolders(tiny_bert, topics, ("encoder", "proxy"))


def fitted(run, store, source, folder) -> Model:
    folder.mkdir(exist_ok=True)
    Fit(run, Data(store, source)).write(folder / "model")
    return Model.load(folder / "model")


def begun(run, store, source, folder) -> Session:
    """A training whose first epoch is next."""
    session = Session(run, Data(store, source), Work(folder / "checkpoint", "f"), build_parts)
    session.begin()
    return session


@pytest.mark.parametrize(
    "method", ["finetune", "pare", "orca", "from_scratch", "layernorm", "cutmix", "target_mask", "probe"]
)
def test_a_linear_equation_is_solved_before_it_is_trained(run_of, source, tmp_path, method):
    store = write(tmp_path / "x.h5", nearly_linear)
    trained = fitted(run_of(method), store, source, tmp_path)
    rows = store.rows("test").read(0, 16)
    with torch.no_grad():
        found = trained.predictor.network(torch.from_numpy(rows["x"])).numpy()
    assert trained.predictor.network.anchor.fields.any()
    assert np.abs(found - rows["y"]).max() < 0.1 * rows["y"].std()


def test_states_of_a_simulation_are_left_out_together(run_of, source, tmp_path):
    """Else each is predicted from the others, and the regression seems to know what is chance."""

    def left(name, groups):
        store = write(tmp_path / f"{name}.h5", chance, states, n=(40, 8, 8), groups=groups)
        return fitted(run_of("probe"), store, source, tmp_path / name).record["start"]["left"]

    assert left("apart", None) < 0.5
    assert left("together", lambda rows: np.arange(rows) // 4) > 0.9


def test_points_without_a_target_do_not_keep_a_linear_equation_from_being_solved(run_of, source, tmp_path):
    whole, gaps = (write(tmp_path / f"{f.__name__}.h5", f) for f in (nearly_linear, walled))
    x = torch.from_numpy(whole.rows("test").array("x"))
    found = []
    for store in (whole, gaps):
        trained = fitted(run_of("probe"), store, source, tmp_path / store.path.stem)
        with torch.inference_mode():
            found.append(trained.predictor.network(x))
    assert torch.isfinite(found[1]).all()
    torch.testing.assert_close(found[1][:, :, 2:], found[0][:, :, 2:], rtol=1e-3, atol=1e-3)


def test_one_training_row_is_not_cut_into_folds(run_of, source, tmp_path):
    trained = fitted(run_of("finetune"), write(tmp_path / "x.h5", nearly_linear, n=(1, 8, 8)), source, tmp_path)
    assert trained.record["start"]["left"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("make", "found"), [(smoothed, ["square", "torus"]), (signed, [])])
def test_a_symmetry_copies_rows_where_folds_are_predicted_better_with_it(run_of, source, tmp_path, make, found):
    """160 rows leave some of 256 unknowns open; in eight positions they do not, unless the equation has a direction."""
    store = write(tmp_path / "x.h5", make, white, (160, 16, 16))
    trained = fitted(run_of("probe"), store, source, tmp_path)
    rows = store.rows("test").read(0, 16)
    with torch.no_grad():
        error = (
            np.abs(trained.predictor.network(torch.from_numpy(rows["x"])).numpy() - rows["y"]).max() / rows["y"].std()
        )
    assert trained.record["start"]["symmetries"] == found
    assert error < 1e-4 if found else error > 0.1


def test_a_symmetry_by_which_the_first_rows_are_predicted_worse_is_fitted_once(run_of, source, tmp_path, monkeypatch):
    fit, fits = FieldStart._fitted, Counter()

    def counted(start, x, y, weights, names, width):
        fits[tuple(names)] += 1
        return fit(start, x, y, weights, names, width)

    monkeypatch.setattr(FieldStart, "_fitted", counted)
    fitted(run_of("probe"), write(tmp_path / "x.h5", signed, white, (160, 16, 16)), source, tmp_path)
    assert fits.pop(()) > FOLDS
    assert fits.keys() == {("square",), ("torus",)}
    assert {*fits.values()} == {1}


@pytest.mark.slow
def test_nothing_is_trained_where_the_start_is_exact(run_of, source, tmp_path):
    trained = fitted(run_of(epochs=3), write(tmp_path / "x.h5", smoothed, white, (160, 16, 16)), source, tmp_path)
    assert trained.record["history"] == []
    assert trained.record["best_epoch"] == 0


def test_a_declared_symmetry_is_used_whatever_the_folds_say(run_of, source, tmp_path):
    run = run_of(symmetries=["shift"], shape=(1, LONG), method="finetune")
    draw = lambda rng, rows: np.cumsum(rng.normal(size=(rows, 1, LONG)), -1)  # noqa: E731
    trained = fitted(run, write(tmp_path / "x.h5", lambda x: np.roll(x, 7, -1), draw), source, tmp_path)
    assert "shift" in trained.record["start"]["symmetries"]


@pytest.mark.parametrize(("grid", "patch"), [((16,), None), ((17,), 5), ((16, 16), None), ((20, 18), 1)])
@pytest.mark.parametrize("method", ["pare", "probe", "kernel_ridge"])
def test_small_grids_are_learnt_with_any_patch(run_of, source, tmp_path, method, grid, patch):
    waves = lambda rng, rows: np.cumsum(rng.normal(size=(rows, 1, *grid)), -1)  # noqa: E731
    run = run_of(method, shape=(1, *grid), patch=patch)
    store = write(tmp_path / "x.h5", lambda x: np.abs(x) + np.roll(x, 1, -1), waves)
    trained = fitted(run, store, source, tmp_path)
    rows = store.rows("test").read(0, 16)
    found = trained.outputs(rows["x"], torch.device("cpu"))
    assert found.shape == rows["y"].shape and np.isfinite(found).all()


@pytest.mark.parametrize("make", [folded, nearly_linear])
def test_a_network_begins_alone_where_the_equation_is_not_linear(run_of, source, tmp_path, make):
    run, store = run_of(), write(tmp_path / "x.h5", make)
    session = Session(run, Data(store, source), Work(tmp_path / "checkpoint", "f"), build_parts)
    before = {name: tensor.clone() for name, tensor in session.setup.network.state_dict().items()}
    session.begin()
    after = session.setup.network.state_dict()
    same = all(torch.equal(after[name], before[name]) for name in before)
    assert same == (make is folded)
    assert (session.setup.parts.start.held_out is None) == same


@pytest.mark.parametrize(
    "equation",
    [(folded, inputs, {}), (nearly_linear, inputs, {}), (nearly_linear, white, {"symmetries": ["square"]})],
)
def test_a_device_finds_what_a_cpu_finds(run_of, source, tmp_path, monkeypatch, equation):
    make, draw, training = equation
    session = Session(
        run_of(**training), Data(write(tmp_path / "x.h5", make, draw), source), Work(tmp_path / "c", "f"), build_parts
    )
    start, part, arrays = session.setup.parts.start, [session.setup.part("train")], FieldStart._arrays
    before = deepcopy(session.setup.network.state_dict())

    def solved():
        session.setup.network.load_state_dict(before)
        solution = start.solve(part)
        start.fit(part, solution)
        return solution, start.held_out, session.setup.network.anchor

    expected, held_out, anchor = deepcopy(solved())
    monkeypatch.setattr(FieldStart, "_arrays", lambda start, parts: as_tensors(*arrays(start, parts)))
    with AsOnDevice():
        found, on_device, solution = solved()
        fields = solution(torch.from_numpy(draw(np.random.default_rng(3), 4)))
    assert found == {**expected, "left": pytest.approx(expected["left"]), "width": pytest.approx(expected["width"])}
    assert {*found["symmetries"]} >= {*training.get("symmetries", [])}
    assert (on_device is None) is (held_out is None) is (found["left"] >= NEARLY_LINEAR)
    if held_out is not None:
        np.testing.assert_allclose(on_device, held_out, atol=1e-6 * np.abs(held_out).max())
    with torch.no_grad():
        torch.testing.assert_close(fields, anchor(torch.from_numpy(draw(np.random.default_rng(3), 4))))


@pytest.mark.parametrize(("device", "places"), [("meta", "meta"), ("mps", ""), ("cpu", "")])
def test_rows_are_brought_to_a_device_with_double_precision(run_of, source, tmp_path, device, places):
    session = Session(run_of(), Data(write(tmp_path / "x.h5", folded), source), Work(tmp_path / "c", "f"), build_parts)
    start = session.setup.parts.start
    start.device = torch.device(device)
    for found in start._arrays([session.setup.part("train")]):
        assert (found.device.type if places else type(found)) == (places or np.ndarray)


@pytest.mark.parametrize(("minutes", "expected"), [(0.5, 3), (5.5, 5)])  # 48 rows in batches of 8
def test_one_pass_has_mixed_and_plain_epochs_within_minutes(run_of, source, tmp_path, monkeypatch, minutes, expected):
    monkeypatch.setattr("pare.learners.networks.training.steps.step_seconds", lambda step: step() and 10.0)
    run, store = run_of("pare_one_pass", minutes), write(tmp_path / "x.h5", folded)
    assert run.mixing.passes == 1
    assert len(fitted(run, store, source, tmp_path).record["history"]) == expected


@pytest.mark.parametrize("unit", [2.0**-76, 2.0**83])
@pytest.mark.parametrize("make", [folded, nearly_linear])
def test_units_of_the_field_do_not_matter(run_of, source, tmp_path, make, unit):
    """Numbers whose squares single precision does not have, as of densities; powers of two change no digit."""
    usual = fitted(run_of(), write(tmp_path / "usual.h5", make), source, tmp_path / "usual")
    other = fitted(run_of(), write(tmp_path / "other.h5", lambda x: make(x) * unit), source, tmp_path / "other")
    found, expected = ([row["validation"] for row in trained.record["history"]] for trained in (other, usual))
    assert found[0] != found[1]
    assert found == pytest.approx(expected, rel=1e-3)


def test_a_training_that_says_less_than_the_regression_keeps_it_and_is_the_probe(run_of, source, tmp_path):
    store = write(tmp_path / "x.h5", bent)
    kept = fitted(run_of(learning_rate=1e-9), store, source, tmp_path / "kept")
    probe = fitted(run_of("probe"), store, source, tmp_path / "probe")
    x = torch.from_numpy(store.rows("test").read(0, 16)["x"])
    assert 0.1 < kept.record["start"]["left"] < 0.5
    assert kept.record["best_epoch"] == 0
    assert kept.record["validation"] == kept.record["start"]["validation"] == probe.record["validation"]
    assert kept.record["n_train"] == 64  # with the validation rows
    with torch.no_grad():
        torch.testing.assert_close(kept.predictor.network(x), probe.predictor.network(x))


@pytest.mark.slow
def test_a_training_that_says_more_than_the_regression_is_kept_without_it(run_of, source, tmp_path):
    run = run_of(epochs=12, learning_rate=3e-3, new_learning_rate=3e-3)
    trained = fitted(run, write(tmp_path / "x.h5", np.abs, n=(160, 16, 16)), source, tmp_path)
    assert trained.record["best_epoch"] > 0
    assert trained.record["validation"] < 0.8 * trained.record["start"]["validation"]
    assert not trained.predictor.network.anchor.fields.any()


def test_gaussian_kernels_solve_a_smooth_equation_that_is_not_linear(run_of, source, tmp_path):
    store = write(tmp_path / "x.h5", curved, few, (160, 16, 16))
    trained = fitted(run_of("probe"), store, source, tmp_path)
    rows = store.rows("test").read(0, 16)
    with torch.no_grad():
        error = (
            np.abs(trained.predictor.network(torch.from_numpy(rows["x"])).numpy() - rows["y"]).max() / rows["y"].std()
        )
    assert trained.record["start"]["width"] > 0
    assert error < 1e-2
    anywhere = [trained.outputs(rows["x"], torch.device(device)) for device in ("cpu", "mps")]
    np.testing.assert_array_equal(*anywhere)  # Apple's GPUs have no double precision


def test_a_faint_field_counts_as_much_as_others_where_the_loss_is_relative(run_of, source, tmp_path):
    store, run, found = write(tmp_path / "x.h5", noisy, faint), run_of("probe"), {}
    rows = store.rows("test").read(1, 16)
    x, y = torch.from_numpy(rows["x"][::2]), torch.from_numpy(rows["y"][::2])
    for loss in ("relative_l2", "mse"):
        own = run.model_copy(update={"task": run.task.model_copy(update={"loss": loss})})
        with torch.no_grad():
            found[loss] = float(relative_l2(fitted(own, store, source, tmp_path / loss).predictor.network(x), y))
    assert found["relative_l2"] < 0.3 * found["mse"]


def test_what_a_row_is_held_out_with_comes_from_the_other_rows(run_of, source, tmp_path):
    """Noise is not predicted: rows that an anchor was fitted to seem predicted by it, held out they are not."""
    run, noise = run_of(epochs=2), np.random.default_rng(5)
    store = write(tmp_path / "x.h5", lambda x: moved(x) * 50 + noise.normal(size=x.shape))
    setup = begun(run, store, source, tmp_path).setup
    y, held_out = store.rows("train").array("y"), setup.parts.start.held_out
    with torch.no_grad():
        own = setup.network.anchor(torch.from_numpy(store.rows("train").array("x"))).numpy()
    assert np.std(y - held_out) > 0.9  # at least the noise
    assert np.std(y - own) < 0.9 * np.std(y - held_out)
    np.testing.assert_allclose(setup.network.units.scale.mean(), np.std(y - held_out, 0).mean(), rtol=0.01)


@pytest.mark.parametrize("make", [nearly_linear, bent])
def test_a_killed_training_of_a_field_goes_on_to_bit_identical_weights(run_of, source, tmp_path, monkeypatch, make):
    data, original = Data(write(tmp_path / "x.h5", make), source), Trainer._epoch
    fit, saved = Fit(run_of("pare"), data), Fit(run_of("pare", checkpoint_minutes=1e-9), data)
    whole = fit.model(tmp_path / "one")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_epoch", lambda self, epoch, bar: exit_after_first(epoch) or original(self, epoch, bar))
        saved.model(tmp_path / "two")
    resumed = fit.model(tmp_path / "two")
    assert [row["validation"] for row in resumed.record["history"]] == [
        row["validation"] for row in whole.record["history"]
    ]
    states = whole.predictor.network.state_dict(), resumed.predictor.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def exit_after_first(epoch):
    if epoch == 1:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_a_field_is_learnt_through_the_encoder(run_of, source, tmp_path, monkeypatch):
    """Liveness: with the encoder's output replaced by its batch mean the error must rise clearly."""
    monkeypatch.setattr(
        "pare.learners.networks.start.field_start.MOST_UNKNOWNS", 0
    )  # kernels would leave nothing to learn
    store = write(tmp_path / "x.h5", answered, ends, (160, 16, 16))
    run = run_of(shape=(1, LONG), epochs=15, new_learning_rate=4e-3, learning_rate=1e-3)
    trained = fitted(run, store, source, tmp_path)
    model, rows = trained.predictor.network, store.rows("test").read(0, 16)

    def error():
        with torch.no_grad():
            return float((model(torch.from_numpy(rows["x"])) - torch.from_numpy(rows["y"])).square().mean())

    alive, encode = error(), model.backbone.encode
    model.backbone.encode = lambda tokens: encode(tokens).mean(0, keepdim=True).expand(len(tokens), -1, -1)
    assert error() > 5 * alive
