"""No command prints a warning of a library's inside, and `kedro run` says first what it begins."""

import pytest

SMALL = "task=openml_wdbc,training.epochs=1"


def assert_quiet(outcome):
    """The command went well, and neither it nor a library complained."""
    assert (outcome.code, outcome.err) == (0, "")
    assert "warn" not in outcome.out.lower()
    assert "deprecat" not in outcome.out.lower()


def test_a_run_is_quiet_and_says_first_what_it_begins(project, kedro, python_m_pare):
    outcome = kedro(project, "--pipeline=pare_train", "--params", SMALL.replace("task=", "task:"))
    assert_quiet(outcome)
    first = outcome.out.splitlines()[0]
    assert "pare_train: Wisconsin diagnostic breast cancer" in first
    folder = first.partition("Results: ")[2].rstrip(" .")
    assert (project / folder / "metrics.json").is_file()

    for pipelines, said in {
        "ingest": "ingest: Wisconsin diagnostic breast cancer",
        "train,evaluate": ", seed 0. Results: data/08_reporting/openml_wdbc/",
        "report": "report: all results to data/08_reporting/report.",
    }.items():
        outcome = kedro(project, f"--pipelines={pipelines}", "--params", SMALL)
        assert_quiet(outcome)
        assert said in outcome.out.splitlines()[0]
    assert_quiet(
        python_m_pare(project, "--pipelines=baseline", "--params", "task=openml_wdbc,method=logistic_regression")
    )


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["tasks"],
        ["tasks", "show", "darcy_flow"],
        ["methods"],
        ["matrix"],
        ["catalog", "describe-datasets"],
        ["viz", "build"],
    ],
)
def test_other_commands_are_quiet_and_run_nothing(project, kedro_command, command):
    outcome = kedro_command(project, *command)
    assert_quiet(outcome)
    assert "Results: " not in outcome.out
