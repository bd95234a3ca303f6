import os
import shutil
import signal
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from pare.config import PareError
from pare.learners.networks.training.checkpoint import Checkpoint, Progress
from pare.storage import atomic
from pare.storage.checksums import write_checksums


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


def after(epochs, of=9):
    return Progress("this run", of, epochs_done=epochs, best_epoch=0, best_value=0.5, history=[{"epoch": 1}])


@pytest.fixture
def checkpoint(parts, tmp_path):
    """A checkpoint that knows the weights after one step as the best ones."""
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.note_best(parts[0], nullcontext())
    return checkpoint


@pytest.fixture
def again(tmp_path):
    """That checkpoint, as another process opens it."""
    return lambda: Checkpoint(tmp_path / "checkpoint")


def saves(tmp_path):
    return sorted(path.name for path in (tmp_path / "checkpoint").iterdir())


def test_a_new_folder_holds_no_progress(again):
    assert again().progress("this run") == Progress("this run")


def test_restored_weights_and_optimiser_take_the_same_next_step(accelerator, parts, checkpoint, again):
    checkpoint.save(accelerator, after(1))
    step(*parts)
    next_weights = weights(parts[0])
    step(*parts)
    other = again()
    assert other.progress("this run") == after(1)
    other.restore(accelerator)
    step(*parts)
    assert equal(weights(parts[0]), next_weights)


def test_best_weights_outlive_worse_epochs(accelerator, parts, checkpoint, again):
    best = weights(parts[0])
    for epoch in (1, 2, 3):
        step(*parts)
        checkpoint.save(accelerator, after(epoch))
        other = again()
        other.progress("this run")
        other.restore(accelerator)
        assert equal(other.best, best) and not equal(weights(parts[0]), best)


def test_a_save_is_due_at_once_and_later_by_what_saving_costs_and_what_may_be_lost(
    accelerator, checkpoint, monkeypatch
):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(Checkpoint, "_write", lambda *_: now.__setitem__(0, now[0] + 0.3))
    monkeypatch.setattr("pare.learners.networks.training.checkpoint.atomic_path", nullcontext)
    assert checkpoint.is_due(600.0) and not checkpoint.is_due(1e9, within=True)
    checkpoint.save(accelerator, after(1))
    due = {}
    for name, most, within in (("costly", 600.0, False), ("short", 5.0, False), ("within", 600.0, True)):
        now[0] = 0.3
        while not checkpoint.is_due(most, within=within):
            now[0] += 1
        due[name] = now[0] - 0.3
    assert due == pytest.approx({"costly": 30, "short": 5, "within": 600})


def test_the_checkpoint_of_another_run_is_removed_with_what_killed_runs_left(accelerator, checkpoint, again, tmp_path):
    checkpoint.save(accelerator, after(1))
    child = os.fork()
    if child == 0:
        checkpoint._write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        checkpoint.save(accelerator, after(2))
    os.waitpid(child, 0)
    assert len(saves(tmp_path)) > 1
    assert again().progress("another run") == Progress("another run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("killed", ["before it has its name", "before the older one goes"])
def test_a_run_that_was_killed_while_it_saved_goes_on_from_a_whole_save(
    accelerator, checkpoint, again, tmp_path, killed
):
    checkpoint.save(accelerator, after(1))
    checkpoint.save(accelerator, after(2))
    child = os.fork()
    if child == 0:
        owner, name = (atomic.os, "replace") if "name" in killed else (shutil, "rmtree")
        setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        checkpoint.save(accelerator, after(3))
    os.waitpid(child, 0)
    other = again()
    assert other.progress("this run") == after(2 if "name" in killed else 3)
    other.save(accelerator, after(4))
    other.save(accelerator, after(5))
    assert len(saves(tmp_path)) == 2
    assert again().progress("this run") == after(5)


def test_a_save_that_fails_leaves_the_previous_checkpoint_whole(accelerator, checkpoint, again, tmp_path, monkeypatch):
    checkpoint.save(accelerator, after(1))

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("pare.learners.networks.training.checkpoint.save_file", full)
    with pytest.raises(PareError, match="no space left"):
        checkpoint.save(accelerator, after(2))
    assert again().progress("this run") == after(1)
    assert saves(tmp_path) == ["1"]


def flip(path, rng):
    content = bytearray(path.read_bytes())
    place = rng.integers(len(content))
    content[place] ^= 1 << rng.integers(8)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_text("{}")]
)
def test_where_the_last_save_is_damaged_that_before_it_is_used_with_a_sentence(
    accelerator, checkpoint, again, tmp_path, caplog, damage
):
    checkpoint.save(accelerator, after(1))
    checkpoint.save(accelerator, after(2))
    for path in [*(tmp_path / "checkpoint" / "2").iterdir()]:
        kept = path.read_bytes()
        damage(path)
        caplog.clear()
        assert again().progress("this run") == after(1)
        (said,) = caplog.messages
        assert path.name in said and str(path.parent) in said and said.endswith("; going on from the one before it.")
        path.write_bytes(kept)
    assert again().progress("this run") == after(2)
    damage(path)
    other = again()
    other.progress("this run")
    other.save(accelerator, after(2))
    assert saves(tmp_path) == ["1", "3"]


def test_none_of_a_hundred_flipped_bits_is_silent(accelerator, checkpoint, again, tmp_path):
    rng = np.random.default_rng(0)
    checkpoint.save(accelerator, after(1))
    files = [*(tmp_path / "checkpoint" / "1").iterdir()]
    assert {"model.safetensors", "optimizer.bin", "best.safetensors", "progress.json"} < {file.name for file in files}
    for number in range(100):
        path = files[number % len(files)]
        kept = path.read_bytes()
        flip(path, rng)
        with pytest.raises(PareError, match=r"checkpoint is damaged: .*; delete .*checkpoint, and"):
            again().progress("this run")
        path.write_bytes(kept)
    assert again().progress("this run") == after(1)


def test_a_checkpoint_of_another_version_is_refused(accelerator, checkpoint, again, tmp_path):
    checkpoint.save(accelerator, after(1))
    folder = tmp_path / "checkpoint" / "1"
    (folder / "progress.json").write_text('{"fingerprint": "this run", "steps": 3}')
    (folder / "checksums.json").unlink()
    write_checksums(folder)
    with pytest.raises(PareError, match=r"of another version .*'steps'.*; go on with that version, or delete"):
        again().progress("this run")
    for path in folder.iterdir():
        path.rename(tmp_path / "checkpoint" / path.name)
    folder.rmdir()
    with pytest.raises(PareError, match=r"of another version .*0\.1\.0.*; go on with that version, or delete"):
        again().progress("this run")
