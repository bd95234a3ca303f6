"""What all commands share: the configuration, the screen, and mistakes shown without a traceback."""

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import reduce
from pathlib import Path
from traceback import walk_tb
from typing import Any

import click
from kedro.config import MissingConfigException
from kedro.framework.cli.utils import KedroCliError
from kedro.utils import find_kedro_project
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console
from yaml import YAMLError

from pare.config import PareError, Run, Task
from pare.config.errors import causes
from pare.config_loader import RunConfigLoader
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.signals import exit_code, raised

ENDED = {130: "Interrupted", 143: "Terminated", 129: "Hung up"}  # how a command ended, by its exit code
NO_PROJECT = "no project is in this folder or above it; make one: pare init my_project"
SEEDS, FOLDS = "seeds", "folds"  # parameters of several runs
# What a user can mend: our own errors, those about configuration files, and those about options and names given to
# Kedro, which shows some of its own without their text.
MISTAKES = (PareError, KedroCliError, MissingConfigException, OmegaConfBaseException, YAMLError)
# What keeps a file from being written, whatever library meets it.
NOT_WRITABLE = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EEXIST", "EISDIR", "ENOTDIR")
    if hasattr(errno, name)
}
KEDRO_CHECKS = ("kedro.config", "kedro.framework.session.session", "kedro.pipeline.pipeline")


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show a mistake of the user's as a message of the command line, without a traceback."""
    try:
        yield
    except Exception as error:
        mistake = _user_mistake(error)
        if mistake is None:
            raise
        raise click.ClickException(str(mistake)) from None


class Commands(click.Group):
    """A group of commands whose mistakes are messages without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call one of them."""
        with clear_errors():
            return super().invoke(ctx)


def with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Options that several commands have, in their order, as one decorator."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


def together_error() -> PareError:
    """What several processes that a launcher started do together, where they are asked for anything else."""
    return PareError(
        "several processes train one network together, and do nothing else: "
        "torchrun --nproc_per_node 2 -m pare --params task=NAME,method=pare; start other commands as one process"
    )


@contextmanager
def ended_by_signals(goes_on: str) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a command in order, with one sentence and the exit code of each.

    Args:
        goes_on: what the command says besides, such as what was saved; it begins with a blank.
    """
    try:
        with raised():
            yield
    except KeyboardInterrupt as stop:
        with suppress(OSError):  # a terminal that is closed
            click.secho(f"\n{ENDED[exit_code(stop)]}.{goes_on}", err=True)
        sys.exit(exit_code(stop))


def _user_mistake(error: BaseException) -> BaseException | None:
    """The mistake that an error was caused by."""
    for cause in causes(error):
        if isinstance(cause, MissingConfigException) and find_kedro_project(Path.cwd()) is None:
            return PareError(f"{cause}; {NO_PROJECT}")
        if isinstance(cause, MISTAKES):
            return cause
        if isinstance(cause, OSError) and cause.errno in NOT_WRITABLE:
            return PareError(
                f"cannot write {cause.filename or 'a file'} ({cause.strerror}); "
                "give this user write permission or free space there"
            )
        if isinstance(cause, UnicodeDecodeError) and (wrong := _wrongly_encoded(cause)):
            return wrong
    return error if isinstance(error, ValueError) and _module_that_raised(error).startswith(KEDRO_CHECKS) else None


def _wrongly_encoded(error: UnicodeDecodeError) -> PareError | None:
    """The configuration file that the error is about, which it does not name."""
    project = find_kedro_project(Path.cwd())
    for path in sorted((project / "conf").rglob("*.y*ml")) if project else ():
        if path.read_bytes() == error.object:
            return PareError(f"{path} is not encoded in UTF-8 ({error.reason}, byte {error.start}); save it as UTF-8")
    return None


def _module_that_raised(error: BaseException) -> str:
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"])


def config_loader(project: Path, env: str | None, source: str | None = None) -> RunConfigLoader:
    """The configuration of an environment, as `kedro run` reads it; of another folder than conf where one is named."""
    return RunConfigLoader(conf_source=source or str(project / "conf"), env=env, **CONFIG_LOADER_ARGS)  # type: ignore[arg-type]


def screen() -> Console:
    """As wide as the terminal; wide enough for the tables where the output goes elsewhere. Text is shown as it is."""
    return Console(width=None if sys.stdout.isatty() else 140, markup=False, emoji=False)


def resolved_run(loader: RunConfigLoader, overrides: dict[str, Any]) -> Run:
    """The run that parameters of the command line ask for."""
    loader.runtime_params = overrides
    return loader.run


def speed_of_cpu(run: Run) -> float:
    """Operations a second of this machine's CPU, in the precision of a run."""
    from pare.learners.machine import speed_here  # noqa: PLC0415 - torch, which commands that list do without

    return speed_here(run)


def prediction_text(task: Task) -> str:
    """What a task predicts, such as ``2 classes``."""
    shape = "×".join(map(str, task.output.shape))
    kinds = {"classification": "classes", "multilabel": "labels", "regression": "number" if shape == "1" else "numbers"}
    return f"field {shape}" if task.output.kind == "dense" else f"{shape} {kinds[task.output.kind]}"
