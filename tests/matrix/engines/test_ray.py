"""Jobs as tasks of Ray: programs that take a second in place of trainings, on this machine and on a small cluster."""

import os
import signal
import sys
from contextlib import contextmanager
from threading import Timer

import psutil
import pytest

from pare.config import PareError
from pare.matrix.engines import Settings
from pare.matrix.engines.ray import run_ray
from pare.matrix.plan import Job, Plan
from pare.storage.signals import Stopped, raised

STORE = 100 * 2**20  # bytes for Ray's objects
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from pare.storage.access import held_alone
from pare.storage.parent import PARENT, end_with_launcher

launcher = os.environ[PARENT]
print(f"launcher {launcher} threads {os.environ['OMP_NUM_THREADS']}"
      f" gpus {os.environ.get('CUDA_VISIBLE_DEVICES')!r}", flush=True)

def done():
    pass

def broken():
    sys.exit("no such column")

def alone():
    Path("here").touch(exist_ok=False)
    time.sleep(2)
    Path("here").unlink()

def sleeps():
    end_with_launcher()
    def ended(*_):
        print("ended in order", flush=True)
        sys.exit(143)
    signal.signal(signal.SIGTERM, ended)
    time.sleep(100)

def dies_slowly():
    with held_alone(Path("lock"), "it is trained", "wait"):
        if Path("begun").exists():
            return
        Path("begun").touch()
        while os.getppid() == int(launcher):
            time.sleep(0.1)
        time.sleep(3)

globals()[sys.argv[1]]()
"""


def job(name, does, *needs, **values):
    """A job that runs a function of the program."""
    return Job(name, "task", f"program {does}", needs, **values)


def plan_of(*jobs):
    return Plan("own", {one.name: one for one in jobs}, len(jobs), 0, "")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """The settings of a project with the program, on a machine without GPUs; values may be changed."""
    monkeypatch.setattr("pare.matrix.engines.local.gpus", list)
    (tmp_path / "program.py").write_text(PROGRAM)
    return lambda **values: Settings(tmp_path, tmp_path / "data/matrix/own", **{"workers": 2, **values})


@pytest.fixture
def logs(tmp_path):
    """Lines of each log."""
    folder = tmp_path / "data/matrix/own/logs"
    return lambda: {path.stem: path.read_text().splitlines() for path in folder.glob("*")}


@pytest.fixture(scope="module")
def cluster():
    """A head without cores, and a node with two of them and, by its word, a GPU."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.add_node(num_cpus=2, num_gpus=1, object_store_memory=STORE)
    yield cluster
    cluster.shutdown()


def happened(events):
    """What happened, as tuples."""
    return [(event.job.name, event.kind, event.text) for some in events for event in some]


def launcher(lines):
    """The process that started a job, by the last start in its log."""
    return int([line for line in lines if line.startswith("launcher ")][-1].split()[1])


@pytest.fixture
def in_the_background():
    """As a script starts a command in the background: Ctrl-C, by which Ray cancels a task, is ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def begin_two(events, logs, then):
    """Follow a plan, and do something once two jobs have begun."""
    begun = False
    for _ in events:
        if not begun and sum("launcher" in line for lines in logs().values() for line in lines) == 2:
            begun = True
            then()


def children():
    """Processes that this one started, directly or not."""
    return {*psutil.Process().children(recursive=True)}


def left(before):
    """Those of them that were not there before and do not end at once."""
    return psutil.wait_procs(children() - before, timeout=5)[1]


@pytest.mark.slow
def test_failures_are_told_and_not_repeated_and_what_needs_them_is_skipped(settings, logs):
    before, on_sigterm = children(), signal.getsignal(signal.SIGTERM)
    plan = plan_of(
        job("raw", "broken", prepares=True),
        job("input", "done", "raw", prepares=True),
        job("other", "done", prepares=True),
        job("run", "done", "input"),
        job("fails", "broken"),
        job("network", "done", "other", on_accelerator=True),
        job("there", "done"),
        job("elsewhere", "done"),
    )
    asked = {
        "is_left": lambda job: job.name != "there",
        "maker": lambda job: "process 7" if job.name == "elsewhere" else "",
    }
    events = happened(run_ray(plan, settings(**asked)))
    ends = {name: (kind, text) for name, kind, text in events if kind != "started"}
    assert ends == {
        "raw": ("failed", "no such column"),
        "input": ("skipped", "raw failed"),
        "run": ("skipped", "input failed"),
        "other": ("done", ""),
        "fails": ("failed", "no such column"),
        "network": ("done", ""),
        "there": ("skipped", "done meanwhile"),
        "elsewhere": ("skipped", "process 7 is making it"),
    }
    assert {name for name, kind, _ in events if kind == "started"} == {"raw", "other", "fails", "network"}
    assert all(events.index((name, "started", "")) < events.index((name, *ends[name])) for name in ("raw", "network"))
    assert {name: sum(line.startswith("# ") for line in lines) for name, lines in logs().items()} == dict.fromkeys(
        ("raw", "other", "fails", "network"), 1
    )
    assert (left(before), signal.getsignal(signal.SIGTERM)) == ([], on_sigterm)


@pytest.mark.slow
def test_sigterm_ends_what_runs_in_order_and_leaves_no_process(settings, logs, in_the_background):
    before = children()
    plan = plan_of(*(job(name, "sleeps") for name in ("first", "second", "third")))
    with pytest.raises(Stopped), raised():
        begin_two(run_ray(plan, settings()), logs, lambda: Timer(1.05, os.kill, (os.getpid(), signal.SIGTERM)).start())
    assert {name: lines[-1] for name, lines in logs().items()} == dict.fromkeys(("first", "second"), "ended in order")
    assert left(before) == []


@pytest.mark.slow
def test_closing_ends_what_runs_in_order_and_leaves_the_cluster_running(settings, logs, cluster):
    before = children()
    plan = plan_of(*(job(name, "sleeps") for name in ("first", "second", "third")))
    events = run_ray(plan, settings(workers=None, address=cluster.address))
    begin_two(events, logs, events.close)
    assert {name: lines[-1] for name, lines in logs().items()} == dict.fromkeys(("first", "second"), "ended in order")
    left = [child for child in children() - before if child.status() != psutil.STATUS_ZOMBIE]
    assert [child for child in left if "program" in child.cmdline()] == []
    assert all(node.any_processes_alive() for node in cluster.list_all_nodes())


@pytest.mark.slow
def test_a_cluster_gives_a_gpu_to_networks_alone_and_no_more_memory_than_a_node_has(settings, logs, cluster):
    large = {"memory_mb": 1e9}  # so much that there is place for one of them at a time
    plan = plan_of(job("network", "alone", on_accelerator=True, **large), job("table", "alone", **large))
    events = happened(run_ray(plan, settings(workers=None, address=cluster.address)))
    assert {event for event in events if event[1] != "started"} == {("network", "done", ""), ("table", "done", "")}
    assert [logs()[name][1].partition("threads ")[2] for name in ("network", "table")] == ["1 gpus '0'", "1 gpus ''"]


@contextmanager
def another(folder):
    """A token that is nowhere, as where a node has another folder of that name."""
    yield folder / "token"


WRONG = {
    "is not there or is another folder": ("pare.matrix.engines.ray.token", another),
    "does not keep a locked file from other processes": ("pare.storage.access.fcntl.flock", lambda *_: None),
    "install the same version": ("pare.matrix.engines.ray.version", lambda _: "99.0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("message", WRONG)
def test_a_node_that_must_not_run_anything_is_named(message, settings, cluster, monkeypatch):
    monkeypatch.setattr(*WRONG[message])
    with pytest.raises(PareError, match=f"^node .* of the Ray cluster: .*{message}"):
        next(run_ray(plan_of(job("run", "done")), settings(address=cluster.address)))
    assert cluster.head_node.any_processes_alive()


@pytest.mark.slow
def test_workers_that_no_node_holds_are_a_mistake_and_a_lost_node_is_none(settings, logs, cluster):
    cluster.add_node(num_cpus=2, object_store_memory=STORE)
    cluster.wait_for_nodes()
    plan = plan_of(job("run", "dies_slowly"))
    with pytest.raises(PareError, match="--workers 1 gives each run 4 threads, and no node has so many"):
        next(run_ray(plan, settings(workers=1, address=cluster.address)))
    lost = None
    for events in run_ray(plan, settings(address=cluster.address)):
        if not lost and (settings().project / "begun").exists():
            raylets = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
            lost = raylets[psutil.Process(launcher(logs()["run"])).ppid()]
            cluster.remove_node(lost, allow_graceful=False)
        kinds = [kind for _, kind, _ in happened([events])]
    assert (lost is not None, kinds) == (True, ["done"])
    assert sum(line.startswith("# ") for line in logs()["run"]) == 2


def test_a_message_says_how_to_install_ray(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        PareError, match=r"--engine ray needs the package 'ray', not installed; pip install 'pare-t.*\[ray\]'"
    ):
        next(run_ray(plan_of(job("run", "done")), settings()))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_an_address_without_a_cluster_is_a_mistake(address, settings):
    with pytest.raises(PareError, match=f"there is no Ray at {address} .*Connection refused"):
        next(run_ray(plan_of(job("run", "done")), settings(address=address)))
