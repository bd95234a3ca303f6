"""Commands of Kedro in processes of their own that begin with the large libraries imported, which takes seconds.

Each is forked from a server that imports these libraries and does nothing else, so a command finds nothing of the
project or of another command. What an import prints is not seen here.
"""

import os
import sys
from multiprocessing import get_context
from pathlib import Path

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        *("torch", "torch.distributed.tensor", "transformers.core_model_loading", "accelerate"),
        *("torchmetrics.classification", "sklearn.linear_model", "sklearn.model_selection", "pandas"),
        *("h5py", "networkx", "matplotlib.figure"),
    ]
)


def run_kedro(arguments: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> int:
    """Run `kedro` in a folder and write what it prints to two files; the exit code."""
    process = SERVER.Process(target=_kedro, args=(arguments, folder, environment, out, err))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _kedro(arguments: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        with path.open("w") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(folder)
    os.environ.update(environment)
    sys.argv = ["kedro", *arguments]
    from kedro.framework.cli.cli import main

    main()
