"""Commands of Kedro and programs of Python in processes of their own that begin with the large libraries imported.

That takes seconds. Each process is forked from a server that imports these libraries and does nothing else, so it finds
nothing of the project or of another command. What an import prints is not seen here.
"""

import os
import runpy
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        *("torch", "torch.distributed.tensor", "transformers.modeling_utils", "accelerate"),
        *("sklearn.linear_model", "sklearn.model_selection", "pandas"),
        *("h5py", "networkx", "matplotlib.figure"),
    ]
)


def run(call: Callable[..., None], what: object, folder: Path, environment: dict[str, str], printed: Path) -> int:
    """Run `kedro`, `pare` or `python` in a folder; what is printed goes to the files ``out`` and ``err`` of another.

    Returns:
        The exit code.
    """
    process = SERVER.Process(target=_run, args=(call, what, folder, environment, printed))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def kedro(arguments: list[str]) -> None:
    """The command of this name."""
    sys.argv = ["kedro", *arguments]
    from kedro.framework.cli.cli import main

    main()


def pare(arguments: list[str]) -> None:
    """`python -m pare`."""
    sys.argv = ["pare", *arguments]
    runpy.run_module("pare", run_name="__main__", alter_sys=True)


def python(program: str) -> None:
    """A program, as the interpreter would run it."""
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})


def _run(call: Callable[..., None], what: object, folder: Path, environment: dict[str, str], printed: Path) -> None:
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        with (printed / name).open("w") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(folder)
    os.environ.update(environment)
    call(what)
