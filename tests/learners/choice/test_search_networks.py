"""Networks for fields in a search: which are compared, how long each trains, and which are left out."""

import numpy as np
import pytest

from pare.config import resolve_choice
from pare.learners.choice import processes
from pare.learners.choice import search as module
from pare.learners.choice.search import Search
from pare.learners.choice.tried import HeldOut
from pare.storage.store import ArrayStore, write_store

PERIODIC = "pdebench_navier_stokes_1d"  # where an FNO is a candidate, so there are three networks


@pytest.fixture
def of_fields(library, parameters, tmp_path, monkeypatch):
    """A search on five held-out fields, which each candidate predicts but for noise of a seed and a size."""

    def make(noise: dict[str, tuple[int, float]], at_a_time: int = 1, task: str = PERIODIC) -> Search:
        fields = np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype(np.float32)
        rows = {"train": 15, "validation": 5, "test": 0}
        blocks = [("train", {"x": fields[:15], "y": fields[:15]}), ("validation", {"x": fields[15:], "y": fields[15:]})]
        write_store(tmp_path / "f.h5", rows=rows, blocks=blocks, statistics={}, fingerprint="f", description={})

        def held_out(run, store, source, folder):
            truth = store.rows("test").read(0, 5)["y"]
            seed, size = noise[run.method_name]
            added = np.random.default_rng(seed).normal(0, size, truth.shape)
            return HeldOut((truth + added).astype(np.float32), truth, 60.0)

        monkeypatch.setattr(module, "held_out", held_out)
        monkeypatch.setattr(module, "fits_at_a_time", lambda: at_a_time)
        monkeypatch.setattr(module, "side_by_side", lambda jobs, most: processes.side_by_side(jobs, 1))
        asked = {**parameters, "task": task, "method": "choose", "minutes": 10}
        return Search(resolve_choice(library, asked, {}), ArrayStore(tmp_path / "f.h5"), None, tmp_path)

    return make


def test_of_networks_that_minutes_bound_the_best_has_all_that_are_left(of_fields):
    errors = {"probe": 0.5, "kernel_ridge": 0.2, "fno": 0.12, "u_net": 0.1, "finetune": 0.11}
    one = of_fields({name: (seed, error) for seed, (name, error) in enumerate(errors.items())})
    assert [tried.name for tried in one.finished()] == ["probe", "kernel_ridge", "u_net"]
    left_out = {tried.name: tried.left_out for tried in one.tried}
    assert left_out["fno"] == left_out["finetune"] == "the time that is left is for the best: u_net"
    final = one.final(["kernel_ridge", "u_net"])
    assert final["u_net"].options["minutes"] == pytest.approx(5)
    assert "minutes" not in final["kernel_ridge"].options


def test_next_to_a_network_that_is_not_compared_the_best_of_the_others_is_trained(of_fields):
    """Four fits of a minute: two one after the other, and two networks side by side; fine-tuning waits for its turn."""
    errors = {"probe": 0.5, "kernel_ridge": 0.2, "fno": 0.12, "u_net": 0.1}
    one = of_fields({name: (seed, error) for seed, (name, error) in enumerate(errors.items())}, at_a_time=2)
    assert [tried.name for tried in one.finished()] == ["probe", "kernel_ridge", "u_net"]
    assert one.tried[2].left_out == "the time that is left is for the best: u_net"
    final = one.final(["kernel_ridge", "u_net"])
    assert one.left == pytest.approx(60 * (10 - 2 - 1))
    assert final["u_net"].options["minutes"] == final["finetune"].training.minutes == pytest.approx(7)


def test_two_networks_that_are_trained_side_by_side_have_all_minutes_that_are_left_each(of_fields):
    """Five fits of a minute: two one after the other, and three networks, two at a time."""
    errors = {"probe": 0.5, "kernel_ridge": 0.2, "fno": 0.12, "u_net": 0.11, "finetune": 0.1}
    one = of_fields({name: (seed, error) for seed, (name, error) in enumerate(errors.items())}, at_a_time=2)
    one.run = one.run.model_copy(update={"uncompared": []})
    assert [tried.name for tried in one.finished()] == ["probe", "kernel_ridge", "u_net", "finetune"]
    assert one.tried[2].left_out == "the time that is left is for the best: finetune and u_net"
    final = one.final(["kernel_ridge", "u_net", "finetune"])
    assert one.left == pytest.approx(60 * (10 - 2 - 2))
    assert final["u_net"].options["minutes"] == final["finetune"].training.minutes == pytest.approx(6)


def test_a_network_that_is_far_behind_is_not_trained_further(of_fields):
    errors = {"probe": 0.05, "kernel_ridge": 0.2, "fno": 0.5, "u_net": 0.6}
    one = of_fields({name: (seed, error) for seed, (name, error) in enumerate(errors.items())}, at_a_time=2)
    assert [tried.name for tried in one.finished()] == ["probe", "kernel_ridge"]
    assert one.tried[2].left_out == "its loss was more than 3 times the least"
    assert list(one.final(["probe"])) == ["probe", "finetune"]


def test_networks_that_can_all_be_trained_side_by_side_are_not_compared(of_fields):
    noise = {"probe": (0, 0.5), "kernel_ridge": (1, 0.2)}
    one = of_fields(noise, at_a_time=2, task="darcy_flow")
    assert [tried.name for tried in one.finished()] == ["probe", "kernel_ridge"]
    final = one.final(["kernel_ridge"])
    assert list(final) == ["kernel_ridge", "u_net", "finetune"]
    assert (final["u_net"].options["minutes"], final["finetune"].training.minutes) == (8, 8)


def test_networks_are_compared_where_there_is_nothing_else_or_no_validation_rows_that_tell_of_them(of_fields):
    noise = {"probe": (0, 0.5), "kernel_ridge": (1, 0.2), "fno": (2, 0.12), "u_net": (3, 0.11), "finetune": (4, 0.1)}
    folds = of_fields(noise, at_a_time=3)
    folds.run = folds.run.model_copy(update={"folds": 2})
    alone = of_fields(noise, at_a_time=3)
    alone.tried = alone.tried[2:]
    for one, count in ((folds, 5), (alone, 3)):
        assert len(one.finished()) == count


def test_a_network_without_a_share_is_trained_further_where_validation_rows_tell_what_it_is_worth_then(of_fields):
    errors = {"probe": 0.05, "kernel_ridge": 0.5, "fno": 0.12, "u_net": 0.1, "finetune": 0.11}
    one = of_fields({name: (seed, error) for seed, (name, error) in enumerate(errors.items())})
    one.finished()
    assert list(one.final(["probe"])) == ["probe", "u_net"]
    one.run = one.run.model_copy(update={"folds": 2})
    assert list(one.final(["probe"])) == ["probe"]


def test_networks_that_wait_for_their_turn_have_their_time_reserved(of_fields, monkeypatch):
    """Of five minutes two fits take two and need two more; the two fits of the FNO need the last one."""
    errors = {"probe": 0.5, "kernel_ridge": 0.2, "fno": 0.12, "u_net": 0.11, "finetune": 0.1}
    one = of_fields({name: (seed, error) for seed, (name, error) in enumerate(errors.items())})
    one.run = one.run.model_copy(update={"minutes": 5.0})
    monkeypatch.setattr(module, "_expected", lambda run: 30.0 if module.is_bounded(run) else 0.0)
    one.finished()
    assert {tried.name for tried in one.tried if not tried.left_out} == {"probe", "kernel_ridge", "fno"}
    assert one.tried[3].left_out == "no time: about 1 min 0 s are needed, 0 s are left"


def test_of_a_training_in_minutes_that_kept_its_start_it_is_said_that_it_may_leave_it(of_fields):
    same = {"probe": (0, 0.5), "kernel_ridge": (0, 0.5), "fno": (1, 0.1), "u_net": (2, 0.2), "finetune": (0, 0.5)}
    one = of_fields(same)
    one.finished()
    left_out = {tried.name: tried.left_out for tried in one.tried}
    assert left_out["kernel_ridge"] == "after fold 1: predicts what probe does"
    assert left_out["finetune"] == "after fold 1: predicts what probe does; with more minutes it may not"
