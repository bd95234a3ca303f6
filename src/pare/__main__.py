"""`python -m pare` and the console script `pare`: `kedro run` for this project, from anywhere inside it."""

import sys
from pathlib import Path
from typing import Any

from kedro.framework.project import configure_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the project's pipelines with the options of `kedro run`."""
    configure_project(Path(__file__).parent.name)
    from pare.cli import run  # noqa: PLC0415  # needs the configured project

    return run(*args, **kwargs)


if __name__ == "__main__":
    sys.exit(main())
