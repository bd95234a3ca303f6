"""No command that is no run prints a warning of a library's inside; runs are in test_runs.py."""

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["tasks"],
        ["tasks", "show", "darcy_flow"],
        ["methods"],
        ["matrix", "plan", "--tasks", "openml_wdbc,darcy_flow"],
        ["catalog", "describe-datasets"],
        ["viz", "build"],
    ],
)
def test_other_commands_are_quiet_and_run_nothing(project, kedro_command, command):
    outcome = kedro_command(project, *command)
    outcome.assert_quiet()
    assert "Results: " not in outcome.out
