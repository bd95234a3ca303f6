import os
import shutil
import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from pare.config import PareError
from pare.learners.networks.training.checkpoint import Checkpoint, Progress
from pare.storage import atomic
from pare.storage.checksums import write_checksums


@pytest.fixture
def parts():
    """A model with frozen weights, and its optimiser, after one step."""
    model = nn.Sequential(nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 2))
    optimiser = torch.optim.AdamW(model[1].parameters(), lr=0.1)
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
    checkpoint = Checkpoint(tmp_path / "checkpoint", parts[0], {"optimiser": parts[1]})
    checkpoint.note_best(nullcontext())
    return checkpoint


@pytest.fixture
def again(parts, tmp_path):
    """That checkpoint, as another process opens it."""
    return lambda: Checkpoint(tmp_path / "checkpoint", parts[0], {"optimiser": parts[1]})


def save(checkpoint, *epochs):
    with checkpoint:
        for number in epochs:
            checkpoint.save(after(number))


def saves(tmp_path):
    return sorted(path.name for path in (tmp_path / "checkpoint").iterdir())


def test_a_new_folder_holds_no_progress(again):
    assert again().progress("this run") == Progress("this run")


def test_restored_weights_and_optimiser_take_the_same_next_step(parts, checkpoint, again):
    save(checkpoint, 1)
    step(*parts)
    next_weights = weights(parts[0])
    step(*parts)
    other = again()
    assert other.progress("this run") == after(1)
    other.restore()
    step(*parts)
    assert equal(weights(parts[0]), next_weights)


def test_best_weights_outlive_worse_epochs(parts, checkpoint, again):
    best = weights(parts[0])
    for epoch in (1, 2, 3):
        step(*parts)
        save(checkpoint, epoch)
        other = again()
        other.progress("this run")
        other.restore()
        assert equal(other.best, best) and not equal(weights(parts[0]), best)


def test_weights_are_written_once_where_the_best_are_the_last_and_frozen_ones_never(checkpoint, again, parts, tmp_path):
    best = weights(parts[0])
    save(checkpoint, 1)
    files = {path.name for path in (tmp_path / "checkpoint" / "1").iterdir()}
    assert files == {"model.safetensors", "learning.pt", "progress.json", "checksums.json"}
    assert load_file(tmp_path / "checkpoint" / "1" / "model.safetensors").keys() == {"1.weight", "1.bias"}
    step(*parts)
    other = again()
    other.progress("this run")
    other.restore()
    assert equal(weights(parts[0]), best) and other.best.keys() == best.keys() and equal(other.best, best)


def test_the_training_goes_on_while_its_state_is_written(checkpoint, again, parts, monkeypatch):
    state, written, may_write = weights(parts[0]), checkpoint._write, threading.Event()
    monkeypatch.setattr(checkpoint, "_write", lambda *files: (may_write.wait(), written(*files))[1])
    with checkpoint:
        checkpoint.save(after(1))
        step(*parts)
        assert again().progress("this run") == Progress("this run")
        may_write.set()
    other = again()
    assert other.progress("this run") == after(1)
    other.restore()
    assert equal(weights(parts[0]), state)


@pytest.mark.parametrize("ended", [False, True])
def test_what_fails_in_the_background_ends_the_training(checkpoint, monkeypatch, caplog, ended):
    monkeypatch.setattr(checkpoint, "_write", Mock(side_effect=PareError("no space left")))
    with checkpoint, pytest.raises(PareError, match="no space left"):
        checkpoint.save(after(1))
        while True:  # as the loop asks after each step
            checkpoint.is_due(600.0, within=True)
    with pytest.raises(KeyboardInterrupt if ended else PareError), checkpoint:
        checkpoint.save(after(2))
        if ended:
            raise KeyboardInterrupt
    assert caplog.messages == (["no space left"] if ended else [])


@pytest.mark.parametrize(("learnt", "seconds"), [(True, 400), (False, 10)])  # 100 times 2 GB at half a GB a second
def test_the_first_save_is_due_by_the_size_of_what_is_learnt(tmp_path, monkeypatch, learnt, seconds):
    now = [0.0]
    for clock in ("monotonic", "process_time"):
        monkeypatch.setattr(f"time.{clock}", lambda: now[0])
    network = nn.Linear(10_000, 12_500, bias=False, device="meta").requires_grad_(learnt)
    checkpoint = Checkpoint(tmp_path, network, {})
    now[0] = seconds - 1.0
    assert not checkpoint.is_due(600.0)
    now[0] = seconds + 1.0
    assert checkpoint.is_due(600.0) and not checkpoint.is_due(600.0, within=True)


def test_a_later_save_is_due_by_what_saving_costs_and_what_may_be_lost(checkpoint, monkeypatch):
    now = [0.0]
    for clock in ("monotonic", "process_time"):
        monkeypatch.setattr(f"time.{clock}", lambda: now[0])
    monkeypatch.setattr(Checkpoint, "_write", lambda *_: 0.2)  # seconds of the CPU

    def copied(value):
        now[0] += 0.1 / 8  # tensors: two of the network, six of the optimiser
        return value

    monkeypatch.setattr("pare.learners.networks.training.checkpoint._copied", copied)
    checkpoint.best.clear()
    save(checkpoint, 1)
    due = {}
    for name, most, within in (("costly", 600.0, False), ("short", 5.0, False), ("within", 600.0, True)):
        now[0] = 0.3
        while not checkpoint.is_due(most, within=within):
            now[0] += 1
        due[name] = now[0] - 0.3
    assert due == pytest.approx({"costly": 30, "short": 5, "within": 600})


def test_no_save_is_due_while_other_programs_have_the_cores_but_by_what_may_be_lost(checkpoint, monkeypatch):
    clock = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: clock + 599)
    assert not checkpoint.is_due(600.0)
    monkeypatch.setattr("time.monotonic", lambda: clock + 601)
    assert checkpoint.is_due(600.0)


def test_the_checkpoint_of_another_run_is_removed_with_what_killed_runs_left(checkpoint, again, tmp_path):
    save(checkpoint, 1)
    child = os.fork()
    if child == 0:
        torch.save = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        save(checkpoint, 2)
    os.waitpid(child, 0)
    assert len(saves(tmp_path)) > 1
    assert again().progress("another run") == Progress("another run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("killed", ["before it has its name", "before the older one goes"])
def test_a_run_that_was_killed_while_it_saved_goes_on_from_a_whole_save(checkpoint, again, tmp_path, killed):
    save(checkpoint, 1, 2)
    child = os.fork()
    if child == 0:
        owner, name = (atomic.os, "replace") if "name" in killed else (shutil, "rmtree")
        setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        save(checkpoint, 3)
    os.waitpid(child, 0)
    other = again()
    assert other.progress("this run") == after(2 if "name" in killed else 3)
    save(other, 4)
    save(other, 5)
    assert len(saves(tmp_path)) == 2
    assert again().progress("this run") == after(5)


def test_a_save_that_fails_leaves_the_previous_checkpoint_whole(checkpoint, again, tmp_path, monkeypatch):
    save(checkpoint, 1)

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("pare.learners.networks.training.checkpoint.save_file", full)
    with pytest.raises(PareError, match="no space left"):
        save(checkpoint, 2)
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
    checkpoint, again, tmp_path, caplog, damage
):
    save(checkpoint, 1, 2)
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
    save(other, 2)
    assert saves(tmp_path) == ["1", "3"]


def test_none_of_a_hundred_flipped_bits_is_silent(checkpoint, again, parts, tmp_path):
    rng = np.random.default_rng(0)
    step(*parts)
    save(checkpoint, 1)
    files = [*(tmp_path / "checkpoint" / "1").iterdir()]
    assert {"model.safetensors", "learning.pt", "best.safetensors", "progress.json"} < {file.name for file in files}
    for number in range(100):
        path = files[number % len(files)]
        kept = path.read_bytes()
        flip(path, rng)
        with pytest.raises(PareError, match=r"checkpoint is damaged: .*; delete .*checkpoint, and"):
            again().progress("this run")
        path.write_bytes(kept)
    assert again().progress("this run") == after(1)


def test_a_checkpoint_of_another_version_is_refused(checkpoint, again, tmp_path):
    save(checkpoint, 1)
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
