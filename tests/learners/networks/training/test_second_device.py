"""A whole step of each kind of task on a device that is not the CPU, without having one.

`FakeTensorMode` computes shapes, types and devices without values. It refuses operations on two devices, and those that
read a number or whose shape depends on numbers. The second device is called ``meta``: torch without CUDA has no
gradients of fake CUDA tensors.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import _disable_current_modes

from pare.learners.networks.draws import Draws
from pare.learners.networks.training import on_device, optimisers
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.optimisers import WeightAverage, build_optimiser
from step_kinds import KINDS, session

__all__ = ["session"]
META = torch.device("meta")


@pytest.fixture
def second_device(monkeypatch):
    """Move a training to the second device, and tensors; random numbers are made there too."""
    mode, autocast = FakeTensorMode(allow_non_fake_inputs=True), torch.autocast

    def moved(tensor):
        return mode.from_tensor(tensor.detach()).to(META)

    def move(setup):
        for module in setup.objective.modules():
            for name, weight in list(module._parameters.items()):
                if weight is not None:
                    module._parameters[name] = torch.nn.Parameter(moved(weight), weight.requires_grad)
            for name, buffer in list(module._buffers.items()):
                if buffer is not None:
                    module._buffers[name] = moved(buffer)
        network = setup.network
        groups = network.parameter_groups(setup.training.new_learning_rate)
        setup.optimiser = build_optimiser(network, groups, setup.training)
        setup.average = WeightAverage(network, setup.training.average) if setup.training.average else None

    def drawn(draw, generator, shape):
        with _disable_current_modes():
            return moved(draw(shape, generator=generator, device=torch.device("cpu")))

    def on_host(self, draw):
        with _disable_current_modes():
            return draw((self.rows,), generator=self.generators.host).numpy()

    monkeypatch.setattr(Draws, "_drawn", staticmethod(drawn))
    monkeypatch.setattr(Draws, "on_host", on_host)
    monkeypatch.setattr(torch, "autocast", lambda kind, **given: autocast("cpu" if kind == "meta" else kind, **given))
    monkeypatch.setattr(optimisers, "_may_fuse", lambda _: False)  # torch refuses fused steps of meta
    monkeypatch.setattr(on_device, "PAUSE", 1000.0)
    return SimpleNamespace(mode=mode, move=move, moved=moved)


def makes_steps(begun, second_device, monkeypatch):
    """Make the steps of an epoch on the second device, and predict there; whether any was mixed."""
    setup = begun.setup
    setup.plan(2)
    epoch, mixtures = Epoch(setup, 0, None), []
    batches = list(epoch.batches())
    proxies = [epoch.mixed.step(number) if epoch.mixed else None for number, _ in batches]
    monkeypatch.setattr(type(setup.accelerator), "device", META)
    with second_device.mode:
        second_device.move(setup)
        for number, rows in batches:
            batch = {name: second_device.moved(values) for name, values in rows.items()}
            terms = begun.steps.step(batch, proxies[number], epoch.draws(number))
            epoch.note(terms)
            mixtures.append(terms.mixture)
            assert {loss.device for loss in terms.losses.values()} == {META}
        setup.network.eval()
        with torch.no_grad():
            predictions = setup.network.predict(batch["x"]), setup.network(batch["x"])
            assert all(found.device == META and found.shape == predictions[0].shape for found in predictions)
            setup.loss(predictions[0], batch["y"])
    assert all(weight.device == META for weight in setup.network.parameters())
    return any(mixtures)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pare", "finetune"])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_and_predictions_of_each_kind_stay_on_the_second_device(
    session, second_device, monkeypatch, kind, method
):
    begun = session(kind, method, class_weights=False)  # weights that the loss has from the set-up on
    assert makes_steps(begun, second_device, monkeypatch) is (method == "pare")


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.0, 9.0])
def test_steps_beside_a_solved_regression_stay_there(session, second_device, monkeypatch, width):
    begun, draw = session("fields"), np.random.default_rng(0)
    solution = draw.normal(size=(5, 256)), draw.normal(size=(5, 1, 16, 16)), np.zeros((1, 16, 16))
    begun.setup.network.anchor.set(np.zeros(256), *solution, width)
    begun.setup.training_rows.anchor = draw.normal(size=(20, 1, 16, 16)).astype(np.float32)
    assert makes_steps(begun, second_device, monkeypatch)


def test_a_number_that_is_read_is_refused(session, second_device):
    with second_device.mode, pytest.raises(Exception, match=r"_local_scalar_dense|item"):
        float(second_device.moved(torch.ones(3)).sum())
