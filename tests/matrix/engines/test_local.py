"""Processes on this machine: order, needs, places and GPUs, and that none outlives the plan."""

import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import closing
from itertools import pairwise
from types import SimpleNamespace

import pytest

from pare.config import PareError
from pare.matrix import launch
from pare.matrix.engines import Settings, local
from pare.matrix.engines.local import gpus, run_local, workers_of


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine of eight cores with 16 GiB of free memory, no GPU, and no patience; a test may change it."""

    def machine(cores=8, found=(), free_mb=16384):
        monkeypatch.setattr(local, "gpus", lambda: [*found])
        monkeypatch.setattr(local.joblib, "cpu_count", lambda: cores)
        monkeypatch.setattr(local.psutil, "virtual_memory", lambda: SimpleNamespace(available=free_mb * 2**20))

    monkeypatch.setattr(local, "TICK_S", 0.02)
    machine()
    return machine


@pytest.fixture
def run(fake):
    """Run some jobs to the end; the events."""

    def run(*jobs, **settings):
        settings = Settings(fake.project, fake.folder, **settings)
        return [event for happened in run_local(fake.plan(*jobs), settings) for event in happened]

    return run


def kinds(events):
    return [(event.kind, event.job.name) for event in events]


def together(fake, names):
    """The most of some jobs that ran at a time, by what they wrote down."""
    told = [fake.told(name, "ended") for name in names]
    return max(sum(one["began"] <= other["began"] < one["ended"] for one in told) for other in told)


def test_jobs_start_in_the_order_of_the_plan_once_what_they_need_is_done(fake, run):
    jobs = [
        fake.job("raw-b", prepares=True),
        fake.job("input-b", "raw-b", prepares=True),
        fake.job("raw-a", prepares=True),
        fake.job("b-1", "raw-b", "input-b"),
        fake.job("a-1", "raw-a"),
        fake.job("b-2", "raw-b", "input-b"),
    ]
    events = run(*jobs, workers=1)
    names = ["raw-b", "input-b", "raw-a", "b-1", "a-1", "b-2"]
    assert kinds(events) == [(kind, name) for name in names for kind in ("started", "done")]
    told = [fake.told(name, "ended") for name in names]
    assert all(one["ended"] <= later["began"] for one, later in pairwise(told))
    assert all(event.seconds > 0 for event in events if event.kind == "done")


def test_what_needs_a_failed_input_is_skipped_and_all_else_is_run(fake, run):
    jobs = [
        fake.job("raw-b", prepares=True, code=1, says="Error: no such file"),
        fake.job("raw-a", prepares=True),
        fake.job("input-b", "raw-b", prepares=True),
        fake.job("b-1", "input-b"),
        fake.job("a-1", "raw-a"),
    ]
    events = run(*jobs, workers=2)
    texts = {event.job.name: (event.kind, event.text) for event in events if event.kind != "started"}
    assert texts == {
        "raw-b": ("failed", "Error: no such file"),
        "input-b": ("skipped", "raw-b failed"),
        "b-1": ("skipped", "input-b failed"),
        "raw-a": ("done", ""),
        "a-1": ("done", ""),
    }
    assert fake.names() == {"raw-a", "raw-b", "a-1"}


def test_a_failed_run_stops_no_other(fake, run):
    events = run(fake.job("a", code=2), fake.job("b"), workers=1)
    assert kinds(events)[1:] == [("failed", "a"), ("started", "b"), ("done", "b")]
    assert events[1].text == "exit code 2"


def test_as_many_run_at_a_time_as_there_are_workers_and_divide_the_cores(fake, run, machine):
    machine(cores=8)
    names = [f"run-{number}" for number in range(7)]
    run(*(fake.job(name, seconds=0.1, **meeting(names[:3], name)) for name in names), workers=3)
    assert together(fake, names) == 3
    threads = {value for name in names for key, value in fake.told(name)["environment"].items() if "THREADS" in key}
    assert threads == {"2"}


def meeting(names, name):
    """The option of fakejob.py with which some jobs wait for each other to begin, so that all are there at a time."""
    return {"after": names[0] if name == names[-1] else names[-1]} if name in names else {}


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_gpu_holds_so_many_networks_and_other_jobs_see_none(fake, run, machine, share):
    machine(cores=8, found=("0", "GPU-1"))
    networks, others = [f"network-{number}" for number in range(6)], [f"other-{number}" for number in range(3)]
    first = networks[: int(2 / share)]
    jobs = [fake.job(name, network=True, seconds=0.1, **meeting(first, name)) for name in networks]
    run(*jobs, *map(fake.job, others), gpus_per_run=share)
    on_gpu = defaultdict(list)
    for name in networks:
        on_gpu[fake.told(name)["environment"]["CUDA_VISIBLE_DEVICES"]].append(name)
    assert set(on_gpu) == {"0", "GPU-1"}
    for names in on_gpu.values():
        assert together(fake, names) == 1 / share
    assert {fake.told(name)["environment"]["CUDA_VISIBLE_DEVICES"] for name in others} == {""}


def test_few_networks_are_spread_over_the_gpus(fake, run, machine):
    machine(cores=8, found=("0", "1"))
    jobs = [fake.job("a", network=True, after="c"), fake.job("b", network=True), fake.job("c", "b", network=True)]
    run(*jobs, workers=4, gpus_per_run=0.5)  # three places, two of them on the first GPU
    found = {name: fake.told(name)["environment"]["CUDA_VISIBLE_DEVICES"] for name in ("a", "b", "c")}
    assert found == {"a": "0", "b": "1", "c": "1"}


def test_a_job_without_a_network_may_take_a_place_with_a_gpu_where_there_is_no_other(fake, run, machine):
    machine(found=("0",))
    events = run(fake.job("a", network=True), fake.job("b"), workers=1)
    assert kinds(events)[-1] == ("done", "b")
    assert fake.told("b")["environment"]["CUDA_VISIBLE_DEVICES"] == ""


def test_a_run_that_is_done_or_made_elsewhere_meanwhile_is_not_started_and_asked_for_only_then(fake, run):
    asked = []

    def is_left(job):
        asked.append(job.name)
        return job.name != "b"

    jobs = [fake.job(name, seconds=0.1) for name in ("a", "b", "c", "d")]
    maker = {"c": "process 5 on host"}
    events = run(*jobs, workers=1, is_left=is_left, maker=lambda job: maker.get(job.name, ""))
    skipped = {event.job.name: event.text for event in events if event.kind == "skipped"}
    assert skipped == {"b": "done meanwhile", "c": "process 5 on host is making it"}
    assert fake.names() == {"a", "d"}
    assert asked == ["a", "b", "c", "d"]


def test_closing_ends_what_runs(fake, gone, monkeypatch):
    monkeypatch.setattr(launch, "GRACE_S", 0.5)
    jobs = [fake.job("polite", seconds=600), fake.job("stubborn", seconds=600, stubborn=True), fake.job("later")]
    processes = []
    with closing(run_local(fake.plan(*jobs), Settings(fake.project, fake.folder, workers=2))) as events:
        next(events)
        processes = [fake.told(name, "process")["process"] for name in ("polite", "stubborn")]
    assert fake.told("polite")["terminated"]
    assert all(map(gone, processes))
    assert fake.names() == {"polite", "stubborn"}


SCRIPT = """
import json, sys
from pathlib import Path
from pare.matrix.engines import Settings
from pare.matrix.engines.local import run_local
from pare.matrix.plan import read_plan

for _ in run_local(read_plan(Path(sys.argv[1])), Settings(Path(sys.argv[2]), Path(sys.argv[3]), workers=2)):
    pass
"""


@pytest.mark.slow
def test_no_job_outlives_a_plan_that_is_killed(fake, gone):
    plan = fake.plan(*(fake.job(name, seconds=600, bound=True) for name in ("a", "b")))
    path = plan.write(fake.project)
    with subprocess.Popen([sys.executable, "-c", SCRIPT, path, fake.project, fake.folder]) as launcher:
        processes = [fake.told(name, "process")["process"] for name in ("a", "b")]
        launcher.kill()
    assert all(map(gone, processes))


def gpus_of(workers):
    return dict(Counter(worker.gpu for worker in workers))


def test_without_a_number_the_cores_and_the_memory_decide_how_many_run(fake, machine):
    jobs = [fake.job(name, network=True) for name in "abcdefghi"]  # of 100 MB each
    for cores, free_mb, workers in ((8, 16384, 8), (8, 300, 2), (8, 50, 1), (1, 16384, 1)):
        machine(cores=cores, free_mb=free_mb)
        assert gpus_of(workers_of(fake.plan(*jobs), Settings(fake.project, fake.folder))) == {"": workers}
        assert gpus_of(workers_of(fake.plan(*jobs), Settings(fake.project, fake.folder, workers=5))) == {"": 5}


@pytest.mark.parametrize(
    ("settings", "places"),
    [
        ({}, {"0": 1, "1": 1, "": 2}),
        ({"gpus_per_run": 0.5}, {"0": 2, "1": 2, "": 4}),
        ({"gpus_per_run": 0.3}, {"0": 3, "1": 3, "": 2}),  # eight cores in all
        ({"workers": 5}, {"0": 1, "1": 1, "": 3}),
        ({"workers": 2, "gpus_per_run": 0.5}, {"0": 1, "1": 1}),
        ({"workers": 1}, {"0": 1}),
    ],
)
def test_places_with_a_gpu_come_first(fake, machine, settings, places):
    machine(cores=8, found=("0", "1"))
    plan = fake.plan(fake.job("a", network=True), *map(fake.job, "bcdefghi"))
    assert gpus_of(workers_of(plan, Settings(fake.project, fake.folder, **settings))) == places


@pytest.mark.parametrize("jobs", [1, 3])
def test_there_are_no_more_places_than_runs_which_share_all_cores(fake, run, jobs):
    names = "abc"[:jobs]
    run(*map(fake.job, names))
    assert {fake.told(name)["environment"]["OMP_NUM_THREADS"] for name in names} == {str(8 // jobs)}


def test_a_plan_without_networks_asks_for_no_gpu(fake, monkeypatch):
    monkeypatch.setattr(local, "gpus", lambda: pytest.fail("torch takes seconds to import"))
    assert gpus_of(workers_of(fake.plan(*map(fake.job, "abcdefghi")), Settings(fake.project, fake.folder))) == {"": 8}


@pytest.mark.parametrize("share", [0.0, 1.5, -1.0])
def test_a_run_on_several_gpus_or_none_is_refused(fake, share):
    with pytest.raises(PareError, match=r"--gpus-per-run must be above 0 and at most 1, found"):
        workers_of(fake.plan(), Settings(fake.project, fake.folder, gpus_per_run=share))


@pytest.mark.parametrize(
    ("visible", "names"),
    [(None, ["0", "1"]), ("GPU-a,GPU-b,GPU-c", ["GPU-a", "GPU-b"]), ("5,3", ["5", "3"])],
)
def test_gpus_are_named_as_the_environment_names_them(monkeypatch, visible, names):
    monkeypatch.setattr(local, "COUNT_GPUS", "print(2)")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == names


@pytest.mark.slow
def test_gpus_that_the_environment_hides_are_not_there(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == []
