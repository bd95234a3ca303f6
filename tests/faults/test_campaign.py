"""The short form of `make faults`: some faults of each kind, and no run or reader is harmed by one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from campaign import BYTES, HARM, SEQUENCE, read
from injection import FAULTS, compiler

pytestmark = [pytest.mark.slow, pytest.mark.skipif(compiler() is None, reason="no C compiler is installed")]
TESTS = Path(__file__).parents[1]
PATH = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
SHORT = "--scenarios=network --most=7 --sequences=1 --inputs=3 --folders=1 --flips=2"


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Lines of the results file of a short campaign."""
    results = tmp_path_factory.mktemp("faults") / "results.jsonl"
    command = [sys.executable, Path(__file__).with_name("campaign.py"), f"--results={results}", "--processes=1"]
    done = subprocess.run(
        [*command, *SHORT.split()], env=os.environ | {"PYTHONPATH": PATH}, capture_output=True, text=True, check=False
    )
    assert results.exists(), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return read(results)


@pytest.mark.parametrize("fault", [*FAULTS, SEQUENCE, *BYTES])
def test_no_fault_is_lost_wrong_or_unclear(lines, fault):
    tried = {key: line for key, line in lines.items() if key.split("/")[1] == fault}
    assert tried
    assert {key: line["why"] for key, line in tried.items() if line["outcome"] in HARM} == {}
