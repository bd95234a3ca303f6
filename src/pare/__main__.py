"""`python -m pare` and the command `pare`: `kedro run` from anywhere inside a project; `pare init` makes a project."""

import os
import sys
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the project's pipelines with the options of `kedro run`; with the argument ``init``, make a project."""
    if sys.argv[1:2] == ["init"]:
        # Read when Kedro is imported; outside a project it would speak of its own.
        os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(PACKAGE / "conf" / "logging.yml"))
        from pare.cli.init_command import init  # noqa: PLC0415

        return init(sys.argv[2:], prog_name="pare init")
    from kedro.framework.project import configure_project  # noqa: PLC0415

    configure_project(PACKAGE.name)
    from pare.cli import run  # noqa: PLC0415  # needs the configured project

    return run(*args, **kwargs)


if __name__ == "__main__":
    sys.exit(main())
