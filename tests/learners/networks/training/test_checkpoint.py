import os
import shutil
import signal

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from pare.config import PareError
from pare.learners.networks.training.checkpoint import Checkpoint, Progress
from pare.storage import atomic


@pytest.fixture
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture
def parts(accelerator):
    """A model with its optimiser, after one step."""
    model = accelerator.prepare(nn.Linear(3, 2))
    optimiser = accelerator.prepare(torch.optim.AdamW(model.parameters(), lr=0.1))
    step(model, optimiser)
    return model, optimiser


def step(model, optimiser):
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    optimiser.zero_grad()


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def after(epochs, best, of=0):
    history = [{"epoch": 1}]
    return Progress("this run", of, epochs_done=epochs, best_epoch=best, best_value=0.5, history=history)


def test_a_new_folder_holds_no_progress(tmp_path):
    assert Checkpoint(tmp_path / "none").progress("this run") == Progress("this run")


def test_restored_weights_and_optimiser_take_the_same_next_step(accelerator, parts, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(accelerator, parts[0], after(1, 0))
    step(*parts)
    next_weights = weights(parts[0])
    step(*parts)
    checkpoint.restore(accelerator)
    step(*parts)
    assert equal(weights(parts[0]), next_weights)
    assert checkpoint.progress("this run") == after(1, 0)


def test_best_weights_outlive_worse_epochs(accelerator, parts, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    best = weights(parts[0])
    checkpoint.save(accelerator, parts[0], after(1, 0))
    for epoch in (2, 3):
        step(*parts)
        checkpoint.save(accelerator, parts[0], after(epoch, 0))
    assert equal(checkpoint.best_weights(), best)
    step(*parts)
    checkpoint.save(accelerator, parts[0], after(4, 3))
    assert equal(checkpoint.best_weights(), weights(parts[0]))


@pytest.mark.parametrize("because", ["it is the last", "the last save is long ago"])
def test_of_short_epochs_some_are_saved_and_the_best_weights_are_those_of_the_best(
    accelerator, parts, tmp_path, monkeypatch, because
):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(accelerator, parts[0], after(1, 0, of=9))
    first = weights(parts[0])
    step(*parts)
    best = weights(parts[0])
    for epoch in (2, 3):
        checkpoint.save(accelerator, parts[0], after(epoch, 1, of=9))
        step(*parts)
    assert checkpoint.progress("this run") == after(1, 0, of=9)
    assert equal(checkpoint.best_weights(), first)

    last = 9 if because == "it is the last" else 4
    monkeypatch.setattr("pare.learners.networks.training.checkpoint.PAUSE", 10.0 if last == 9 else 0.0)
    checkpoint.save(accelerator, parts[0], after(last, 1, of=9))
    assert checkpoint.progress("this run") == after(last, 1, of=9)
    assert equal(checkpoint.best_weights(), best)
    latest = weights(parts[0])
    step(*parts)
    checkpoint.restore(accelerator)
    assert equal(weights(parts[0]), latest)


def test_the_checkpoint_of_another_run_is_removed(accelerator, parts, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(accelerator, parts[0], after(1, 0))
    assert checkpoint.progress("another run") == Progress("another run")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_killed_while_one_checkpoint_took_the_place_of_another_goes_on_from_it(
    accelerator, parts, tmp_path
):
    checkpoint, other = Checkpoint(tmp_path / "run" / "checkpoint"), Checkpoint(tmp_path / "other")
    checkpoint.save(accelerator, parts[0], after(1, 0))
    other.save(accelerator, parts[0], after(2, 1))
    child = os.fork()
    if child == 0:
        atomic.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        with atomic.atomic_path(checkpoint.folder) as unfinished:
            shutil.copytree(other.folder, unfinished)
    os.waitpid(child, 0)
    assert not checkpoint.folder.exists()
    assert checkpoint.progress("this run") == after(2, 1)
    assert list(checkpoint.folder.parent.iterdir()) == [checkpoint.folder]


def test_what_killed_runs_left_goes_with_the_checkpoint_of_another_run(accelerator, parts, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(accelerator, parts[0], after(1, 0))
    child = os.fork()
    if child == 0:
        with atomic.atomic_path(checkpoint.folder) as unfinished:
            unfinished.mkdir()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 2
    checkpoint.progress("another run")
    assert list(tmp_path.iterdir()) == []


def test_a_save_that_fails_leaves_the_previous_checkpoint_whole(accelerator, parts, tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(accelerator, parts[0], after(1, 0))

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("pare.learners.networks.training.checkpoint.save_file", full)
    with pytest.raises(PareError, match="no space left"):
        checkpoint.save(accelerator, parts[0], after(2, 1))
    assert checkpoint.progress("this run") == after(1, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("content", [b"", b"half", b"[1]", b"{}", b"\x80\x02}q\x00."])
@pytest.mark.parametrize("name", ["progress.json", "model.safetensors", "optimizer.bin", "best.safetensors"])
def test_a_damaged_checkpoint_says_what_to_delete(accelerator, parts, tmp_path, name, content):
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.save(accelerator, parts[0], after(1, 0))
    assert (checkpoint.folder / name).is_file()
    (checkpoint.folder / name).write_bytes(content)
    with pytest.raises(PareError, match=r"checkpoint is damaged .*; delete that folder"):
        checkpoint.progress("this run")
        checkpoint.restore(accelerator)
        checkpoint.best_weights()
