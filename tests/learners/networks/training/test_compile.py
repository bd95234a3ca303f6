"""Steps that torch compiles, or that keep less in memory, are whole and the same."""

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from pare.config.errors import PareError
from pare.learners.networks.models import load_backbone
from pare.learners.networks.models.backbones.loading import checkpoint_activations
from pare.learners.networks.training.epoch import Epoch
from step_kinds import KINDS, session

__all__ = ["session"]


def step(begun, number=0):
    epoch = Epoch(begun.setup, 0, None)
    batch = dict(epoch.batches())[number]
    proxy = epoch.mixed.step(number) if epoch.mixed else None
    return begun.steps.step(batch, proxy, epoch.draws(number))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pare", "finetune"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_objective_of_a_step_is_one_graph(session, kind, method):
    begun = session(kind, method, optimiser="AdamW", average=0.0)
    begun.setup.plan(2)
    torch._dynamo.reset()
    calls, forward = [], begun.setup.objective.forward
    begun.setup.objective.forward = lambda *args, **given: calls.append((args, given)) or forward(*args, **given)
    step(begun)
    begun.setup.objective.forward = forward
    ((args, given),) = calls
    found = torch._dynamo.explain(lambda: begun.setup.objective(*args, **given).total)()
    assert (found.graph_break_count, found.graph_count) == (0, 1), found.break_reasons


@pytest.mark.slow
def test_another_number_of_replaced_tokens_is_compiled_once_more_and_then_never(session):
    begun = session("labels of images")  # of 16 tokens: fewer than 8 rounds of a selection are a graph of their own
    begun.setup.plan(2)
    torch._dynamo.reset()
    counter = CompileCounter()
    begun.setup.objective.compile(backend=counter)
    epoch = Epoch(begun.setup, 0, None)
    (_, batch), *_ = epoch.batches()
    proxy = epoch.mixed.step(0)
    for k in (12, 10, 9, 5):
        begun.steps.step(batch, proxy._replace(k=k), epoch.draws(0))
    assert counter.frame_count <= 2


def weights(model):
    return model.predictor.network.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pare", "finetune"])
def test_a_compiled_training_and_one_that_keeps_less_are_the_same(
    train, table_run, table, tmp_path, monkeypatch, method
):
    """The graphs are run as they are: a machine may have no compiler of C."""
    original = torch.compile
    monkeypatch.setattr(torch, "compile", lambda *args, **given: original(*args, **{**given, "backend": "eager"}))
    torch._dynamo.reset()
    usual, *others = (
        weights(train(table_run({"method": method}, dropout=0.2, **way), table, tmp_path / str(number)))
        for number, way in enumerate(({}, {"compile": True}, {"activation_checkpointing": True}))
    )
    for other in others:
        assert usual.keys() == other.keys()
        assert all(torch.equal(usual[name], other[name]) for name in usual)


def test_how_a_step_is_computed_makes_no_other_model(table_run):
    one, other = table_run(), table_run(compile=True, activation_checkpointing=True)
    assert one.decisive() == other.decisive()


@pytest.mark.filterwarnings("error::FutureWarning")
def test_an_encoder_keeps_less_by_the_name_that_its_library_has_for_it(tiny_bert):
    backbone = load_backbone(tiny_bert, (6,))
    checkpoint_activations(backbone)
    assert any(getattr(part, "gradient_checkpointing", False) for part in backbone.encoder.modules())


def test_an_encoder_that_cannot_compute_its_blocks_twice_is_refused_with_what_else_saves_memory(tiny_bert):
    backbone = load_backbone(tiny_bert, (6,))
    backbone.encoder.supports_gradient_checkpointing = False
    with pytest.raises(PareError, match=r"family bert .*training.accumulation"):
        checkpoint_activations(backbone)
