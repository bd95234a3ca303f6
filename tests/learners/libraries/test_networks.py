"""Networks for fields learn a small linear map, in physical units."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pare.learners.libraries.networks import ESTIMATORS, FnoOptions, UNetOptions
from pydantic import ValidationError

from pare.config import PareError
from pare.learners.libraries import networks

TRAINING = {"batch_size": 8, "learning_rate": 1e-2, "weight_decay": 1e-4}
FNO = {"modes": 6, "width": 8, "layers": 2}
FITS = {
    "fno": lambda problem, epochs, **more: ESTIMATORS["fno"].fit(
        problem, FnoOptions(epochs=epochs, **TRAINING | FNO | more)
    ),
    "u_net": lambda problem, epochs, **more: ESTIMATORS["u_net"].fit(
        problem, UNetOptions(epochs=epochs, features=(4, 4, 4, 4, 4, 4), **TRAINING | more)
    ),
}


def fields(n, grid, seed):
    """Random waves, and what a shift and an offset of 100 make of them, ``(n, 1, *grid)`` each."""
    draw = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(0, 2 * np.pi, points) for points in grid], indexing="ij")
    phases, sizes = draw.uniform(0, 2 * np.pi, (n, 1)), draw.normal(size=(n, 1))
    x = sizes[:, None] * np.sin(np.stack(axes).sum(0).reshape(1, 1, -1) + phases[:, None])
    x = x.reshape(n, 1, *grid).astype(np.float32)
    return x, (100 + 20 * np.roll(x, 3, axis=-1)).astype(np.float32)


@pytest.fixture
def waves(problem):
    def waves(grid, train=64):
        splits = {"train": fields(train, grid, 0), "validation": fields(16, grid, 1)}
        y = splits["train"][1]
        statistics = {"y_mean": y.mean(0), "y_scale": y.std(0)}
        return problem("dense", statistics=statistics, **splits)

    return waves


@pytest.mark.parametrize("grid", [(40,), (33, 32)])
@pytest.mark.parametrize("name", FITS)
def test_a_shift_is_learnt_better_than_the_mean_in_the_units_of_the_data(name, grid, waves):
    x, y = fields(32, grid, 2)
    fitted = FITS[name](waves(grid), 10)
    found = fitted.predict(x)
    assert found.shape == y.shape and found.dtype == np.float32
    assert np.mean((found - y) ** 2) < 0.5 * np.mean((y - y.mean(0)) ** 2)
    assert 1 <= fitted.best_epoch <= fitted.passes == 10


@pytest.mark.parametrize("name", FITS)
def test_the_same_seed_gives_the_same_predictions(name, waves):
    problem = waves((32,), 16)
    x, _ = fields(4, (32,), 2)
    one, again, other = (
        FITS[name](each, 1).predict(x) for each in (problem, problem, replace(problem, seed=problem.seed + 1))
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0


def test_the_best_validation_epoch_is_kept(waves):
    problem, values = waves((32,), 16), iter([3.0, 1.0, 2.0])
    seen = []

    class Scripted(type(problem.metric)):
        def update(self, prediction, target):
            seen.append(prediction)

        def compute(self):
            return torch.tensor(next(values))

    fitted = FITS["fno"](replace(problem, metric=Scripted()), 3)
    assert fitted.best_epoch == 2
    np.testing.assert_allclose(fitted.predict(problem.validation.array("x")), np.concatenate(seen[2:4]), rtol=1e-5)


def test_a_loss_that_is_not_finite_ends_the_training(waves):
    broken = replace(waves((32,), 16), loss=lambda prediction, target: prediction.mean() * float("nan"))
    with pytest.raises(PareError, match=r"loss is nan in epoch 1; lower options\.learning_rate"):
        FITS["fno"](broken, 1)


def test_a_symmetry_of_the_training_is_one_of_the_predictions(waves):
    fitted = FITS["u_net"](replace(waves((32, 32), 16), symmetries=("square",)), 1)
    x, _ = fields(4, (32, 32), 2)
    turned = fitted.predict(np.rot90(x, axes=(2, 3)).copy())
    np.testing.assert_allclose(turned, np.rot90(fitted.predict(x), axes=(2, 3)), rtol=1e-4)


def test_a_u_net_on_a_folded_grid_gives_every_point_of_an_odd_one(waves):
    x, y = fields(4, (70,), 2)
    assert FITS["u_net"](waves((70,), 16), 1, fold=2).predict(x).shape == y.shape


def test_minutes_become_epochs_that_repeat_the_run(waves, monkeypatch):
    problem, (x, _) = waves((32,), 16), fields(4, (32,), 2)
    monkeypatch.setattr("pare.learners.libraries.networks.step_seconds", lambda step: step() and 1.0)
    fitted = FITS["fno"](problem, None, minutes=0.1)  # 2 steps an epoch
    assert fitted.passes == 3
    np.testing.assert_array_equal(fitted.predict(x), FITS["fno"](problem, fitted.passes).predict(x))


@pytest.mark.parametrize("name", FITS)
def test_several_trainings_are_averaged_and_read_again(name, waves, tmp_path):
    problem, (x, _) = waves((32,), 16), fields(4, (32,), 2)
    fitted, single = (FITS[name](problem, 2, members=members) for members in (3, 1))
    members = fitted.model.layers.members
    assert (len(members), len(fitted.members), single.members) == (3, 3, ())
    with torch.no_grad():
        each = [fitted.model.units(layers(torch.from_numpy(x))).numpy() for layers in members]
    np.testing.assert_array_equal(each[0], single.predict(x))
    assert np.abs(each[1] - each[2]).max() > 0
    np.testing.assert_allclose(fitted.predict(x), np.mean(each, 0), rtol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.model.write(tmp_path)
    run = SimpleNamespace(task=problem.task, training=SimpleNamespace(symmetries=()))
    options = (
        FnoOptions(epochs=2, **TRAINING | FNO)
        if name == "fno"
        else UNetOptions(epochs=2, features=(4, 4, 4, 4, 4, 4), **TRAINING)
    )
    np.testing.assert_array_equal(ESTIMATORS[name].load(tmp_path, run, options).predict(x), fitted.predict(x))


def test_minutes_in_which_several_trainings_fit_make_several(waves, monkeypatch):
    monkeypatch.setattr("pare.learners.libraries.networks.step_seconds", lambda step: 1.0)
    fitted = FITS["fno"](waves((32,), 16), None, minutes=0.171, member_epochs=2)  # 2 steps an epoch: 5 epochs
    assert (fitted.passes, len(fitted.members)) == (2, 2)


def test_a_machine_that_becomes_slower_leaves_epochs_out(waves, monkeypatch):
    """Of five epochs of 2 s the second takes 100 s, so that only the last one follows, with its learning rate."""
    now, validated, rates = [0.0], iter([2.0] * 6 + [100.0, 2.0]), []
    original, step = networks._validate, networks._Steps.step

    def later(*given):
        now[0] += next(validated)
        return original(*given)

    def noted(self, batch, place):
        rates.append((place, self.optimiser.param_groups[0]["lr"]))
        return step(self, batch, place)

    monkeypatch.setattr(networks.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(networks, "_validate", later)
    monkeypatch.setattr(networks._Steps, "step", noted)
    problem = waves((32,), 16)
    plain = FITS["fno"](problem, 5)
    planned, rates[:] = dict(rates), []
    monkeypatch.setattr(networks, "_epochs_that_fit", lambda *_: 5)
    late = FITS["fno"](problem, None, minutes=0.171)
    assert [place for place, _ in rates[::2]] == ["epoch 1", "epoch 2", "epoch 5"]
    assert dict(rates)["epoch 5"] == pytest.approx(planned["epoch 5"])
    assert plain.passes == late.passes == 5


def test_a_field_on_another_grid_is_refused(problem):
    x, y = fields(16, (64,), 0)
    with pytest.raises(PareError, match=r"on the grid of the input, 64, and the field of the task has 32 points"):
        FITS["fno"](problem("dense", train=(x, y[..., ::2])), 1)


def test_a_training_without_an_end_is_refused():
    with pytest.raises(ValidationError, match="some minutes or some epochs, found neither"):
        FnoOptions(**TRAINING, **FNO)


def test_a_grid_that_cannot_be_halved_four_times_is_refused(waves):
    with pytest.raises(PareError, match=r"halves the grid four times.*the task has 20; use method=fno"):
        FITS["u_net"](waves((20,), 16), 1)


def test_a_grid_that_would_be_too_small_is_not_folded(waves):
    problem, (x, _) = waves((40,), 16), fields(4, (40,), 2)
    folded, plain = (FITS["u_net"](problem, 1, fold=fold).predict(x) for fold in (2, 1))
    np.testing.assert_array_equal(folded, plain)


def test_half_precision_is_recorded_and_learns_as_well(waves):
    x, y = fields(32, (40,), 2)
    fitted = FITS["u_net"](waves((40,)), 10, precision="bf16")
    assert fitted.precision == "bf16"
    assert np.mean((fitted.predict(x) - y) ** 2) < 0.5 * np.mean((y - y.mean(0)) ** 2)


def test_a_u_net_learns_by_muon(waves):
    x, y = fields(32, (40,), 2)
    found, by_adamw = (FITS["u_net"](waves((40,)), 10, optimiser=name).predict(x) for name in ("Muon", "AdamW"))
    assert np.mean((found - y) ** 2) < 0.5 * np.mean((y - y.mean(0)) ** 2)
    assert not np.allclose(found, by_adamw)


def test_muon_is_refused_for_weights_that_are_complex():
    with pytest.raises(ValidationError, match="'AdamW'"):
        FnoOptions(epochs=1, **TRAINING, **FNO, optimiser="Muon")
