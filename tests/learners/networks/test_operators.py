"""Networks for fields learn a small linear map, in physical units, by the loop of all networks."""

import numpy as np
import pytest
import torch

from pare.config import Library, PareError, resolve
from pare.learners.ensemble import Ensemble
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.operators import FnoOptions, LenientBatchNorm, OperatorLearner, build_fno
from pare.learners.networks.training.trainer import Trainer
from pare.storage.store import ArrayStore, write_store
from stopped_fits import assert_same, stopped_until_done

CPU = torch.device("cpu")
OPTIONS = {"fno": {"modes": 6, "width": 8, "layers": 2}, "u_net": {"features": [4] * 6, "fold": 1}}
TRAINING = {"batch_size": 8, "learning_rate": 1e-2, "weight_decay": 1e-4}


def fields(n, grid, seed):
    """Random waves, and what a shift and an offset of 100 make of them, ``(n, 1, *grid)`` each."""
    draw = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(0, 2 * np.pi, points) for points in grid], indexing="ij")
    phases, sizes = draw.uniform(0, 2 * np.pi, (n, 1)), draw.normal(size=(n, 1))
    x = sizes[:, None] * np.sin(np.stack(axes).sum(0).reshape(1, 1, -1) + phases[:, None])
    x = x.reshape(n, 1, *grid).astype(np.float32)
    return x, (100 + 20 * np.roll(x, 3, axis=-1)).astype(np.float32)


@pytest.fixture
def waves(library, parameters, tmp_path):
    """Resolve a run on waves, and write their model input."""

    def waves(method, grid, train=64, field=None, options=None, top=None, **training):
        task = {
            "title": "waves",
            "raw": {"files": ["none"]},
            "reader": {"name": "arrays"},
            "samples": {"train": train + 16, "test": 1},
            "input": {"shape": [1, *grid]},
            "output": {"kind": "dense", "shape": [1, *(field or grid)]},
            "normalisation": {"outputs": "pointwise"},
            "tokens": {"kind": "patch", "patch": 8},
        }
        entry = {**library.learners[method], "options": OPTIONS[method] | (options or {})}
        own = Library(**library.model_dump() | {"tasks": {"waves": task}, "learners": {method: entry}})
        asked = {"task": "waves", "method": method, **(top or {})}
        run = resolve(own, parameters | asked, {"training": {**TRAINING, **training}})
        path = tmp_path / "waves.h5"
        if not path.exists():
            rows = {"train": fields(train, grid, 0), "validation": fields(16, grid, 1)}
            y = rows["train"][1]
            write_store(
                path,
                rows={name: len(x) for name, (x, _) in rows.items()},
                blocks=[(name, {"x": x, "y": y}) for name, (x, y) in rows.items()],
                statistics={"y_mean": y.mean(0), "y_scale": y.std(0)},
                fingerprint="f",
                description={},
            )
        return run, Data(ArrayStore(path))

    return waves


@pytest.fixture
def fitted(waves, tmp_path):
    """Fit one to waves in a folder of the test's own."""

    def fitted(method, grid, *, folder="", epochs=1, **more):
        return Fit(*waves(method, grid, epochs=epochs, **more)).model(tmp_path / f"checkpoint{folder}")

    return fitted


@pytest.mark.parametrize("grid", [(40,), (33, 32), (16,), (16, 16), (20, 18)])
@pytest.mark.parametrize("method", OPTIONS)
def test_a_shift_is_learnt_better_than_the_mean_in_the_units_of_the_data(method, grid, fitted):
    (x, y), model = fields(32, grid, 2), fitted(method, grid, epochs=10)
    found = model.outputs(x, CPU)
    assert found.shape == y.shape and found.dtype == np.float32
    assert np.mean((found - y) ** 2) < 0.5 * np.mean((y - y.mean(0)) ** 2)
    assert 1 <= model.record["best_epoch"] <= len(model.record["history"]) == 10
    assert model.record["validation"] == min(row["validation"] for row in model.record["history"])


@pytest.mark.parametrize("method", OPTIONS)
def test_the_same_seed_gives_the_same_predictions(method, fitted):
    x, _ = fields(4, (32,), 2)
    one, again, other = (
        fitted(method, (32,), train=16, folder=str(i), top={"seed": seed}).outputs(x, CPU)
        for i, seed in enumerate((0, 0, 1))
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0


@pytest.mark.parametrize("method", OPTIONS)
def test_an_interrupted_training_goes_on_to_the_same_predictions_also_after_it_was_saved(
    method, waves, tmp_path, monkeypatch
):
    fit, (x, _) = Fit(*waves(method, (32,), train=16, epochs=3, checkpoint_minutes=1e-9)), fields(4, (32,), 2)
    whole = fit.model(tmp_path / "whole").outputs(x, CPU)
    original = Trainer._epoch

    def interrupted(self, epoch, bar):
        if epoch == 2:
            raise KeyboardInterrupt
        original(self, epoch, bar)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_epoch", interrupted)
        fit.write(tmp_path / "model")
    epochs = []
    monkeypatch.setattr(Trainer, "_epoch", lambda self, epoch, bar: epochs.append(epoch) or original(self, epoch, bar))
    fit.write(tmp_path / "model")
    assert epochs == [2]
    np.testing.assert_array_equal(Model.load(tmp_path / "model").outputs(x, CPU), whole)


@pytest.mark.slow
@pytest.mark.parametrize("method", OPTIONS)
def test_a_training_that_is_stopped_within_its_epochs_becomes_the_same_model(method, waves, tmp_path):
    """With batch norms that are fixed at the end, symmetries of the field and kernels that Muon learns."""
    optimiser = {"fno": "AdamW", "u_net": "Muon"}[method]
    more = {"symmetries": ["square"], "fixed_norms": 0.5, "optimiser": optimiser, "average": 0.9}
    fit = Fit(*waves(method, (32, 32), train=32, epochs=3, **more))  # 4 steps an epoch
    fit.write(tmp_path / "whole" / "model")
    stopped, stops = stopped_until_done(fit, tmp_path / "stopped" / "model")
    assert stops == 6
    assert_same(stopped, Model.load(tmp_path / "whole" / "model"))


@pytest.mark.parametrize("method", OPTIONS)
def test_several_trainings_are_averaged_and_read_again(method, fitted, tmp_path):
    x, _ = fields(4, (32,), 2)
    several, single = (
        fitted(method, (32,), train=16, epochs=2, members=members, folder=str(members)) for members in (3, 1)
    )
    assert isinstance(several.predictor, Ensemble)
    each = [member.outputs(x, CPU) for member in several.predictor.members.values()]
    assert len(each) == 3
    np.testing.assert_array_equal(each[0], single.outputs(x, CPU))
    assert np.abs(each[1] - each[2]).max() > 0
    np.testing.assert_allclose(several.outputs(x, CPU), np.mean(each, 0), rtol=1e-4)
    several.save(tmp_path / "several")
    np.testing.assert_array_equal(Model.load(tmp_path / "several").outputs(x, CPU), several.outputs(x, CPU))


def test_minutes_become_epochs_that_repeat_the_run(waves, fitted, tmp_path, monkeypatch):
    x, _ = fields(4, (32,), 2)
    monkeypatch.setattr("pare.learners.networks.training.steps.step_seconds", lambda step: step() and 10.0)
    run, data = waves("fno", (32,), train=16, top={"minutes": 1.1})  # 2 steps an epoch
    timed = Fit(run, data).model(tmp_path / "timed")
    assert len(timed.record["history"]) == 3
    np.testing.assert_array_equal(timed.outputs(x, CPU), fitted("fno", (32,), epochs=3).outputs(x, CPU))


def test_a_symmetry_of_the_training_is_one_of_the_predictions(fitted):
    model, (x, _) = fitted("u_net", (32, 32), train=16, symmetries=["square"]), fields(4, (32, 32), 2)
    turned = model.outputs(np.rot90(x, axes=(2, 3)).copy(), CPU)
    np.testing.assert_allclose(turned, np.rot90(model.outputs(x, CPU), axes=(2, 3)), rtol=1e-4)


def test_a_u_net_on_a_folded_grid_gives_every_point_of_an_odd_one(fitted):
    x, y = fields(4, (70,), 2)
    assert fitted("u_net", (70,), train=16, options={"fold": 2}).outputs(x, CPU).shape == y.shape


def test_a_grid_that_would_be_too_small_is_not_folded(fitted):
    x, _ = fields(4, (40,), 2)
    folded, plain = (
        fitted("u_net", (40,), train=16, options={"fold": fold}, folder=str(fold)).outputs(x, CPU) for fold in (2, 1)
    )
    np.testing.assert_array_equal(folded, plain)


@pytest.mark.parametrize("grid", [(16,), (17, 31), (16, 64), (16, 16, 16)])
def test_a_u_net_learns_from_a_last_batch_of_one_row_on_a_small_grid(grid, fitted):
    x, y = fields(4, grid, 2)
    found = fitted("u_net", grid, train=9).outputs(x, CPU)
    assert found.shape == y.shape and np.isfinite(found).all()


@pytest.mark.parametrize(("shape", "norm"), [((2, 3, 1), torch.nn.BatchNorm1d), ((1, 3, 2, 1), torch.nn.BatchNorm2d)])
def test_a_batch_norm_is_torchs_where_a_channel_has_two_values(shape, norm):
    x, own, torchs = torch.randn(shape), LenientBatchNorm(3), norm(3)
    assert torch.equal(own(x), torchs(x))
    assert all(torch.equal(value, torchs.state_dict()[name]) for name, value in own.state_dict().items())


def test_a_batch_norm_takes_running_statistics_where_a_channel_has_one_value():
    norm, x = LenientBatchNorm(3), torch.randn(1, 3, 1)
    norm(torch.randn(8, 3, 1))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    found = norm(x)
    assert torch.equal(found, norm.eval()(x))
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_transforms_are_in_single_precision_where_all_else_is_in_half(waves, monkeypatch):
    """On a CPU autocast itself would see to it, on a GPU it does not."""
    run, transform, seen = waves("fno", (16, 16))[0], torch.fft.rfftn, []
    network = build_fno(run.task, FnoOptions(**run.options))
    monkeypatch.setattr(torch.fft, "rfftn", lambda x, **options: seen.append(x.dtype) or transform(x, **options))
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.rand(2, 1, 16, 16)).dtype == torch.bfloat16
    assert seen == [torch.float32] * 2


def test_half_precision_is_recorded_and_learns_as_well(fitted):
    (x, y), model = fields(32, (40,), 2), fitted("u_net", (40,), epochs=10, precision="bf16")
    assert model.record["precision"] == "bf16"
    assert np.mean((model.outputs(x, CPU) - y) ** 2) < 0.5 * np.mean((y - y.mean(0)) ** 2)


@pytest.mark.parametrize(
    ("method", "grid", "more", "message"),
    [
        ("fno", (64,), {"field": (32,)}, r"fno predicts on the grid of the input, 64, and the field .* has 32 points"),
        (
            "u_net",
            (64, 15),
            {},
            r"u_net needs at least 16 points along each axis, and the task has 64×15; task .*method=choose",
        ),
        ("fno", (32,), {"optimiser": "Muon"}, r"complex weights, which Muon cannot learn; use .*AdamW"),
        ("fno", (32,), {"options": {"moddes": 3}}, r"options\.moddes.*Did you mean"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_any_file_is_brought(waves, method, grid, more, message):
    run, _ = waves(method, grid, **more)
    with pytest.raises(PareError, match=message):
        OperatorLearner().check(run)


def test_a_choice_is_told_why_a_network_does_not_suit(waves):
    assert OperatorLearner().suits(waves("u_net", (15,))[0]).startswith("needs at least 16 points")
    assert OperatorLearner().suits(waves("fno", (15,))[0]) == ""
