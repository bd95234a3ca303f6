"""`python -m pare` and the command `pare`: `kedro run`, this project's other commands, and `pare init`."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from kedro.utils import find_kedro_project

from pare.config.ranks import rank, ranks

PACKAGE = Path(__file__).parent


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the project's pipelines with the options of `kedro run`, or do what the first word says.

    It is ``init``, which makes a project, or a command of Kedro in this project, such as ``tasks``: pipx and uv give
    their users the command `pare` and not `kedro`.

    Args:
        args: arguments of the command line, where another program calls this one; else they are the process's own.
        kwargs: options of click.
    """
    if ranks() > 1:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # torch warns where the first step needs all weights
    if rank():
        _be_quiet()
    command = None if args else next(iter(sys.argv[1:]), None)
    outside = find_kedro_project(Path.cwd()) is None
    if outside:  # read when Kedro's project is imported, which would speak of its own
        os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(PACKAGE / "conf" / "logging.yml"))
    if command == "init":
        from pare.cli.init_command import init  # noqa: PLC0415

        return init(sys.argv[2:], prog_name="pare init")
    from kedro.framework.project import configure_project  # noqa: PLC0415

    configure_project(PACKAGE.name)
    from pare.cli import OTHERS, run  # noqa: PLC0415  # needs the configured project
    from pare.cli.common import NO_PROJECT  # noqa: PLC0415
    from pare.config.errors import unknown_name  # noqa: PLC0415

    known = [*OTHERS, str(run.name)]
    if command in known:
        from kedro.framework.cli.cli import main as kedro  # noqa: PLC0415

        if outside:
            sys.exit(f"Error: {NO_PROJECT}")
        return kedro()
    if command and not command.startswith("-"):
        sys.exit(f"Error: {unknown_name('command', command, ['init', *known], 'docs/start.md')}")
    return run(*args, **kwargs)


def _be_quiet() -> None:
    """Leave log lines, warnings and bars to the main one of several processes; errors are shown by each."""
    import warnings  # noqa: PLC0415

    import rich  # noqa: PLC0415 - slow to import

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    rich.reconfigure(force_terminal=False)


if __name__ == "__main__":
    sys.exit(main())
