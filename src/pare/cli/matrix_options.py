"""The matrix that a command is about: its runs, how far they are, and the plan of what is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from pare.cli.common import config_loader, speed_of_cpu, with_options
from pare.cli.run_command import parse_params
from pare.config import Library, PareError
from pare.config_loader import load_library
from pare.matrix.blocks import Cell, expand, unique
from pare.matrix.cost import costs
from pare.matrix.dvc import users_own
from pare.matrix.plan import Job, Plan, make_plan
from pare.matrix.selection import own_matrix, selected
from pare.matrix.states import Listing, State, listing, maker, matrix_states

DVC_ENVIRONMENTS = (None, "base", "local")  # those whose runs are stages of dvc.yaml
BASE, OWN = "base", "own"  # titles: the matrix of DVC, and one that the command line gives


@dataclass(frozen=True)
class Matrix:
    """A matrix of runs of an environment, and how far it is.

    Attributes:
        project: the project's folder.
        env: Kedro's environment.
        title: its name: the environment's, ``base``, or ``own``.
        library: all that the configuration defines.
        values: the content of matrix.yml, or what the command line gave in its place.
        blocks: its runs by the title of their block.
        whole: whether these are all runs of matrix.yml.
    """

    project: Path
    env: str | None
    title: str
    library: Library
    values: Mapping[str, Any]
    blocks: dict[str, list[Cell]]
    whole: bool = True

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Every run once, by its name."""
        return unique(self.blocks)

    @cached_property
    def states(self) -> dict[str, State]:
        """How far each run has come."""
        return matrix_states(self.cells, self.project / "data")

    @property
    def left(self) -> list[str]:
        """Names of the runs that are not done."""
        return [name for name in self.cells if self.states[name].kind != "done"]

    def is_left(self, job: Job) -> bool:
        """Whether a job is not done by now, asked of the files of its run; one that prepares an input asks itself."""
        cell = self.cells.get(job.name)
        return cell is None or matrix_states({job.name: cell}, self.project / "data")[job.name].kind != "done"

    def maker(self, name: str) -> str:
        """The process that makes a job's run at this moment; empty for none, and for an input."""
        return maker(self.cells[name].run, self.project / "data") if name in self.cells else ""

    @property
    def in_git(self) -> bool:
        """Whether it is the matrix whose stages and results git keeps: `pare init` makes projects without stages."""
        return self.title == BASE and (self.project / "dvc.yaml").is_file()

    @property
    def has_stages(self) -> bool:
        """Whether its runs are stages of DVC here, which knows conf/base alone."""
        return self.in_git and not users_own(self.cells, self._base[0])

    @property
    def option(self) -> str:
        """The option that names its environment, with a blank before it."""
        return "" if self.env in DVC_ENVIRONMENTS else f" --env {self.env}"

    @property
    def folder(self) -> Path:
        """Folder of its plan and of the logs."""
        return self.project / "data" / "matrix" / self.title

    @cached_property
    def _base(self) -> tuple[Library, dict[str, Any]]:
        """All that conf/base defines, and its parameters."""
        loader = config_loader(self.project, "base")
        return load_library(loader), loader["parameters"]

    def of_base(self) -> tuple[dict[str, Cell], Library]:
        """The runs as dvc makes them, from conf/base alone, and all that is defined there.

        Raises:
            PareError: where they are of another environment, or need what the user alone defines.
        """
        library, parameters = self._base
        if self.title != BASE:
            raise PareError(f"dvc runs the base environment; for that of {self.env}: kedro matrix run{self.option}")
        if name := users_own(self.cells, library):
            raise PareError(
                f"dvc and results.csv have what is defined in conf/base, and {name} is not; move it there, or do "
                "without them: kedro matrix run"
            )
        return unique(expand(self.values, library, parameters)), library

    def check(self) -> None:
        """Refuse runs of the command line's own matrix that would be refused as they begin, hours later on a cluster.

        Those of matrix.yml are not looked at: that would import the libraries of all methods.

        Raises:
            PareError: naming task and method.
        """
        if self.title != OWN:
            return
        from pare.learners.check import check_run  # noqa: PLC0415 - imports torch

        pairs = {(cell.run.task_name, cell.run.method_name): cell.run for cell in self.cells.values()}
        for (task, method), run in pairs.items():
            try:
                check_run(run)
            except PareError as error:
                raise PareError(f"{task} with {method}: {error}") from None

    def plan(self, device: str = "") -> Plan:
        """The plan of what is left."""
        priced = costs(self.cells, self.states, speed_of_cpu, device)
        return make_plan(self.title, self.cells, priced, self.project / "data")

    def listing(self) -> Listing:
        """The lines of the results that git keeps; where dvc makes the runs, of those that conf/base says."""
        return listing(self.of_base()[0] if self.in_git else self.cells, self.project / "data")

    def results(self) -> dict[str, Mapping[str, Any]]:
        """Metrics of the finished runs by their folder."""
        return {self.cells[name].run.folder: state.metrics for name, state in self.states.items() if state.metrics}


def load_matrix(project: Path, env: str | None, asked: Mapping[str, Any] | None = None) -> Matrix:
    """The matrix of an environment, or that of the command line.

    Args:
        project: the project's folder.
        env: Kedro's environment.
        asked: options of `choosing_options`; none: all of matrix.yml.
    """
    asked = asked or {}
    loader = config_loader(project, env)
    library, parameters = load_library(loader), loader["parameters"]
    own = own_matrix(asked, parameters)
    values = own or loader["matrix"]
    blocks = expand(values, library, parameters, "the command line" if own else "matrix.yml")
    only = asked.get("only") or ""
    blocks = selected(blocks, only)
    title = OWN if own else BASE if env in DVC_ENVIRONMENTS else str(env)
    return Matrix(project, env, title, library, values, blocks, whole=not (own or only))


# Options of a command that say which runs it is about.
choosing_options = with_options(
    click.option("--only", metavar="NAMES", help="Runs or blocks of these names alone, such as 'openml_*,Series'."),
    click.option("--tasks", metavar="A,B", help="A matrix of your own: its tasks, in place of matrix.yml."),
    click.option("--methods", metavar="A,B", help="Its methods. Default: method."),
    click.option("--seeds", metavar="0-4", help="Its seeds, such as 0-4 or 0-2+7. Default: seed."),
    click.option("--folds", metavar="N", type=click.IntRange(2), help="Folds of a cross-validation of each."),
    click.option(
        "--params",
        multiple=True,
        metavar="A=1,B=2",
        callback=parse_params,
        help="Values of all its runs, as of kedro run.",
    ),
    env_option,
)
