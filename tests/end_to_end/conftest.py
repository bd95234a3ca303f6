"""The real commands, in processes of their own, in a copy of the project with tasks that take seconds."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from pare.data.files import MADE_HERE
from preloaded import kedro as kedro_main
from preloaded import pare, python, run

# On the real grid of 421 points, but few fields, points and tokens.
TINY_DARCY = {
    "raw": {"origins": {"darcy_flow_simulation": {"options": {"train": 12, "test": 4}}}},
    "reader": {"options": {"stride": 35}},
    "samples": {"train": 12, "test": 4},
    "input": {"shape": [3, 13, 13]},
    "output": {"shape": [1, 13, 13]},
    "tokens": {"patch": 4},
}
ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "COLUMNS": "400",  # no message is broken over lines
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}


KEDRO_RUN = (str(Path(sys.executable).with_name("kedro")), "run")
BASH = ("bash", "-ec")


def start(project: Path, *args: str, program: tuple[str, ...] = KEDRO_RUN) -> subprocess.Popen[str]:
    """Start the command in a project."""
    return subprocess.Popen(
        [*program, *args],
        cwd=project,
        env=os.environ | ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it left unfinished: files have a dot in front of their name until whole."""

    code: int
    out: str
    err: str
    leftovers: list[Path]

    def assert_quiet(self) -> None:
        """The command went well, and neither it nor a library complained."""
        assert (self.code, self.err) == (0, "")
        assert "warn" not in self.out.lower()
        assert "deprecat" not in self.out.lower()


def finish(process: subprocess.Popen[str], project: Path) -> Outcome:
    """Wait for a command to end."""
    out, err = process.communicate()
    return Outcome(process.returncode, out, err, leftovers(project))


def leftovers(project: Path) -> list[Path]:
    """Files that were not finished."""
    return [path for path in (project / "data").rglob(".*") if path.name not in (".gitkeep", MADE_HERE)]


def run_preloaded(project: Path, call: Callable[..., None], what: object) -> Outcome:
    """Run a function of preloaded.py in a project, in a process that has the libraries."""
    with TemporaryDirectory() as name:
        code = run(call, what, project, ENVIRONMENT, Path(name))
        out, err = (Path(name, stream).read_text() for stream in ("out", "err"))
        return Outcome(code, out, err, leftovers(project))


def commands(script: str) -> list[str]:
    """A script of bash in parts: its lines of Kedro, and what is between them."""
    parts = groupby(script.splitlines(keepends=True), key=is_of_kedro)
    return [command for alone, lines in parts for command in (lines if alone else ["".join(lines)])]


def is_of_kedro(command: str) -> bool:
    """Whether a line of bash is a command of Kedro."""
    return command.startswith("kedro ")


def told(project: Path, language: str, command: str) -> Outcome:
    """Run commands of bash or a program of Python in a project."""
    if language == "python":
        return run_preloaded(project, python, command)
    if is_of_kedro(command):
        return run_preloaded(project, kedro_main, shlex.split(command, comments=True)[1:])
    return finish(start(project, command, program=BASH), project)


@pytest.fixture(scope="session")
def template(tmp_path_factory, conf, tiny_bert) -> Path:
    """A copy of the project without data, whose tasks are tiny and use a tiny encoder."""
    project = tmp_path_factory.mktemp("template") / "project"
    shutil.copytree(conf, project / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copy(conf.parent / "pyproject.toml", project)
    (project / "src").mkdir()  # Kedro wants one; the package itself is installed
    local = project / "conf" / "local"
    (local / "tasks").mkdir(parents=True)
    tiny = {
        "title": "A tiny BERT",
        "encoder": {"origin": "hub_encoder", "options": {"id": str(tiny_bert)}, "licence": "none"},
        "size": {"width": 32, "layers": 2, "parameters": 17000},
        "proxy": {"classification": "english_topics", "dense": "english_topics"},
    }
    (local / "sources.yml").write_text(yaml.safe_dump({"tiny": tiny}))
    shrink(project / "conf" / "base" / "tasks" / "nas_bench_360.yml", {"darcy_flow": TINY_DARCY})
    shrink(project / "conf" / "base" / "tasks" / "openml_cc18.yml", {"openml_wdbc": {"samples": {"all": 120}}})
    return project


def shrink(file: Path, changes: dict[str, Any]) -> None:
    """Change tasks where they are listed: what conf/local changes has folders of its own."""
    OmegaConf.save(OmegaConf.merge(OmegaConf.load(file), changes), file)


@pytest.fixture
def project(template, tmp_path) -> Path:
    """A copy of the template."""
    return Path(shutil.copytree(template, tmp_path / "project"))


@pytest.fixture(scope="session")
def ingested(template, tmp_path_factory) -> Path:
    """A project whose raw files of the tiny Darcy flow are there."""
    project = Path(shutil.copytree(template, tmp_path_factory.mktemp("ingested") / "project"))
    outcome = finish(start(project, "--pipelines=ingest", "--params", "task=darcy_flow,source=tiny"), project)
    assert outcome.code == 0, outcome.err
    return project


@pytest.fixture
def with_raw_files(ingested, tmp_path) -> Path:
    """A copy of the ingested project."""
    return Path(shutil.copytree(ingested, tmp_path / "project"))


@pytest.fixture(scope="session")
def kedro() -> Callable[..., Outcome]:
    """`kedro run` in a project, in a process that has the libraries."""
    return lambda project, *args: run_preloaded(project, kedro_main, ["run", *args])


@pytest.fixture(scope="session")
def kedro_command() -> Callable[..., Outcome]:
    """Any command of Kedro, or another program, in a project."""
    return lambda project, *args, program=KEDRO_RUN[:1]: finish(start(project, *args, program=program), project)


@pytest.fixture(scope="session")
def python_m_pare() -> Callable[..., Outcome]:
    """`python -m pare` in a project, in a process that has the libraries."""
    return lambda project, *args: run_preloaded(project, pare, [*args])


@pytest.fixture(scope="session")
def said() -> Callable[..., str]:
    """What commands of bash or a program of Python print in a project; they must not fail."""

    def said(project: Path, language: str, content: str) -> str:
        printed = ""
        for command in commands(content) if language == "bash" else [content]:
            outcome = told(project, language, command)
            assert outcome.code == 0, outcome.out + outcome.err
            printed += outcome.out
        return printed

    return said


@pytest.fixture
def running() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command of bash in a project, which goes on during the test and ends with it."""
    processes = []

    def running(project: Path, command: str) -> subprocess.Popen[str]:
        processes.append(start(project, f"exec {command}", program=BASH))
        return processes[-1]

    yield running
    for process in processes:
        process.terminate()
        process.communicate()


@pytest.fixture
def kedro_started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start any command of Kedro in a project; it takes Ctrl-C, and ends with the test."""
    processes = []

    def kedro_started(project: Path, *args: str) -> subprocess.Popen[str]:
        with taking_ctrl_c():
            processes.append(start(project, *args, program=KEDRO_RUN[:1]))
        return processes[-1]

    yield kedro_started
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def ended() -> Callable[..., Outcome]:
    """How a command that was started in a project ends."""
    return finish


@contextmanager
def taking_ctrl_c() -> Iterator[None]:
    """Tests that a script started in the background ignore Ctrl-C, and so would a command that is started here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def kedro_interrupted() -> Callable[..., Outcome]:
    """`kedro run` in a project, with Ctrl-C or another signal as soon as a file is there or a text is printed."""

    def kedro_interrupted(project: Path, at: Path | str, *args: str, number: int = signal.SIGINT) -> Outcome:
        with taking_ctrl_c():
            process, printed = start(project, *args), list[str]()
        reader = Thread(target=lambda: printed.extend(process.stdout))
        reader.start()
        while not (at.exists() if isinstance(at, Path) else at in "".join(printed)):
            assert process.poll() is None, (printed, process.stderr.read())
            time.sleep(0.02)
        process.send_signal(number)
        err = process.stderr.read()
        reader.join()
        return Outcome(process.wait(), "".join(printed), err, leftovers(project))

    return kedro_interrupted
