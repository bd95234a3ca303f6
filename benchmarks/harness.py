"""What the benchmarks share: options, calls in turns, a process of its own, busy programs, and printed lines."""

import argparse
import multiprocessing
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

CONF = Path(__file__).parents[1] / "conf"
BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"  # none outlives this program

Ways = Mapping[str, Callable[[], object]]


def options(doc: str | None, **defaults: Any) -> argparse.Namespace:
    """The command line: an option for each default, several values where the default is a list."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        many = isinstance(default, list)
        kind = type(default[0] if many else default)
        parser.add_argument(f"--{name}", type=kind, nargs="+" if many else None, default=default, help=f"{default}")
    return parser.parse_args()


def library(env: str = "base") -> Any:
    """The configuration's library."""
    from kedro.config import OmegaConfigLoader  # noqa: PLC0415 - not every benchmark needs it

    from pare.config_loader import load_library  # noqa: PLC0415
    from pare.settings import CONFIG_LOADER_ARGS  # noqa: PLC0415

    return load_library(OmegaConfigLoader(conf_source=str(CONF), env=env, **CONFIG_LOADER_ARGS))


def in_turns(ways: Ways, repeats: int, clock: Callable[[], float] = time.perf_counter) -> dict[str, list[float]]:
    """Seconds of each call, after one to warm up; ways take turns, so that a busy machine slows all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for timed in range(-1, repeats):
        for name, way in ways.items():
            started = clock()
            way()
            if (torch := sys.modules.get("torch")) and torch.cuda.is_initialized():
                torch.cuda.synchronize()
            if timed >= 0:
                seconds[name].append(clock() - started)
    return seconds


def show(title: str, seconds: Mapping[str, Sequence[float]], notes: Mapping[str, str] | None = None) -> None:
    """Print the median of each way and, by rounds, its ratio to the first one: median and quartiles."""
    print(title)
    first = np.array(next(iter(seconds.values())))
    for name, times in seconds.items():
        low, ratio, high = np.quantile(np.array(times) / first, (0.25, 0.5, 0.75))
        line = f"  {name:32}{1000 * np.median(times):11.2f} ms {ratio:9.3g} times ({low:.3g} to {high:.3g})"
        print(line, (notes or {}).get(name, ""), flush=True)


def alone(function: Callable[..., Any], *arguments: Any, start: str = "spawn") -> Any:
    """The result of a call in a process of its own, whose peak memory is its own; ``fork``: with what is imported."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(start)) as process:
        return process.submit(function, *arguments).result()


def peak_bytes() -> int:
    """Highest memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts kilobytes


@contextmanager
def busy_programs(count: int) -> Iterator[None]:
    """So many other programs, each of which uses a core."""
    with ExitStack() as running:
        for _ in range(count):
            running.callback(running.enter_context(subprocess.Popen([sys.executable, "-c", BUSY])).kill)
        yield
