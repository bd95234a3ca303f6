"""Commands, a table of the user's own, a small matrix, and an engine that finishes its runs at once."""

import shutil
from functools import partial
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner

from own_task import OWN_TASK
from pare.cli import cli, matrix_run_command
from pare.cli.matrix_options import load_matrix
from pare.matrix.dvc import STAGES
from pare.matrix.engines import Event
from small_matrix import BLOCKS, finish


@pytest.fixture
def invoke(project):
    """Run a command of `kedro` with some arguments; its output."""

    def invoke(*args, code=0):
        result = CliRunner().invoke(cli, args, obj=project)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def tasks(invoke):
    """Run `kedro tasks` with some arguments; its output."""
    return partial(invoke, "tasks")


@pytest.fixture
def own_table(project):
    """A table of the user's own in the project, and no task of it yet."""
    path = project.project_path / "wine.csv"
    rows = [f"{i},{i * i % 7},{['red', 'white'][i % 2]}" for i in range(40)]
    path.write_text("\n".join(["acid,sugar,kind", *rows]))
    yield path
    shutil.rmtree(project.project_path / "conf" / "local" / "tasks", ignore_errors=True)


@pytest.fixture
def matrix(project, invoke, monkeypatch):
    """Run `kedro matrix` with some arguments in a project with a small matrix of its own; its output."""
    monkeypatch.setattr("pare.cli.matrix_options.speed_of_cpu", lambda run: 1e11)
    (project.project_path / "data").mkdir()
    (project.project_path / "dvc.yaml").touch()
    conf = project.project_path / "conf" / "local"
    (conf / "tasks").mkdir(exist_ok=True)
    (conf / "matrix.yml").write_text(yaml.safe_dump({"blocks": BLOCKS}))
    (conf / "tasks" / "mine.yml").write_text(yaml.safe_dump({"mine": OWN_TASK}))

    yield partial(invoke, "matrix")
    (conf / "matrix.yml").unlink()
    shutil.rmtree(conf / "tasks")
    (project.project_path / "dvc.yaml").unlink(missing_ok=True)
    shutil.rmtree(project.project_path / "data")
    shutil.rmtree(project.project_path / STAGES, ignore_errors=True)


@pytest.fixture
def engine(project, monkeypatch):
    """An engine that finishes each run at once; ``engine.settings`` is how it was asked to, ``fails`` what fails."""

    class Engine:
        def __init__(self):
            self.settings, self.jobs, self.fails, self.before = None, [], {}, lambda job: None

        def __call__(self, plan, settings):
            self.settings = settings
            for job in plan.jobs.values():
                yield [Event(job, "started")]
                self.before(job)
                self.jobs.append(job.name)
                if job.name in self.fails:
                    yield [Event(job, "failed", self.fails[job.name])]
                    continue
                if not job.prepares:
                    finish(self.cells[job.name], project.project_path / "data")
                yield [Event(job, "done", seconds=1.0)]

    made = Engine()

    def load(*args):
        made.runs = load_matrix(*args)
        made.cells = made.runs.cells
        return made.runs

    monkeypatch.setattr(matrix_run_command, "load_matrix", load)
    monkeypatch.setitem(matrix_run_command.ENGINES, "local", made)

    def start(job, *_):
        made.reports.append(job.command)
        return SimpleNamespace(wait=lambda: made.report_code)

    made.reports, made.report_code = [], 0
    monkeypatch.setattr(matrix_run_command, "start", start)
    return made
