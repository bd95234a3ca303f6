"""Which warnings a user sees."""

import os
import subprocess
import sys

import pytest

WARN = """
import sys, warnings
import pare.settings
message, category, module = sys.argv[1:]
warnings.warn_explicit(message, getattr(__builtins__, category), "file.py", 1, module=module)
"""


def shown(*args):
    """What a fresh process prints of a warning: its text, its category, the module that it is about."""
    wide = os.environ | {"COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", WARN, *args], capture_output=True, text=True, check=True, env=wide)
    return done.stdout + done.stderr


@pytest.mark.parametrize("module", ["kedro.config.omegaconf_config", "kedro_viz.api.rest.responses", "torch.nn"])
def test_what_libraries_tell_each_other_is_not_shown(module):
    assert shown("\nregister_new_resolver() is deprecated", "UserWarning", module) == ""


def test_nor_what_omegaconf_would_have_its_callers_call_it():
    assert shown("register_new_resolver() is deprecated\nUse another", "UserWarning", "pare.config_loader") == ""


@pytest.mark.parametrize(
    ("message", "module"),
    [
        ("The NVIDIA driver on your system is too old", "torch.cuda"),
        ("Option '--async' is deprecated", "kedro.framework.cli.project"),
        ("task_file is deprecated", "pare.data.own"),
    ],
)
def test_what_a_user_can_act_on_is_shown(message, module):
    assert message in shown(message, "UserWarning", module)
