import logging
import os
import signal

import click
import pytest
from click.testing import CliRunner
from kedro.config import MissingConfigException
from kedro.io import DatasetError
from rich.logging import RichHandler

from pare.cli import cli, run
from pare.cli.run_command import RunCommand
from pare.config import PareError


@pytest.mark.parametrize(
    "args",
    [
        ["--params", "task:darcy_flow,training.epochs=3"],
        ["--params", "task=darcy_flow,training.epochs:3"],
        ["--params=task:darcy_flow,training.epochs=3"],
        ["--params", "task:darcy_flow", "--params=training.epochs=3"],  # click would keep the last alone
    ],
)
def test_parameters_may_be_spelt_with_a_colon_or_an_equals_sign(args):
    assert run.make_context("run", args).params["params"] == {"task": "darcy_flow", "training": {"epochs": 3}}


def test_params_without_a_value_are_refused():
    result = CliRunner().invoke(run, ["--params", "task=darcy_flow", "--params"])
    assert (result.exit_code, "requires an argument" in result.output) == (2, True)


def test_a_colon_inside_a_value_stays():
    assert run.make_context("run", ["--params", "source=a:b"]).params["params"] == {"source": "a:b"}


def test_other_options_of_kedro_run_are_left_alone():
    params = run.make_context("run", ["--pipelines", "train", "--env", "paper", "--params", "seed:1"]).params
    assert (params["pipelines"], params["env"], params["params"]) == (["train"], "paper", {"seed": 1})


@pytest.mark.parametrize("args", [["--pipeline=predict"], ["--pipeline", "predict"], ["-p", "predict"]])
def test_the_older_spelling_of_pipelines_means_the_same_and_warns_of_nothing(args):
    params = run.make_context("run", args).params
    assert (params["pipeline"], params["pipelines"]) == (None, ["predict"])


def test_a_run_of_no_named_pipeline_is_one_of_pare_train():
    """Kedro imports every pipeline where none is named."""
    assert run.make_context("run", ["--params", "task:darcy_flow"]).params["pipelines"] == ["pare_train"]


@pytest.mark.parametrize(
    ("asked", "pipelines", "method"),
    [
        ("pare_train", ["pare_train"], None),
        ("baseline", ["pare_train"], None),
        ("choose", ["pare_train"], "choose"),
        ("ingest,baseline,predict", ["ingest", "pare_train", "predict"], None),
        ("train", ["train"], None),
    ],
)
def test_all_names_of_the_whole_pipeline_mean_the_same_and_choose_is_a_default(asked, pipelines, method):
    params = run.make_context("run", [f"--pipelines={asked}"]).params
    assert (params["pipelines"], (params["params"] or {}).get("method")) == (pipelines, method)
    named = run.make_context("run", [f"--pipelines={asked}", "--params", "method=probe"]).params
    assert (named["pipelines"], named["params"]) == (pipelines, {"method": "probe"})


def test_both_spellings_of_pipelines_together_are_refused():
    result = CliRunner().invoke(run, ["--pipeline=predict", "--pipelines=train"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: Options '--pipeline' and '--pipelines' cannot be used together")


@pytest.mark.parametrize("params", ["task", "training=[1"])
def test_parameters_that_cannot_be_read_end_in_a_message(params):
    result = CliRunner().invoke(run, ["--params", params])
    assert result.exit_code != 0
    assert result.output.count("Error: ") == 1


def outcome(error):
    """What the command makes of an error that is raised inside it."""

    def callback():
        raise error

    return CliRunner().invoke(RunCommand(name="run", callback=callback))


def wrapped(error):
    """As Kedro wraps what a dataset raises."""
    try:
        raise DatasetError("Failed while saving data to dataset") from error
    except DatasetError as caught:
        return caught


@pytest.mark.parametrize(
    "error", [PareError("mend this"), wrapped(PareError("mend this")), MissingConfigException("mend this")]
)
def test_a_mistake_of_the_users_is_shown_as_one_message(error):
    result = outcome(error)
    assert (result.exit_code, result.output) == (1, "Error: mend this\n")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "f"), OSError(28, "No space left", "f")])
def test_a_file_that_cannot_be_written_is_named(error):
    result = outcome(wrapped(error))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: cannot write f ({error.strerror}); give")


@pytest.mark.parametrize("error", [TypeError("a bug"), ValueError("a bug"), wrapped(TypeError("a bug"))])
def test_an_error_of_the_program_keeps_its_traceback(error):
    assert outcome(error).exception is error


@pytest.mark.parametrize(
    ("pipeline", "goes_on"),
    [
        *(
            (name, " The same command goes on after the last step or fit that was saved.")
            for name in ("train", "choose")
        ),
        ("predict", ""),
    ],
)
def test_ctrl_c_ends_with_the_usual_exit_code_and_says_where_the_same_command_goes_on(pipeline, goes_on):
    def interrupted(pipelines, pipeline, params):
        raise KeyboardInterrupt

    names = [click.Option(["--pipelines"], callback=lambda *given: given[-1].split(",")), click.Option(["--pipeline"])]
    names.append(click.Option(["--params"]))
    command = RunCommand(name="run", callback=interrupted, params=names)
    result = CliRunner().invoke(command, [f"--pipelines={pipeline}"])
    assert (result.exit_code, result.output) == (130, f"\nInterrupted.{goes_on}\n")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGTERM, 143, "Terminated"), (signal.SIGHUP, 129, "Hung up"), (signal.SIGINT, 130, "Interrupted")],
)
def test_each_signal_ends_with_an_exit_code_of_its_own(number, code, said):
    before = signal.getsignal(number)
    result = CliRunner().invoke(RunCommand(name="run", callback=lambda: os.kill(os.getpid(), number)))
    assert (result.exit_code, result.output) == (code, f"\n{said}.\n")
    assert signal.getsignal(number) is before


def test_the_help_names_parameters_and_pipelines_before_the_options_of_kedro():
    ours, _, kedros = CliRunner().invoke(run, ["--help"], terminal_width=120).output.partition("Options:")
    for name in (
        "method=NAME",
        "seed=0",
        "variant=NAME",
        "predict=FILE",
        "pare_train",
        "baseline",
        "choose",
        "analyse",
    ):
        assert name in ours
    assert "--from-nodes" in kedros


def test_log_lines_are_not_broken_where_no_terminal_is(monkeypatch):
    path = "/".join(["a_long_name_of_a_folder"] * 20)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [RichHandler()])
    command = RunCommand("run", callback=lambda: logging.getLogger("pare").warning("written to %s", path))
    lines = CliRunner().invoke(command, []).output.splitlines()
    assert [line.partition("] ")[2] for line in lines] == [f"written to {path}"]


@pytest.fixture
def launched(monkeypatch):
    """This process is the main one of two."""
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize(
    "args",
    [
        *(["--pipelines", name] for name in ("predict", "report", "ingest,preprocess", "choose")),
        *(["--params", f"task=darcy_flow,{value}"] for value in ("seeds=0-4", "method=choose")),
    ],
)
def test_several_processes_do_nothing_but_a_run(args):
    result = CliRunner().invoke(run, args)
    assert result.exit_code == 1
    assert "several processes train one network together" in result.output
    assert "torchrun --nproc_per_node 2 -m pare --params" in result.output


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize("name", ["matrix", "tasks"])
def test_several_processes_know_no_other_command(name):
    result = CliRunner().invoke(cli, [name])
    assert result.exit_code == 1
    assert "start other commands as one process" in result.output
